//! The file by which a client has a digest signed instead of a document.

use bytes::Bytes;
use model::DigestAlgorithm;
use serde_json::Value;
use service::NewHash;

use crate::body::base64;
use crate::body::json::{self, Fields};
use crate::one_shot::refusal::Fault;

/// No such file may be larger than this, in bytes.
pub(super) const MAX_BYTES: u64 = 256 << 10;

/// Reads the file; what is missing or wrong in it is named as the members of a body are.
pub(super) fn read(file: Bytes) -> Result<NewHash, Fault> {
    let mut fields = Fields::new(json::parse_object(&file)?);
    let message_digest = bytes(&mut fields, "messageDigest");
    let algorithm = fields
        .text("digestAlgorithm")
        .filter(|text| !text.trim().is_empty());
    let algorithm = match algorithm.as_deref().map(algorithm_of) {
        None => {
            fields.missing("digestAlgorithm");
            None
        }
        Some(None) => {
            fields.invalid("digestAlgorithm", "must be sha256, sha384 or sha512");
            None
        }
        Some(known) => known,
    };
    let signed_attributes = fields.flag("addAuthAttribute").unwrap_or(true);
    let signing_time = fields.flag("addSigningTime").unwrap_or(true);
    let other_attributes = others(&mut fields);
    fields.check(&[])?;
    Ok(NewHash {
        file,
        message_digest: message_digest.unwrap_or_default(),
        algorithm: algorithm.unwrap_or(DigestAlgorithm::Sha256),
        signed_attributes,
        signing_time,
        other_attributes,
    })
}

fn bytes(fields: &mut Fields, name: &'static str) -> Option<Vec<u8>> {
    let Some(text) = fields.text(name).filter(|text| !text.trim().is_empty()) else {
        fields.missing(name);
        return None;
    };
    base64::decode(text)
        .map_err(|reason| fields.invalid(name, reason))
        .ok()
}

/// The name of a digest algorithm, or of a signature algorithm that has it.
fn algorithm_of(name: &str) -> Option<DigestAlgorithm> {
    let name = name.trim().to_ascii_lowercase().replace('-', "");
    Some(
        match name.strip_suffix("withrsaencryption").unwrap_or(&name) {
            "sha256" => DigestAlgorithm::Sha256,
            "sha384" => DigestAlgorithm::Sha384,
            "sha512" => DigestAlgorithm::Sha512,
            _ => return None,
        },
    )
}

fn others(fields: &mut Fields) -> Vec<Vec<u8>> {
    const NAME: &str = "otherAuthAttributes";
    let decoded = match fields.value(NAME) {
        None => return Vec::new(),
        Some(Value::Array(items)) => items.into_iter().map(attribute).collect(),
        Some(_) => Err("must be a list".to_owned()),
    };
    decoded.unwrap_or_else(|reason| {
        fields.invalid(NAME, reason);
        Vec::new()
    })
}

fn attribute(item: Value) -> Result<Vec<u8>, String> {
    match item {
        Value::String(text) => base64::decode(text),
        _ => Err("must be texts in base64".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::one_shot::refusal::Call;

    fn of(value: &Value) -> Result<NewHash, String> {
        let refused = |fault: Fault| fault.refusal(Call::UploadDocuments).text;
        read(value.to_string().into()).map_err(refused)
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let digest = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let hash = of(&json!({ "messageDigest": digest, "digestAlgorithm": "sha256" })).unwrap();
        assert_eq!(hash.message_digest.len(), 32);
        assert!(hash.signed_attributes && hash.signing_time && hash.other_attributes.is_empty());
        let hash = of(&json!({
            "messageDigest": digest,
            "digestAlgorithm": "sha384WithRSAEncryption",
            "addAuthAttribute": 1,
            "addSigningTime": "0",
            "otherAuthAttributes": ["MAA="],
        }));
        let hash = hash.unwrap();
        assert_eq!(hash.algorithm, DigestAlgorithm::Sha384);
        assert!(hash.signed_attributes && !hash.signing_time);
        assert_eq!(hash.other_attributes, [[0x30, 0]]);
    }

    #[test]
    fn every_problem_is_named() {
        let refused = of(&json!({})).err().unwrap();
        assert_eq!(
            refused,
            "Missing required parameters: messageDigest, digestAlgorithm"
        );
        let refused = of(&json!({
            "messageDigest": "%",
            "digestAlgorithm": "md5",
            "addAuthAttribute": "perhaps",
            "otherAuthAttributes": [1],
        }));
        let refused = refused.err().unwrap();
        for name in [
            "messageDigest",
            "digestAlgorithm",
            "addAuthAttribute",
            "otherAuthAttributes",
        ] {
            assert!(refused.contains(name), "{name}: {refused}");
        }
        let refused = read(Bytes::from_static(b"\x00")).err().unwrap();
        let text = refused.refusal(Call::UploadDocuments).text;
        assert!(text.starts_with("Could not parse JSON body"), "{text}");
    }
}
