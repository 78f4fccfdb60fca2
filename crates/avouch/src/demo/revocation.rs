//! Whether a certificate is revoked, as a relying party learns it: from OCSP and from the list.

use anyhow::{bail, ensure};
use der::asn1::{Any, BitString, GeneralizedTime, ObjectIdentifier, OctetString};
use der::{Class, Decode, Encode, Sequence, Tagged};
use reqwest::Client;
use x509_cert::Certificate;
use x509_cert::crl::CertificateList;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::sandbox::Description;

const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// Asks both and shows what they say; an error if either knows nothing of the revocation.
pub async fn show(certificate: &[u8], sandbox: &Description) -> anyhow::Result<()> {
    let certificate = Certificate::from_der(certificate)?;
    let issuer = std::fs::read(&sandbox.issuing_certificate)?;
    let [issuer] = &Certificate::load_pem_chain(&issuer)?[..] else {
        bail!(
            "{}: not one certificate",
            sandbox.issuing_certificate.display()
        );
    };
    let http = Client::builder().no_proxy().build()?;
    let serial = certificate.tbs_certificate().serial_number();

    let question = question(serial, issuer)?;
    let answer = http.post(&sandbox.ocsp_url).body(question);
    let answer = answer.send().await?.error_for_status()?.bytes().await?;
    ensure!(is_revoked(&answer)?, "OCSP does not know of the revocation");

    let url = format!("{}/pki/issuing.crl", sandbox.base_url);
    let list = http.get(url).send().await?.error_for_status()?;
    let list = CertificateList::from_der(&list.bytes().await?)?;
    let revoked = list.tbs_cert_list.revoked_certificates.unwrap_or_default();
    ensure!(
        revoked.iter().any(|entry| entry.serial_number == *serial),
        "the revocation list does not know of the revocation"
    );

    println!();
    println!("✓ OCSP and the revocation list say that the subscriber's certificate is revoked");
    Ok(())
}

/// RFC 6960 §4.1.1, as far as one question goes.
#[derive(Sequence)]
struct Request {
    asked: Asked,
}

#[derive(Sequence)]
struct Asked {
    questions: Vec<Question>,
}

#[derive(Sequence)]
struct Question {
    certificate: CertificateId,
}

#[derive(Sequence)]
struct CertificateId {
    algorithm: AlgorithmIdentifierOwned,
    name_hash: OctetString,
    key_hash: OctetString,
    serial: SerialNumber,
}

/// RFC 6960 §4.2.1. A refusal has no bytes and is no answer.
#[derive(Sequence)]
struct Response {
    status: Any,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    bytes: ResponseBytes,
}

#[derive(Sequence)]
struct ResponseBytes {
    kind: ObjectIdentifier,
    content: OctetString,
}

#[derive(Sequence)]
struct BasicResponse {
    data: ResponseData,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    certificates: Option<Any>,
}

#[derive(Sequence)]
struct ResponseData {
    responder: Any,
    produced_at: GeneralizedTime,
    answers: Vec<SingleResponse>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Any>,
}

#[derive(Sequence)]
struct SingleResponse {
    certificate: CertificateId,
    standing: Any,
    this_update: GeneralizedTime,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    next_update: Option<GeneralizedTime>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Any>,
}

fn question(serial: &SerialNumber, issuer: &Certificate) -> anyhow::Result<Vec<u8>> {
    let issuer = issuer.tbs_certificate();
    let key = issuer
        .subject_public_key_info()
        .subject_public_key
        .raw_bytes();
    let hash = |bytes: &[u8]| OctetString::new(crypto::sha256(bytes));
    let certificate = CertificateId {
        algorithm: AlgorithmIdentifierOwned {
            oid: SHA256,
            parameters: None,
        },
        name_hash: hash(&issuer.subject().to_der()?)?,
        key_hash: hash(key)?,
        serial: serial.clone(),
    };
    let questions = vec![Question { certificate }];
    Ok(Request {
        asked: Asked { questions },
    }
    .to_der()?)
}

fn is_revoked(answer: &[u8]) -> anyhow::Result<bool> {
    let response = Response::from_der(answer)?;
    let basic = BasicResponse::from_der(response.bytes.content.as_bytes())?;
    let [answer] = &basic.data.answers[..] else {
        bail!("OCSP answers another number of questions than one");
    };
    let tag = answer.standing.tag();
    // CertStatus: good is [0], revoked is [1].
    Ok(tag.class() == Class::ContextSpecific && tag.number().value() == 1)
}
