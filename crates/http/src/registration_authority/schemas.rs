//! Schemas and samples of the API's objects.

use serde_json::{Map, Value, json};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};

use super::wire;
use crate::schema::{array, either, map, object, open_object, optional_text, text};

/// Every object that descriptions refer to.
pub(super) fn components() -> Vec<(&'static str, RefOr<Schema>)> {
    vec![
        ("Failure", failure_object()),
        ("Request", request_object()),
        ("VideoId", video_id_object()),
        ("User", user_object()),
        ("Officer", officer_object()),
        ("NestedCertificate", nested_certificate_object()),
        ("Certificate", certificate_object()),
        ("Authority", authority_object()),
        ("Scratchcard", scratchcard_object()),
        ("Secrets", secrets_object()),
        ("Document", document_object()),
        ("Decision", decision_object()),
    ]
}

/// A reference to one of them.
pub(super) fn refer(name: &str) -> RefOr<Schema> {
    Ref::from_schema_name(name).into()
}

/// Why a call was refused.
pub(super) fn failure() -> RefOr<Schema> {
    refer("Failure")
}

/// A page of a list.
pub(super) fn page(of: &str) -> RefOr<Schema> {
    object(
        "",
        vec![
            ("count", integer("Entries on all pages."), true),
            ("next", optional_text("The next page's address."), true),
            (
                "previous",
                optional_text("The previous page's address."),
                true,
            ),
            ("results", array(refer(of)), true),
        ],
    )
}

/// A page with one entry.
pub(super) fn page_sample(entry: Value) -> Value {
    json!({ "count": 1, "next": null, "previous": null, "results": [entry] })
}

/// `{"status": …}` and nothing else.
pub(super) fn status() -> RefOr<Schema> {
    object("", vec![("status", text("What was done."), true)])
}

/// A whole number.
pub(super) fn integer(description: &str) -> RefOr<Schema> {
    typed(&[Type::Integer], description)
}

/// A flag in an answer.
pub(super) fn flag(description: &str) -> RefOr<Schema> {
    typed(&[Type::Boolean], description)
}

/// A flag in a body: as a flag, number or text.
pub(super) fn loose_flag(description: &str) -> RefOr<Schema> {
    typed(
        &[Type::Boolean, Type::Integer, Type::String, Type::Null],
        description,
    )
}

fn optional_integer(description: &str) -> RefOr<Schema> {
    typed(&[Type::Integer, Type::Null], description)
}

fn typed(kinds: &[Type], description: &str) -> RefOr<Schema> {
    let kind = match kinds {
        [one] => SchemaType::new(one.clone()),
        several => SchemaType::from_iter(several.iter().cloned()),
    };
    ObjectBuilder::new()
        .schema_type(kind)
        .description(Some(description).filter(|text| !text.is_empty()))
        .into()
}

fn or_null(name: &str) -> RefOr<Schema> {
    either(refer(name), typed(&[Type::Null], ""))
}

fn failure_object() -> RefOr<Schema> {
    object(
        "Why the call was refused. `code` is a text and often not the HTTP status code.",
        vec![
            ("code", text("Constant."), true),
            (
                "id",
                text("16 hexadecimal digits, by which the server's log tells more."),
                true,
            ),
            ("error", text("The documented words."), true),
            (
                "detail",
                text("The words again, in some answers and every 401 and 403."),
                false,
            ),
            (
                "reason",
                text("What the documented words leave out."),
                false,
            ),
            ("title", text("Upload of the video only."), false),
            ("description", text("Upload of the video only."), false),
            ("status", text("Enrolment calls only."), false),
            ("moved", integer("Move of scratchcards only."), false),
            ("details", text("Move of scratchcards only."), false),
        ],
    )
}

