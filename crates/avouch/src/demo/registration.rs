//! The registration authority's workflow, call by call: from the scratchcard to the subscriber's
//! certificate, its use and its end.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::multipart::{Form, Part};
use reqwest::{Certificate, Client, Identity, Method};
use serde_json::{Value, json};

use super::client::{REGISTRATION, ShowingClient};
use super::subscriber::Subscriber;
use super::upload::upload_video;
use super::{keep, outbox};
use crate::sandbox::{Description, RegistrationDescription};

/// A qualified profile's format for a citizen's signature, with the key in the cloud.
const PROFILE: &str = "PFnubeAFCiudadano";

/// What the workflow left behind.
pub struct Played {
    /// Signed files.
    pub files: Vec<PathBuf>,
    /// The subscriber's certificate, DER, which is revoked by now.
    pub certificate: Vec<u8>,
}

/// Plays the workflow.
pub async fn play(sandbox: &Description, out: &Path) -> anyhow::Result<Played> {
    let api = sandbox
        .registration_authority_api
        .as_ref()
        .context("the sandbox has no Registration Authority API")?;
    let title = "Registration Authority API, and the subscriber's pages";
    let mut client = ShowingClient::new(title, client(api)?, &api.base_url, REGISTRATION);
    let played = play_with(&mut client, sandbox, api, out).await;
    let summary = serde_json::to_vec_pretty(&client.steps)?;
    keep(out, "summary-registration-authority.json", &summary)?;
    played
}

