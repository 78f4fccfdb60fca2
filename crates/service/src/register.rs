//! The register of everything issued, for the operator: found by person and by time.
//!
//! Names are found by their words, whatever their case and accents. What stands in the index are
//! digests under the master key.

use pki::CertificateFacts;
use store::register::{Digest, RegisterFilter, Registered};
use store::{CertificateState as State, Reader};
use time::OffsetDateTime;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::case::Case;
use crate::trust::issuing;
use crate::{Error, Service};

/// Whom and what to look for: all that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct RegisterSearch {
    /// Words of the subject's name.
    pub name: Option<String>,
    /// The identity number, with or without the type and country in front.
    pub identity: Option<String>,
    /// The e-mail address of the request.
    pub email: Option<String>,
    /// The scratchcard of the request.
    pub scratchcard: Option<String>,
    /// Recorded then or later.
    pub from: Option<OffsetDateTime>,
    /// Recorded before.
    pub before: Option<OffsetDateTime>,
    /// `VALID`, `SUSPENDED` or `REVOKED`.
    pub status: Option<State>,
}

/// A certificate in the register.
#[derive(Debug, Clone, serde::Serialize)]
pub struct RegisterEntry {
    /// Serial number, hexadecimal.
    pub serial: String,
    /// `VALID`, `SUSPENDED` or `REVOKED`.
    pub status: &'static str,
    /// The subject's name.
    pub subject: String,
    /// The issuer's name.
    pub issuer: String,
    /// The request it belongs to; authorities', officers' first and machines' belong to none.
    pub request: Option<i64>,
    /// Its place in the issuance log, once it has one.
    pub log: Option<i64>,
    /// When it was put on record.
    #[serde(with = "time::serde::rfc3339")]
    pub recorded: OffsetDateTime,
    /// First second of validity.
    #[serde(with = "time::serde::rfc3339")]
    pub valid_from: OffsetDateTime,
    /// Last second of validity.
    #[serde(with = "time::serde::rfc3339")]
    pub valid_to: OffsetDateTime,
    /// Since when it is revoked or on hold.
    #[serde(with = "time::serde::rfc3339::option")]
    pub since: Option<OffsetDateTime>,
    /// Why, by the number of its CRLReason (RFC 5280 §5.3.1).
    pub reason: Option<i64>,
}

/// Where a list goes on: after this certificate, recorded then.
pub type RegisterMark = (OffsetDateTime, String);

/// A part of the register.
#[derive(Debug, Clone)]
pub struct RegisterPage {
    /// The certificates, the oldest first; on the first page the authorities' own in front.
    pub entries: Vec<RegisterEntry>,
    /// Where the list goes on, if it does.
    pub next: Option<RegisterMark>,
}

impl Service {
    /// The digests by which a certificate (DER) is found that names a person.
    pub(crate) fn digests_of(&self, case: Option<&Case>, der: &[u8]) -> Result<Vec<Digest>, Error> {
        let facts = CertificateFacts::read(der).map_err(issuing)?;
        let email = case.and_then(|case| case.subject.field("email"));
        let terms = Terms::of(&facts.subject_listed(), email.as_deref());
        Ok(self.register_digests(&terms))
    }

    /// A page of the register, from the beginning or after a mark, of `limit` certificates and, on
    /// the first page, the authorities' own.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn register_page(
        &self,
        search: &RegisterSearch,
        after: Option<&RegisterMark>,
        limit: i64,
    ) -> Result<RegisterPage, Error> {
        let terms = Terms {
            words: search.name.as_deref().map(words).unwrap_or_default(),
            identities: search
                .identity
                .as_deref()
                .map(identity)
                .into_iter()
                .collect(),
            email: search.email.as_deref().map(folded_address),
        };
        let filter = RegisterFilter {
            digests: self.register_digests(&terms),
            scratchcard: search.scratchcard.clone(),
            from: search.from,
            before: search.before,
            state: search.status,
        };
        let mut reader = self.store().read().await?;
        let mut entries = match after {
            None => authorities(&mut reader, search, &terms).await?,
            Some(_) => Vec::new(),
        };
        let after = after.map(|(at, serial)| (*at, serial.as_str()));
        let rows = store::register::find(&mut reader, &filter, after, limit).await?;
        let last = rows.last().filter(|_| rows.len() as i64 == limit);
        let next = last.map(|row| (row.recorded_at, row.serial.clone()));
        for row in rows {
            entries.push(entry(row)?);
        }
        Ok(RegisterPage { entries, next })
    }

    /// The rarest first.
    fn register_digests(&self, terms: &Terms) -> Vec<Digest> {
        let digest = |kind: &str, text: &str| {
            let label = format!("register {kind}");
            let mac = self.master().mac(&label, text.as_bytes());
            std::array::from_fn(|at| mac[at])
        };
        let identities = terms.identities.iter().map(|id| digest("identity", id));
        let email = terms.email.iter().map(|text| digest("email", text));
        let words = terms.words.iter().map(|word| digest("name", word));
        identities.chain(email).chain(words).collect()
    }
}