fn request_object() -> RefOr<Schema> {
    let member = |name: &'static str| -> RefOr<Schema> {
        match name {
            "pk" => integer("The request's number."),
            "certificate_set" => array(refer("NestedCertificate")),
            "profile" => text("Certificate profile."),
            "scratchcard" => text("The scratchcard's number."),
            "status" => text("Where it stands, as in `VIDEOREVIEW`."),
            "email" => text("Where mail goes."),
            "registering_user" | "approving_user" | "producing_user" => or_null("User"),
            "approving_rao" | "producing_rao" | "identification_rao" => or_null("Officer"),
            "registration_authority" => integer("The registration authority's number."),
            "secure_element" => integer("0 software, 1 smart card, 2 cloud."),
            "validity_time" => text("Days, as a text."),
            "paperless_mode" | "videoid_mode" => flag(""),
            "communication_language" => text("Empty where none was asked for."),
            _ => optional_text(""),
        }
    };
    let mut members: Vec<_> = wire::REQUEST
        .into_iter()
        .map(|name| (name, member(name), true))
        .collect();
    members.push(("videoid_data", refer("VideoId"), false));
    object(
        "A request. `videoid_data` is there on requests with filmed identification.",
        members,
    )
}

fn video_id_object() -> RefOr<Schema> {
    object(
        "The filmed identification of a request.",
        vec![
            ("pk", integer("The VideoID's number: `video_pk`."), true),
            (
                "status",
                text("`PENDING`, `INCOMPLETE`, `ERROR`, `REVIEW`, `VALIDATED` or `REFUSED`."),
                true,
            ),
            ("provider", integer(""), true),
            (
                "videoid_link",
                text("Empty: the identification is filmed elsewhere."),
                true,
            ),
            ("requests", array(integer("")), true),
            ("refusal_reason", text(""), true),
            (
                "data",
                open_object("What was uploaded as `videoid_data`. Lists leave the images out."),
                true,
            ),
            (
                "video_identifier",
                text("UUID, the name to upload the video under."),
                true,
            ),
            (
                "validation_services",
                open_object(
                    "Empty, or in `mismatches` the fields in which the request differs from \
                     `ocr_data`.",
                ),
                true,
            ),
            (
                "acceptance",
                open_object("What was uploaded as `acceptance`."),
                true,
            ),
            ("validation_operator", or_null("Officer"), true),
        ],
    )
}

fn user_object() -> RefOr<Schema> {
    object(
        "An API user.",
        vec![
            ("pk", integer(""), true),
            (
                "permission_profile",
                integer("1 administrator, 2 requests, 3 looks only, 4 officers' console."),
                true,
            ),
            ("registration_authority", integer(""), true),
            (
                "request",
                optional_integer("The request whose certificate it shows."),
                true,
            ),
            (
                "rao",
                optional_integer("The officer behind it. Calls on users only."),
                false,
            ),
        ],
    )
}

fn officer_object() -> RefOr<Schema> {
    object(
        "A registration authority officer.",
        vec![
            ("pk", integer(""), true),
            ("given_name", text(""), true),
            ("surname_1", text(""), true),
            ("surname_2", optional_text(""), true),
            ("certificate", refer("NestedCertificate"), true),
            ("id_document_number", text(""), true),
            ("id_document_description", text(""), true),
            ("id_document_issuer", text(""), true),
            ("registration_authority", array(integer("")), true),
            (
                "registration_authority_master",
                integer("Home authority."),
                true,
            ),
            ("is_identificator", flag(""), true),
        ],
    )
}

fn nested_certificate_object() -> RefOr<Schema> {
    let mut members = certificate_members();
    members.push((
        "valid",
        text("`VALID`, `SUSPENDED`, `REVOKED` or `EXPIRED`."),
        true,
    ));
    object("A certificate inside another object.", members)
}

