//! Certificate revocation lists (RFC 5280 §5), direct: complete ones, and shards of which each tells
//! of the certificates that point to it.

use model::certificate::RevocationReason;
use time::OffsetDateTime;

use crate::issuance::Issuer;
use crate::verify::{Certificate, RevocationList, VerifyError};
use crate::{PkiError, decode, encode, oid};

/// One certificate that is revoked or on hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Serial number as hexadecimal digits.
    pub serial_hex: String,
    /// Since when.
    pub at: OffsetDateTime,
    /// Why, if that is known.
    pub reason: Option<RevocationReason>,
}

/// A DER CertificateList of version 2, signed by the issuer. `number` must grow from list to list
/// (RFC 5280 §5.2.3). A shard says for which certificates it is by the addresses that they name it
/// by (RFC 5280 §5.2.5); a complete list has none.
///
/// Fails with [`PkiError::Malformed`] where a serial number is none, or where the key does.
pub fn build(
    issuer: &Issuer,
    number: u64,
    this_update: OffsetDateTime,
    next_update: OffsetDateTime,
    entries: &[Entry],
    addresses: &[String],
) -> Result<Vec<u8>, PkiError> {
    let algorithm = encode::signature_algorithm(issuer.key().algorithm());
    let revoked = entries.iter().map(revoked).collect::<Result<Vec<_>, _>>()?;
    // An empty list is left out altogether (RFC 5280 §5.1.2.6).
    let revoked = match revoked.is_empty() {
        true => Vec::new(),
        false => encode::sequence(&[&revoked.concat()]),
    };
    let extensions = encode::sequence(&[
        &issuer.authority_key_identifier(),
        &encode::extension(
            &oid::CRL_NUMBER,
            false,
            &encode::unsigned(&number.to_be_bytes()),
        ),
        &issuing_distribution_point(addresses),
    ]);
    let list = encode::sequence(&[
        &encode::small(1),
        &algorithm,
        issuer.subject(),
        &encode::certificate_time(this_update),
        &encode::certificate_time(next_update),
        &revoked,
        &encode::context(0, &extensions),
    ]);
    let signature = issuer.key().sign(&list)?;
    Ok(encode::sequence(&[
        &list,
        &algorithm,
        &encode::bit_string(&signature),
    ]))
}

/// A complete list that continues `last` (DER), if there is one: everybody whom that names, and
/// `more`. Its number is higher, and grows with time even where the last one got lost.
///
/// Fails with [`VerifyError`] where `last` is not this issuer's own, or as [`build`] does.
pub fn continued(
    issuer: &Issuer,
    last: Option<&[u8]>,
    more: Vec<Entry>,
    (this_update, next_update): (OffsetDateTime, OffsetDateTime),
) -> Result<Vec<u8>, VerifyError> {
    let (mut number, mut entries) = (0, Vec::new());
    if let Some(last) = last {
        let last = own(last, issuer.certificate())?;
        number = last.number().unwrap_or_default();
        entries = last.entries()?;
    }
    for one in more {
        if !entries
            .iter()
            .any(|known| known.serial_hex == one.serial_hex)
        {
            entries.push(one);
        }
    }
    let seconds = u64::try_from(this_update.unix_timestamp()).unwrap_or_default();
    let number = seconds.max(number.saturating_add(1));
    Ok(build(
        issuer,
        number,
        this_update,
        next_update,
        &entries,
        &[],
    )?)
}

/// Reads a list (DER) that must be signed with the key of this certificate (DER).
///
/// Fails with [`VerifyError`].
pub fn own<'a>(list: &'a [u8], issuer: &[u8]) -> Result<RevocationList<'a>, VerifyError> {
    let (list, issuer) = (RevocationList::read(list)?, Certificate::read(issuer)?);
    match list.is_signed_by(&issuer) {
        true => Ok(list),
        false => Err(VerifyError::Signature),
    }
}

/// Nothing where there is no address.
fn issuing_distribution_point(addresses: &[String]) -> Vec<u8> {
    if addresses.is_empty() {
        return Vec::new();
    }
    let names: Vec<u8> = addresses
        .iter()
        .flat_map(|address| encode::tlv(0x86, &[address.as_bytes()]))
        .collect();
    let point = encode::context(0, &encode::context(0, &names));
    let value = encode::sequence(&[&point]);
    encode::extension(&oid::ISSUING_DISTRIBUTION_POINT, true, &value)
}

fn revoked(entry: &Entry) -> Result<Vec<u8>, PkiError> {
    let extensions = encode::reason(entry.reason)
        .map(|reason| encode::extension(&oid::CRL_REASON, false, &reason))
        .map(|extension| encode::sequence(&[&extension]));
    Ok(encode::sequence(&[
        &encode::unsigned(&decode::serial_bytes(&entry.serial_hex)?),
        &encode::certificate_time(entry.at),
        extensions.as_deref().unwrap_or_default(),
    ]))
}
