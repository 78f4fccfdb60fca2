//! Enrolment and renewal by calls, for clients that bring pages of their own. Off unless the
//! operator switches them on.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use model::otp::OtpRefusal;
use model::{RequestPk, Status};
use serde_json::{Value, json};
use service::Error;
use service::enrolment::{EnrolledByCall, KeyChoice};
use service::registration::{Caller, CertificateRecord, RenewalRefusal};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::door::{Door, ok};
use super::endpoint::Endpoint;
use super::refusal::{Call, Fault};
use super::refusals::{
    Case, invalid_scratchcard, no_key, no_signature, not_permitted, unknown_request,
    wrong_parameters, wrong_status,
};
use super::schemas::{self, flag, refer};
use super::wire;
use crate::path_args::PathArgs;
use crate::schema;

const GROUP: &str = "Enrolment by calls";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(
            "/requests/{pk}/generate_otp/",
            Call::GenerateOtp,
            generate_otp,
        )
        .about(GROUP, "Send the subscriber a code", "")
        .json(
            schema::object("", vec![("scratchcard", schema::loose_number(""), false)]),
            json!({ "scratchcard": "7000001" }),
        )
        .answers(
            schema::object("", vec![("delivery_method", schema::text(""), true)]),
            json!({ "delivery_method": "sms" }),
        )
        .refuses(code_refusals),
        Endpoint::post(
            "/requests/{pk}/generate_otp_for_qs/",
            Call::GenerateOtpForQualified,
            generate_otp_for_qualified,
        )
        .about(
            GROUP,
            "Send the subscriber a code, qualified devices",
            "PIN and PUK are taken and not looked at: the PIN is chosen with the code.",
        )
        .json(
            schema::object(
                "",
                vec![
                    ("pin", schema::optional_text(""), false),
                    ("puk", schema::optional_text(""), false),
                ],
            ),
            json!({ "pin": "ab12cd34", "puk": "cd34ef56" }),
        )
        .answers(
            schema::object(
                "",
                vec![(
                    "result",
                    schema::object(
                        "",
                        vec![
                            ("qualified", flag(""), true),
                            ("number", schema::text("Where the code went."), true),
                            ("webunlock", flag(""), true),
                        ],
                    ),
                    true,
                )],
            ),
            json!({ "result": { "qualified": true, "number": "+34600000000", "webunlock": true } }),
        )
        .refuses(code_refusals),
        enrol(
            "/requests/{pk}/pl_cloud_enroll/",
            Call::CloudEnroll,
            cloud_enroll,
        )
        .about(GROUP, "Enrol into the cloud", RULE)
        .json(
            enrol_schema("pin"),
            json!({ "secret": "123456", "pin": "ab12cd34" }),
        ),
        enrol(
            "/requests/{pk}/plq_cloud_enroll/",
            Call::QualifiedCloudEnroll,
            qualified_enroll,
        )
        .about(GROUP, "Enrol into the cloud, qualified devices", RULE)
        .json(
            enrol_schema("pin"),
            json!({ "secret": "123456", "pin": "ab12cd34" }),
        ),
        Endpoint::post(
            "/requests/{pk}/pl_p12_enroll/",
            Call::Pkcs12Enroll,
            pkcs12_enroll,
        )
        .about(GROUP, "Enrol into a PKCS#12 file", RULE)
        .json(
            enrol_schema("p12password"),
            json!({ "secret": "123456", "p12password": "ab12cd34" }),
        )
        .answers(
            schema::array(schema::text("The file in armour.")),
            json!(["-----BEGIN PKCS12-----\n…\n-----END PKCS12-----\n"]),
        )
        .refuses(enrol_refusals),
        renewal("/requests/cloud_renew/", Call::CloudRenew, cloud_renew).about(
            GROUP,
            "Renew in the cloud",
            "A new key under the same PIN.",
        ),
        renewal("/requests/soft_renew/", Call::SoftRenew, soft_renew).about(
            GROUP,
            "Renew a PKCS#12 file",
            "A new file, whose password is `pin`; it comes in `pkcs12`.",
        ),
    ]
}