fn certificate_object() -> RefOr<Schema> {
    let mut members = certificate_members();
    members.extend([
        ("pk", integer(""), true),
        ("type", text("`FIRSTISSUE` or `RENEWAL`."), false),
        (
            "request",
            integer("In place of `type` after an enrolment."),
            false,
        ),
        (
            "pkcs12",
            text("The renewed PKCS#12 file in armour. Software renewal only."),
            false,
        ),
    ]);
    object("A certificate by itself.", members)
}

fn certificate_members() -> Vec<crate::schema::Member> {
    vec![
        ("data", text("DER in base64."), true),
        ("profile", text("The profile's technical name."), true),
        ("subject", text(""), true),
        ("issuer", text(""), true),
        ("valid_from", text("`YYYY-MM-DDTHH:MM:SSZ`."), true),
        ("valid_to", text("`YYYY-MM-DDTHH:MM:SSZ`."), true),
        ("serial_number", text("Hexadecimal."), true),
        ("status", integer("0 valid, 1 suspended, 2 revoked."), true),
        (
            "revokation_reason",
            optional_integer("RFC 5280 §5.3.1; misspelt as in the original."),
            true,
        ),
    ]
}

fn authority_object() -> RefOr<Schema> {
    object(
        "A registration authority. Its settings are further members.",
        vec![
            ("pk", integer(""), true),
            ("name", text(""), true),
            ("parent", optional_integer("The authority above it."), true),
            ("operators", array(refer("User")), true),
            ("enabled_from", optional_text("`YYYY-MM-DD`."), true),
            ("enabled_until", optional_text("`YYYY-MM-DD`."), true),
            ("organization_tax_number", optional_text(""), true),
            ("organization_name", optional_text(""), true),
            ("email", optional_text(""), true),
            ("country", optional_text(""), true),
            ("enable_external_auth", flag(""), true),
            ("videoid_enabled", flag(""), true),
            ("videoid_provider", integer(""), true),
            ("webhook_url", optional_text("Where its events go."), true),
            ("webhook_format", text("`status` or `event`."), true),
        ],
    )
}

fn scratchcard_object() -> RefOr<Schema> {
    object(
        "A scratchcard: one request.",
        vec![
            ("pk", integer(""), true),
            ("sn", text("Its number."), true),
            ("registration_authority", integer(""), true),
            (
                "secrets",
                text("The four secrets as JSON inside a text."),
                true,
            ),
        ],
    )
}

fn secrets_object() -> RefOr<Schema> {
    map(
        "`puk`, `enrollment_code`, `pin` and `erc`.",
        text("Blank where the authority keeps it back."),
    )
}

fn document_object() -> RefOr<Schema> {
    object(
        "A paper of a request.",
        vec![
            (
                "pk",
                integer("Missing on contracts drawn up on the fly."),
                false,
            ),
            (
                "document",
                text("Base64. Missing in the answer to an upload."),
                false,
            ),
            (
                "type",
                text(
                    "`document_front`, `document_rear`, `document_owner`, `extra_document`, \
                     `videoid_evidence`, `contract` or `signed_contract`.",
                ),
                true,
            ),
        ],
    )
}

fn decision_object() -> RefOr<Schema> {
    object(
        "",
        vec![
            ("secrets", refer("Secrets"), true),
            ("request", refer("Request"), true),
        ],
    )
}

/// A request that waits for its evidence.
pub(super) fn request_sample() -> Value {
    let mut members: Map<_, _> = wire::REQUEST
        .into_iter()
        .map(|name| (name.to_owned(), Value::Null))
        .collect();
    let Value::Object(filled) = json!({
        "pk": 1001,
        "given_name": "Ana",
        "surname_1": "Prueba",
        "surname_2": "Ejemplo",
        "id_document_type": "IDC",
        "id_document_country": "ES",
        "serial_number": "00000000T",
        "country_name": "ES",
        "email": "ana@example.org",
        "certificate_set": [],
        "profile": "PFnubeAFCiudadano",
        "scratchcard": "7000001",
        "status": "VIDEOPENDING",
        "registering_user": user_sample(),
        "registration_authority": 10,
        "secure_element": 2,
        "validity_time": "730",
        "mobile_phone_number": "+34600000000",
        "paperless_mode": false,
        "videoid_mode": true,
        "communication_language": "",
        "videoid_data": {
            "pk": 2001,
            "status": "PENDING",
            "provider": 2,
            "videoid_link": "",
            "requests": [1001],
            "refusal_reason": "",
            "data": {},
            "video_identifier": "6f0c1d2e-3a4b-4c5d-8e6f-708192a3b4c5",
            "validation_services": {},
            "acceptance": {},
            "validation_operator": null,
        },
    }) else {
        return Value::Null;
    };
    members.extend(filled);
    Value::Object(members)
}

