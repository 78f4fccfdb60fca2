//! Where it can be asked whether a certificate is still good, and the question.

use crypto::foreign::Hash;
use der::Decode;
use x509_cert::ext::pkix::AuthorityInfoAccessSyntax;

use super::certificate::{Certificate, uri};
use crate::{PkiError, decode, encode, oid};

/// The addresses that a certificate names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// OCSP responders (RFC 5280 §4.2.2.1).
    pub responders: Vec<String>,
    /// Revocation lists (RFC 5280 §4.2.1.13).
    pub lists: Vec<String>,
}

impl Sources {
    /// What this certificate says about itself.
    pub fn of(certificate: &Certificate) -> Self {
        let access = x509_cert::Certificate::from_der(certificate.der())
            .ok()
            .and_then(|parsed| {
                let tbs = parsed.tbs_certificate();
                tbs.get_extension::<AuthorityInfoAccessSyntax>().ok()?
            });
        let descriptions = access.map(|(_, access)| access.0).unwrap_or_default();
        Self {
            responders: descriptions
                .iter()
                .filter(|one| one.access_method == oid::ACCESS_OCSP)
                .filter_map(|one| uri(&one.access_location))
                .collect(),
            lists: certificate.distribution_points().to_vec(),
        }
    }
}

/// A DER OCSPRequest about one certificate, without a nonce, so that it may be answered with what
/// is ready (RFC 9654 §2, RFC 5019 §2.1: SHA-1 names the issuer).
pub fn ocsp_request(certificate: &Certificate, issuer: &Certificate) -> Result<Vec<u8>, PkiError> {
    let key = decode::public_key_bits(issuer.public_key_info())?;
    let id = encode::sequence(&[
        &encode::sequence(&[&encode::oid(&oid::SHA1), &encode::NULL]),
        &encode::octet_string(&Hash::Sha1.of(&[issuer.subject()])),
        &encode::octet_string(&Hash::Sha1.of(&[key])),
        certificate.serial(),
    ]);
    let list = encode::sequence(&[&encode::sequence(&[&id])]);
    Ok(encode::sequence(&[&encode::sequence(&[&list])]))
}