const RULE: &str = "8 to 64 characters, with 2 letters and 2 digits at least.";

fn enrol<H, T>(path: &'static str, call: Call, handler: H) -> Endpoint
where
    H: axum::handler::Handler<T, super::door::DoorState>,
    T: 'static,
{
    let mut sample = schemas::certificate_sample();
    if let Value::Object(members) = &mut sample {
        members.shift_remove("type");
        members.insert("request".to_owned(), 1001.into());
    }
    Endpoint::post(path, call, handler)
        .answers(schema::array(refer("Certificate")), json!([sample]))
        .refuses(enrol_refusals)
}

fn renewal<H, T>(path: &'static str, call: Call, handler: H) -> Endpoint
where
    H: axum::handler::Handler<T, super::door::DoorState>,
    T: 'static,
{
    let mut sample = schemas::certificate_sample();
    sample["type"] = "RENEWAL".into();
    Endpoint::post(path, call, handler)
        .json(
            schema::object(
                "",
                vec![
                    ("username", schema::text("The scratchcard's number."), true),
                    ("password", schema::text("Its enrollment code."), true),
                    ("pin", schema::text(""), true),
                ],
            ),
            json!({ "username": "7000001", "password": "aB3:d,9_", "pin": "ab12cd34" }),
        )
        .answers(schema::array(refer("Certificate")), json!([sample]))
        .refuses(|| {
            vec![
                wrong_parameters("pin", "A parameter is missing."),
                (Error::WrongCredentials.into(), "One of them is wrong."),
                (
                    Error::CredentialBlocked.into(),
                    "They were wrong too often.",
                ),
                (
                    Error::NotRenewable(RenewalRefusal::NotEnabled).into(),
                    "Not renewable; the codes are those of the renewal check.",
                ),
                not_permitted(),
                no_key(),
            ]
        })
}

fn enrol_schema(secret: &'static str) -> RefOr<Schema> {
    schema::object(
        "",
        vec![
            (
                "secret",
                schema::text("The code from the text message."),
                true,
            ),
            (secret, schema::text(RULE), true),
        ],
    )
}

fn code_refusals() -> Vec<Case> {
    vec![
        unknown_request(),
        wrong_status(Status::Created, "Not `ENROLLREADY`."),
        invalid_scratchcard(),
        (
            Error::CodeTooSoon { seconds: 60 }.into(),
            "A code was sent a moment ago.",
        ),
        (
            Error::CodesGuessed.into(),
            "Fifty wrong codes were tried in a row.",
        ),
        (
            Error::NoDelivery("sms".into()).into(),
            "No way is configured to send codes.",
        ),
        not_permitted(),
    ]
}

fn enrol_refusals() -> Vec<Case> {
    let mut refusals = vec![
        unknown_request(),
        wrong_status(
            Status::Issued,
            "Not `ENROLLREADY`; after an enrolment, too.",
        ),
        wrong_parameters("secret", "A parameter is missing."),
        (
            Error::CodeRefused(Some(OtpRefusal::Wrong)).into(),
            "The code is wrong, used, or too old.",
        ),
        (
            Error::CodeRefused(Some(OtpRefusal::Guessed)).into(),
            "Fifty wrong codes were tried in a row. No further one is sent or accepted.",
        ),
        (Error::WeakSecret.into(), "PIN or password break the rule."),
        (
            Error::WrongElement.into(),
            "The request wants the key elsewhere.",
        ),
        not_permitted(),
    ];
    refusals.extend(no_signature());
    refusals
}

async fn generate_otp(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::GenerateOtp, async {
        send_code(&door, &args, &headers, body).await?;
        Ok(ok(&json!({ "delivery_method": "sms" })))
    })
    .await
}

async fn generate_otp_for_qualified(
    door: Door,
    args: PathArgs,
    headers: HeaderMap,
    body: Body,
) -> Response {
    door.answer(Call::GenerateOtpForQualified, async {
        let number = send_code(&door, &args, &headers, body).await?;
        Ok(ok(&json!({
            "result": { "qualified": true, "number": number, "webunlock": true },
        })))
    })
    .await
}

/// The number that the code went to.
async fn send_code(
    door: &Door,
    args: &PathArgs,
    headers: &HeaderMap,
    body: Body,
) -> Result<String, Fault> {
    let caller = door.caller().await?;
    let pk = args.number()?;
    let mut fields = door.fields(headers, body).await?;
    let scratchcard = fields.text("scratchcard");
    fields.check(&[])?;
    let sent = door
        .service
        .send_code_by_call(&caller, pk, scratchcard.as_deref())
        .await?;
    Ok(sent)
}

async fn cloud_enroll(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    into_cloud(Call::CloudEnroll, &door, &args, &headers, body).await
}

async fn qualified_enroll(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    into_cloud(Call::QualifiedCloudEnroll, &door, &args, &headers, body).await
}

async fn into_cloud(
    call: Call,
    door: &Door,
    args: &PathArgs,
    headers: &HeaderMap,
    body: Body,
) -> Response {
    door.answer(call, async {
        let caller = door.caller().await?;
        let pk = args.number()?;
        let enrolled = take_code(door, &caller, pk, headers, body, "pin").await?;
        Ok(ok(&json!([wire::enrolled(
            &enrolled.certificate,
            RequestPk(pk)
        )])))
    })
    .await
}

async fn pkcs12_enroll(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::Pkcs12Enroll, async {
        let caller = door.caller().await?;
        let pk = args.number()?;
        let enrolled = take_code(&door, &caller, pk, &headers, body, "p12password").await?;
        let file = enrolled
            .file
            .ok_or_else(|| Error::Internal("the key went into no file".into()))?;
        Ok(ok(&json!([wire::pkcs12(&file)])))
    })
    .await
}