/// An approved request and its scratchcard's secrets.
pub(super) fn decision_sample(status: &str) -> Value {
    let mut request = request_sample();
    request["status"] = status.into();
    request["videoid_data"]["status"] = "VALIDATED".into();
    request["videoid_data"]["validation_operator"] = officer_sample();
    if status == "ENROLLREADY" {
        request["approving_user"] = user_sample();
        request["approving_rao"] = officer_sample();
    }
    json!({
        "secrets": {
            "puk": "76543210", "enrollment_code": "aB3:d,9_",
            "pin": "01234567", "erc": "0123456789",
        },
        "request": request,
    })
}

pub(super) fn user_sample() -> Value {
    json!({ "pk": 5, "permission_profile": 2, "registration_authority": 10, "request": 900 })
}

pub(super) fn officer_sample() -> Value {
    json!({
        "pk": 30,
        "given_name": "Rosa",
        "surname_1": "Oficial",
        "surname_2": "Uno",
        "certificate": {
            "profile": "PFnubeAF",
            "status": 0,
            "valid_from": "2025-01-01T00:00:00Z",
            "valid_to": "2027-01-01T00:00:00Z",
            "valid": "VALID",
            "revokation_reason": null,
            "serial_number": "00112233445566aa",
            "subject": "CN=Rosa Oficial Uno, 2.5.4.5=IDCES-00000001R, 2.5.4.42=Rosa, \
                        2.5.4.4=Oficial Uno, C=ES",
            "data": "<base64>",
            "issuer": "CN=Example CA, C=ES",
        },
        "id_document_number": "00000001R",
        "id_document_description": "",
        "id_document_issuer": "",
        "registration_authority": [10, 11],
        "registration_authority_master": 10,
        "is_identificator": false,
    })
}

pub(super) fn certificate_sample() -> Value {
    json!({
        "data": "<base64>",
        "profile": "PFnubeAF",
        "subject": "CN=Ana Prueba Ejemplo, C=ES",
        "issuer": "CN=Example CA, C=ES",
        "valid_from": "2026-01-01T00:00:00Z",
        "valid_to": "2028-01-01T00:00:00Z",
        "serial_number": "00112233445566bb",
        "status": 0,
        "pk": 501,
        "revokation_reason": null,
        "type": "FIRSTISSUE",
    })
}

pub(super) fn authority_sample() -> Value {
    json!({
        "pk": 10,
        "name": "Example RA",
        "parent": 1,
        "operators": [user_sample()],
        "enabled_from": "2026-01-01",
        "enabled_until": null,
        "organization_tax_number": "X0000000",
        "organization_name": "Example Org",
        "email": "ra@example.org",
        "country": "ES",
        "enable_external_auth": true,
        "videoid_enabled": true,
        "videoid_provider": 2,
        "webhook_url": null,
        "webhook_format": "status",
    })
}

pub(super) fn scratchcard_sample() -> Value {
    json!({
        "pk": 301,
        "sn": "7000001",
        "registration_authority": 10,
        "secrets": "{\"erc\": \"0123456789\", \"enrollment_code\": \"aB3:d,9_\", \
                    \"pin\": \"01234567\", \"puk\": \"76543210\"}",
    })
}
