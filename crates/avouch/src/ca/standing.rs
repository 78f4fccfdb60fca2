//! `avouch ca status`: everybody who holds or held an office.

use model::Clock;
use pki::CertificateFacts;
use pki::establish::Role;
use serde::Serialize;
use time::OffsetDateTime;

use super::{Premises, root_list};
use crate::installation::name_of;
use crate::registration::output::{Table, json};
use crate::stdout;
use crate::system::SystemClock;

/// One certificate.
#[derive(Serialize)]
struct Holder {
    name: String,
    common_name: String,
    key_identifier: String,
    issuer_key_identifier: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    not_before: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    not_after: OffsetDateTime,
    key: String,
    in_use: bool,
    /// What somebody should know or do.
    notice: Option<String>,
}

/// Prints the certificates of the authorities.
pub fn print(premises: &Premises, as_json: bool) -> anyhow::Result<()> {
    let holders = holders(premises, SystemClock.now())?;
    if as_json {
        return stdout::print(&json(&serde_json::to_value(&holders)?));
    }
    let mut table = Table::new(["Name", "Common name", "Key identifier", "Until", "Key", ""]);
    for holder in &holders {
        table.row([
            holder.name.clone(),
            holder.common_name.clone(),
            holder.key_identifier.clone(),
            holder.not_after.date().to_string(),
            holder.key.clone(),
            if holder.in_use { "in use" } else { "" }.to_owned(),
        ]);
    }
    let notices = holders.iter().filter_map(|one| {
        let notice = one.notice.as_ref()?;
        Some(format!("{}: {notice}\n", one.name))
    });
    stdout::print(&(table.text() + &notices.collect::<String>()))
}

fn holders(premises: &Premises, now: OffsetDateTime) -> anyhow::Result<Vec<Holder>> {
    let folder = &premises.folder;
    let mut holders = Vec::new();
    for role in Role::ALL {
        let mut of_office = Vec::new();
        for generation in folder.generations(role)? {
            let name = name_of(role, generation);
            let facts = CertificateFacts::read(&folder.certificate(&name)?)?;
            of_office.push((name, facts));
        }
        for at in 0..of_office.len() {
            let (name, facts) = &of_office[at];
            let later = &of_office[at + 1..];
            let in_use = match role {
                Role::IssuingOcsp | Role::RootOcsp => !later.iter().any(|(_, other)| {
                    other.authority_key_identifier == facts.authority_key_identifier
                }),
                _ => later.is_empty(),
            };
            let of_list = match role {
                Role::Root => root_list::notice(folder, now)?,
                _ => None,
            };
            let ending = in_use.then(|| notice(role, facts.not_after, now)).flatten();
            holders.push(Holder {
                name: name.clone(),
                common_name: facts.common_name.clone(),
                key_identifier: facts.key_identifier.clone(),
                issuer_key_identifier: facts.authority_key_identifier.clone(),
                not_before: facts.not_before,
                not_after: facts.not_after,
                key: folder.home_of(name)?.to_owned(),
                in_use,
                notice: of_list.or(ending),
            });
        }
    }
    Ok(holders)
}

/// What is to be said about a certificate in use that ends then.
fn notice(role: Role, end: OffsetDateTime, now: OffsetDateTime) -> Option<String> {
    let office = match role {
        Role::IssuingOcsp | Role::RootOcsp => "ocsp",
        other => other.name(),
    };
    let what = match role {
        Role::Root => "make a new installation before; issuing CAs cannot outlast it",
        Role::Issuing => "certificates cannot outlast it: avouch ca new-issuing",
        Role::RootOcsp => "only the root can renew it: avouch ca new-ocsp --of root",
        Role::TimeStamping | Role::IssuingOcsp => "a running server renews it by itself",
    };
    if end < now {
        return Some(format!("is over since {}; {what}", end.date()));
    }
    (end - now < service::notice(office)).then(|| format!("ends on {}; {what}", end.date()))
}
