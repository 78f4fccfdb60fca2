//! A key, its certificate and the chain in one file under a password (RFC 7292), for a
//! subscriber who keeps the key.
//!
//! Key and certificates are encrypted by PBES2, the whole is authenticated by HMAC-SHA-256: what
//! OpenSSL 3, Java, NSS and Windows read without legacy algorithms. It is written here, from bytes
//! as the other containers are, because the crates that write it draw their randomness themselves
//! and bring a second set of ciphers.

use std::num::NonZeroU32;

use crypto::{SoftwareKey, Zeroizing, hmac_sha256, sha1_identifier, sha256};
use model::Entropy;

use crate::decode::CertificateParts;
use crate::pkcs8::{encrypted, random};
use crate::{ObjectIdentifier, PkiError, encode, issuance, oid};

/// Rounds of each key derivation. As many as .NET opens under its default limits: 300,000 for one
/// derivation, a million for the file, which has three.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(250_000).expect("it is not zero");

/// The DER PFX that holds `key_pkcs8`, its DER `certificate`, and the certificates of `chain`.
/// `friendly_name` is what key stores list it under.
///
/// Fails with [`PkiError::Malformed`], [`PkiError::Crypto`] or, where the key is another
/// certificate's, with [`PkiError::Mismatch`].
pub fn build(
    key_pkcs8: &[u8],
    certificate: &[u8],
    chain: &[Vec<u8>],
    password: &str,
    friendly_name: &str,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, PkiError> {
    let parts = CertificateParts::parse(certificate)?;
    issuance::belongs(&parts, &SoftwareKey::from_pkcs8(key_pkcs8)?)?;

    let attributes = attributes(certificate, friendly_name);
    let mut certificates = certificate_bag(certificate, &attributes);
    for one in chain {
        certificates.extend(certificate_bag(one, &[]));
    }
    let certificates = encode::sequence(&[&certificates]);
    let (algorithm, text) = encrypted(&certificates, password, ITERATIONS, entropy)?;
    let certificates = encode::sequence(&[
        &encode::small(0),
        &encode::sequence(&[
            &encode::oid(&oid::CT_DATA),
            &algorithm,
            &encode::tlv(0x80, &[&text]),
        ]),
    ]);

    let (algorithm, text) = encrypted(key_pkcs8, password, ITERATIONS, entropy)?;
    let key = encode::sequence(&[&algorithm, &encode::octet_string(&text)]);
    let key = encode::sequence(&[&bag(&oid::BAG_SHROUDED_KEY, &key, &attributes)]);

    let safe = encode::sequence(&[
        &content(&oid::CT_ENCRYPTED_DATA, &certificates),
        &content(&oid::CT_DATA, &encode::octet_string(&key)),
    ]);
    Ok(encode::sequence(&[
        &encode::small(3),
        &content(&oid::CT_DATA, &encode::octet_string(&safe)),
        &mac(&safe, password, entropy),
    ]))
}

/// ContentInfo (RFC 5652 §3).
fn content(kind: &ObjectIdentifier, content: &[u8]) -> Vec<u8> {
    encode::sequence(&[&encode::oid(kind), &encode::context(0, content)])
}

/// SafeBag (RFC 7292 §4.2); `attributes` is a finished SET OF, or nothing.
fn bag(kind: &ObjectIdentifier, value: &[u8], attributes: &[u8]) -> Vec<u8> {
    encode::sequence(&[&encode::oid(kind), &encode::context(0, value), attributes])
}

fn certificate_bag(certificate: &[u8], attributes: &[u8]) -> Vec<u8> {
    let value = content(&oid::CERTIFICATE_X509, &encode::octet_string(certificate));
    bag(&oid::BAG_CERTIFICATE, &value, attributes)
}

/// What joins the key to its certificate: the same local identifier, and the name.
fn attributes(certificate: &[u8], friendly_name: &str) -> Vec<u8> {
    let name = encode::tlv(0x1e, &[&bmp(friendly_name)]);
    let name = encode::attribute(&oid::ATTRIBUTE_FRIENDLY_NAME, &name);
    let id = encode::octet_string(&sha1_identifier(certificate));
    let id = encode::attribute(&oid::ATTRIBUTE_LOCAL_KEY_ID, &id);
    encode::set(&encode::sorted(vec![&name, &id]))
}

/// MacData over the authenticated safe (RFC 7292 §4).
fn mac(safe: &[u8], password: &str, entropy: &dyn Entropy) -> Vec<u8> {
    let salt: [u8; 16] = random(entropy);
    let mac = hmac_sha256(mac_key(password, &salt).as_slice(), safe);
    let algorithm = encode::sequence(&[&encode::oid(&oid::SHA256), &encode::NULL]);
    encode::sequence(&[
        &encode::sequence(&[&algorithm, &encode::octet_string(&mac)]),
        &encode::octet_string(&salt),
        &encode::unsigned(&ITERATIONS.get().to_be_bytes()),
    ])
}

/// The key of the MAC by RFC 7292 appendix B.2, of which a key as long as the hash needs the first
/// round only.
fn mac_key(password: &str, salt: &[u8]) -> Zeroizing<[u8; 32]> {
    /// The hash's block, in bytes.
    const BLOCK: usize = 64;
    /// Says that the key is for a MAC (appendix B.3).
    const DIVERSIFIER: [u8; BLOCK] = [3; BLOCK];
    let password = Zeroizing::new([bmp(password), vec![0, 0]].concat());
    let filled = |bytes: &[u8]| -> Vec<u8> {
        let len = bytes.len().next_multiple_of(BLOCK);
        bytes.iter().copied().cycle().take(len).collect()
    };
    let input = Zeroizing::new([filled(salt), filled(&password)].concat());
    let first = Zeroizing::new([DIVERSIFIER.as_slice(), &input].concat());
    let mut key = Zeroizing::new(sha256(&first));
    for _ in 1..ITERATIONS.get() {
        *key = sha256(key.as_slice());
    }
    key
}

/// BMPString: UTF-16, big end first.
fn bmp(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}