async fn take_code(
    door: &Door,
    caller: &Caller,
    pk: i64,
    headers: &HeaderMap,
    body: Body,
    secret: &'static str,
) -> Result<EnrolledByCall, Fault> {
    let mut fields = door.fields(headers, body).await?;
    let code = fields.required_secret("secret");
    let chosen = fields.required_secret(secret);
    fields.check(&[])?;
    let key = if secret == "pin" {
        KeyChoice::Cloud(chosen)
    } else {
        KeyChoice::Software(chosen)
    };
    Ok(door.service.enrol_by_call(caller, pk, code, key).await?)
}

async fn cloud_renew(door: Door, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::CloudRenew, async {
        let caller = door.caller().await?;
        let mut fields = door.fields(&headers, body).await?;
        let sn = fields.required("username");
        let password = fields.required_secret("password");
        let pin = fields.required_secret("pin");
        fields.check(&[])?;
        let certificates = door
            .service
            .renew_cloud(&caller, &sn, password, pin)
            .await?;
        Ok(ok(&certificates.iter().map(wire::flat).collect()))
    })
    .await
}

async fn soft_renew(door: Door, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::SoftRenew, async {
        let caller = door.caller().await?;
        let mut fields = door.fields(&headers, body).await?;
        let sn = fields.required("username");
        let password = fields.required_secret("password");
        let file_password = fields.required_secret("pin");
        fields.check(&[])?;
        let (certificates, file) = door
            .service
            .renew_software(&caller, &sn, password, file_password)
            .await?;
        let with_file = |certificate: &CertificateRecord| {
            let mut object = wire::flat(certificate);
            object["pkcs12"] = wire::pkcs12(&file).into();
            object
        };
        Ok(ok(&certificates.iter().map(with_file).collect()))
    })
    .await
}
