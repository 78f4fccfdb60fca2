//! The root's own revocation list. It is made wherever the root's key is brought, and lies beside the
//! certificates; servers publish it.

use anyhow::{Context, ensure};
use model::certificate::RevocationReason;
use pki::crl::{self, Entry};
use pki::establish::Role;
use pki::issuance::Issuer;
use pki::{CertificateFacts, verify::VerifyError};
use time::{Duration, OffsetDateTime};

use crate::installation::{KeyFolder, name_of};

/// For how long a list is valid. The root's key is brought once a year at least.
const LASTS: Duration = Duration::days(366);
/// How long before its end the next one is asked for.
const NOTICE: Duration = Duration::days(60);

/// The list (DER) that continues `last`.
pub fn next(
    root: &Issuer,
    last: Option<&[u8]>,
    more: Vec<Entry>,
    now: OffsetDateTime,
) -> Result<Vec<u8>, VerifyError> {
    crl::continued(root, last, more, (now, now + LASTS))
}

/// Revokes what the root issued under that name, which must have a successor.
pub fn entry(
    folder: &KeyFolder,
    name: &str,
    reason: RevocationReason,
    now: OffsetDateTime,
) -> anyhow::Result<Entry> {
    let root = CertificateFacts::read(&folder.certificate(Role::Root.name())?)?;
    let facts = CertificateFacts::read(&folder.certificate(name)?)?;
    ensure!(
        facts.authority_key_identifier.as_ref() == Some(&root.key_identifier)
            && facts.key_identifier != root.key_identifier,
        "{name} was not appointed by the root, whose list tells of nobody else"
    );
    for role in [Role::Issuing, Role::RootOcsp] {
        let last = folder.generations(role)?.last().copied();
        ensure!(
            last.is_none_or(|last| name_of(role, last) != name),
            "{name} is in use: appoint a successor first (avouch ca new-issuing, new-ocsp --of root)"
        );
    }
    if let Some(number) = folder.generations(Role::TimeStamping)?.last() {
        let unit = name_of(Role::TimeStamping, *number);
        let unit = CertificateFacts::read(&folder.certificate(&unit)?)?;
        ensure!(
            unit.authority_key_identifier.as_ref() != Some(&facts.key_identifier),
            "the time-stamping unit in use was appointed by {name}: appoint another first (avouch ca \
             new-tsa)"
        );
    }
    Ok(Entry {
        serial_hex: facts.serial,
        at: now,
        reason: Some(reason).filter(|reason| *reason != RevocationReason::Unspecified),
    })
}

/// What is to be said about the list in the folder.
pub fn notice(folder: &KeyFolder, now: OffsetDateTime) -> anyhow::Result<Option<String>> {
    let Some(list) = folder.root_list()? else {
        return Ok(None);
    };
    let root = folder.certificate(Role::Root.name())?;
    let list = crl::own(&list, &root).context("the root's revocation list")?;
    Ok(list
        .next_update()
        .filter(|end| *end - now < NOTICE)
        .map(|end| {
            let verb = if end < now { "was due" } else { "is due" };
            format!(
                "its next revocation list {verb} on {}: avouch ca root-crl",
                end.date()
            )
        }))
}