/// One that shows the API user's certificate and trusts the sandbox's root alone.
fn client(api: &RegistrationDescription) -> anyhow::Result<Client> {
    let read = |path: &Path| {
        std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let identity = [read(&api.client_key)?, read(&api.client_certificate)?].concat();
    let root = Certificate::from_pem(&read(&api.server_ca)?)?;
    Ok(Client::builder()
        .no_proxy()
        .tls_certs_only([root])
        .identity(Identity::from_pem(&identity)?)
        .redirect(reqwest::redirect::Policy::none())
        .build()?)
}

async fn play_with(
    client: &mut ShowingClient,
    sandbox: &Description,
    api: &RegistrationDescription,
    out: &Path,
) -> anyhow::Result<Played> {
    let card = client
        .call(
            Method::GET,
            "/api/v1/scratchcards/get_first_unused/",
            |call| call.query(&[("ra", api.ra)]),
        )
        .await?;
    let scratchcard = text(&card, "/sn")?;
    let created = create(client, api, scratchcard).await?;
    let request = created["pk"].as_i64().context("no pk in the answer")?;
    let video = created["videoid_data"]["pk"]
        .as_i64()
        .context("no VideoID")?;

    let evidence = specimens::evidences();
    client
        .call(Method::PUT, &format!("/api/v1/videoid/{video}"), |call| {
            call.json(&evidence)
        })
        .await?;
    let identifier = text(&created, "/videoid_data/video_identifier")?;
    upload_video(client, &format!("/v1/upload/video/{identifier}/")).await?;

    let secrets = decide(client, api, request).await?;
    let link = outbox::link(&sandbox.mail_outbox, request).await?;
    let subscriber = Subscriber::new(request, &link, &sandbox.sms_outbox)?;
    let pin = subscriber.enrol(client).await?;

    let (mut files, certificate) = fetch(client, request, out).await?;
    let password = text(&secrets, "/enrollment_code")?;
    let signed = cloud_signature(client, sandbox, request, [scratchcard, password, &pin]).await?;
    files.push(keep(out, "cloud-agreement.pdf", &signed)?);

    let revocation = json!({
        "scratchcard": scratchcard,
        "erc": text(&secrets, "/erc")?,
        "reason": "CESSATIONOFOPERATION",
    });
    client
        .call(Method::POST, "/api/v1/scratchcards/revoke/", |call| {
            call.json(&revocation)
        })
        .await?;
    Ok(Played { files, certificate })
}

async fn create(
    client: &mut ShowingClient,
    api: &RegistrationDescription,
    scratchcard: &str,
) -> anyhow::Result<Value> {
    let holder = specimens::holder();
    let request = json!({
        "videoid_mode": 1,
        "profile": PROFILE,
        "scratchcard": scratchcard,
        "registration_authority": api.ra,
        "secure_element": 2,
        "validity_time": 730,
        "given_name": holder["given_name"],
        "surname_1": holder["surname_1"],
        "surname_2": holder["surname_2"],
        "id_document_type": "IDC",
        "id_document_country": "ES",
        "serial_number": holder["serial_number"],
        "country_name": "ES",
        "email": specimens::EMAIL,
        "mobile_phone_number": specimens::PHONE,
    });
    client
        .call(Method::POST, "/api/v1/requests/", |call| {
            call.json(&request)
        })
        .await
}

/// The officer's part; answers the scratchcard's secrets.
async fn decide(
    client: &mut ShowingClient,
    api: &RegistrationDescription,
    request: i64,
) -> anyhow::Result<Value> {
    let officer = json!({
        "username": api.rao_username,
        "password": api.rao_password,
        "pin": api.rao_pin,
        "rao_id": api.rao_id,
    });
    let path = |end: &str| format!("/api/v1/requests/{request}/{end}");
    client
        .call(Method::POST, &path("validate_videoid"), |call| {
            call.json(&officer)
        })
        .await?;
    let declaration = json!({ "rao": api.rao_id, "type": "APPROVE" });
    client
        .call(Method::POST, &path("generates_tbs_receipt/"), |call| {
            call.json(&declaration)
        })
        .await?;
    let contract = json!({ "type": "contract", "rao_id": api.rao_id });
    client
        .call(Method::POST, &path("pl_get_document/"), |call| {
            call.json(&contract)
        })
        .await?;
    let mut approved = client
        .call(Method::POST, &path("pl_approve/"), |call| {
            call.json(&officer)
        })
        .await?;
    Ok(approved["secrets"].take())
}

/// The contract that both signed, and the certificate that one of them signed it with.
async fn fetch(
    client: &mut ShowingClient,
    request: i64,
    out: &Path,
) -> anyhow::Result<(Vec<PathBuf>, Vec<u8>)> {
    let path = format!("/api/v1/requests/{request}/pl_get_document/");
    let wanted = json!({ "type": "signed_contract" });
    let documents = client
        .call(Method::POST, &path, |call| call.json(&wanted))
        .await?;
    let contract = STANDARD.decode(text(&documents, "/0/document")?)?;
    let path = format!("/api/v1/requests/{request}/");
    let issued = client.call(Method::GET, &path, |call| call).await?;
    let certificate = STANDARD.decode(text(&issued, "/certificate_set/0/data")?)?;
    let signers = pades::signatures(&contract)?;
    let subscribers = signers.iter().any(|signature| {
        // A container carries the signer's certificate as it is.
        signature
            .cms
            .windows(certificate.len())
            .any(|part| part == certificate)
    });
    ensure!(
        subscribers,
        "the contract is not signed with the certificate"
    );
    let pem = pki::facts::to_pem(&certificate)?;
    keep(out, "subscriber.crt", pem.as_bytes())?;
    let file = keep(out, "registration-contract.pdf", &contract)?;
    Ok((vec![file], certificate))
}

/// The subscriber signs a document with the key in the cloud.
async fn cloud_signature(
    client: &mut ShowingClient,
    sandbox: &Description,
    request: i64,
    [username, password, pin]: [&str; 3],
) -> anyhow::Result<Vec<u8>> {
    let login = json!({ "username": username, "password": password });
    let base = &sandbox.base_url;
    client
        .show(Method::POST, base, "/cloud/v1/code", |call| {
            call.json(&login)
        })
        .await?;
    let code = outbox::code(&sandbox.sms_outbox, request, 2).await?;
    let document = Part::bytes(specimens::AGREEMENT)
        .file_name("agreement.pdf")
        .mime_str("application/pdf")?;
    let form = Form::new()
        .text("username", username.to_owned())
        .text("password", password.to_owned())
        .text("pin", pin.to_owned())
        .text("otp", code)
        .part("file", document);
    let signed = client
        .show(Method::POST, base, "/cloud/v1/sign", |call| {
            call.multipart(form)
        })
        .await?;
    Ok(signed.body)
}

fn text<'a>(answer: &'a Value, pointer: &str) -> anyhow::Result<&'a str> {
    answer
        .pointer(pointer)
        .and_then(Value::as_str)
        .with_context(|| format!("no {pointer} in the answer"))
}