/// The authorities' own certificates: few, and not personal data. They belong to no request, and no
/// list of ours tells of their revocation.
async fn authorities(
    reader: &mut Reader,
    search: &RegisterSearch,
    terms: &Terms,
) -> Result<Vec<RegisterEntry>, Error> {
    if search.scratchcard.is_some() || search.status.is_some_and(|one| one != State::Valid) {
        return Ok(Vec::new());
    }
    let mut entries = Vec::new();
    for row in store::authority_certificates::all(reader).await? {
        let facts = CertificateFacts::read(&row.der).map_err(issuing)?;
        let early = search.from.is_some_and(|from| row.recorded_at < from);
        let late = search
            .before
            .is_some_and(|before| row.recorded_at >= before);
        if early || late || !Terms::of(&facts.subject_listed(), None).include(terms) {
            continue;
        }
        entries.push(RegisterEntry {
            status: "VALID",
            subject: facts.subject_listed(),
            issuer: facts.issuer_listed(),
            serial: row.serial,
            request: None,
            log: None,
            recorded: row.recorded_at,
            valid_from: facts.not_before,
            valid_to: facts.not_after,
            since: None,
            reason: None,
        });
    }
    Ok(entries)
}

/// What a certificate is found by.
#[derive(Debug, PartialEq, Eq)]
struct Terms {
    words: Vec<String>,
    identities: Vec<String>,
    email: Option<String>,
}

impl Terms {
    /// Whether all of the others are among these.
    fn include(&self, others: &Terms) -> bool {
        let named = others.words.iter().all(|one| self.words.contains(one));
        let identified = |one| self.identities.contains(one);
        named
            && others.identities.iter().all(identified)
            && (others.email.is_none() || others.email == self.email)
    }

    /// From a subject in the form of [`CertificateFacts::subject_listed`].
    fn of(subject: &str, email: Option<&str>) -> Self {
        let mut terms = Self {
            words: Vec::new(),
            identities: Vec::new(),
            email: email.map(folded_address),
        };
        // A comma inside a value is escaped, and what follows it belongs to the value.
        let mut kind = "";
        for part in subject.split(", ") {
            let value = match part.split_once('=') {
                Some((name, value)) if is_attribute(name) => {
                    kind = name;
                    value
                }
                _ => part,
            };
            match kind {
                "C" => {}
                SERIAL_NUMBER => {
                    terms.identities.push(identity(value));
                    if let Some((_, number)) = value.split_once('-') {
                        terms.identities.push(identity(number));
                    }
                }
                _ => terms.words.extend(words(value)),
            }
        }
        // Parts of a name stand in the whole name as well.
        terms.words.sort_unstable();
        terms.words.dedup();
        terms
    }
}

/// The attribute that holds the identity number (X.520).
const SERIAL_NUMBER: &str = "2.5.4.5";

fn is_attribute(name: &str) -> bool {
    let dotted = name
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    dotted || ["CN", "C", "O", "OU"].contains(&name)
}

/// A name's words, without case and accents.
fn words(text: &str) -> Vec<String> {
    let plain: String = text
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .collect();
    plain
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// An identity number without what people write between its digits.
fn identity(text: &str) -> String {
    let plain = text.chars().filter(|c| c.is_alphanumeric());
    plain.flat_map(char::to_uppercase).collect()
}

fn folded_address(text: &str) -> String {
    text.trim().to_lowercase()
}

fn entry(row: Registered) -> Result<RegisterEntry, Error> {
    let facts = CertificateFacts::read(&row.der).map_err(issuing)?;
    Ok(RegisterEntry {
        status: match row.state {
            State::Suspended => "SUSPENDED",
            State::Revoked => "REVOKED",
            _ => "VALID",
        },
        subject: facts.subject_listed(),
        issuer: facts.issuer_listed(),
        serial: row.serial,
        request: row.request.map(|pk| pk.0),
        log: row.place,
        recorded: row.recorded_at,
        valid_from: facts.not_before,
        valid_to: facts.not_after,
        since: row.revoked_at,
        reason: row.reason.map(|reason| reason.number()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_whatever_their_case_and_accents() {
        assert_eq!(
            words("José  de la Peña-Núñez"),
            words("JOSE de la pena NUNEZ")
        );
        assert_ne!(words("Peña"), words("Peno"));
    }

    #[test]
    fn a_subject_is_found_by_name_and_number() {
        let subject =
            r"CN=Ana Prueba, 2.5.4.5=IDCES-00000000T, 2.5.4.42=Ana, O=Prueba\, S.L., C=ES";
        let terms = Terms::of(subject, Some(" Ana@Example.org"));
        for word in ["ana", "prueba", "s", "l"] {
            assert!(terms.words.iter().any(|one| one == word), "{word}");
        }
        assert!(!terms.words.iter().any(|one| one == "es"));
        assert_eq!(terms.identities, ["IDCES00000000T", "00000000T"]);
        assert_eq!(terms.email.as_deref(), Some("ana@example.org"));
    }
}
