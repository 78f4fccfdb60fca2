//! Officers, made of people who hold a certificate.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::authority::Act;
use model::contact::Email;
use model::subject::{parse_name, parse_number};
use model::{RaId, RaoId, RequestPk};
use pki::CertificateFacts;
use serde_json::json;
use store::{Certificate, CertificateState, Officer, OfficerFilter, Reader, StoreError, Tx};

use super::form::{flag, number};
use super::{Caller, OfficerRecord, PAGE_SIZE, Page, offset};
use crate::{Error, Problems, Service};

/// An officer as a client describes it; what is `None` stays, or is left out.
#[derive(Debug, Clone, Default)]
pub struct OfficerForm {
    /// Home authority.
    pub registration_authority_master: Option<String>,
    /// Authorities where it may act.
    pub registration_authority: Option<Vec<String>>,
    /// Base64 of a certificate, or the number of an issued request.
    pub certificate: Option<String>,
    /// First names.
    pub given_name: Option<String>,
    /// First surname.
    pub surname_1: Option<String>,
    /// Second surname.
    pub surname_2: Option<String>,
    /// Number of its identity document.
    pub id_document_number: Option<String>,
    /// What that document is.
    pub id_document_description: Option<String>,
    /// Who issued it.
    pub id_document_issuer: Option<String>,
    /// Its e-mail address.
    pub email: Option<String>,
    /// Whether it may identify people whom another officer approves.
    pub is_identificator: Option<String>,
}

/// The holder of a certificate, as an officer.
struct Holder {
    certificate: Certificate,
    der: Vec<u8>,
    identity: String,
    /// The name to sign in with; none where the key is not in our cloud.
    username: Option<String>,
}

impl Service {
    /// Makes an officer of the holder of a certificate.
    ///
    /// # Errors
    ///
    /// [`Error::NotPermitted`], [`Error::Fields`], [`Error::UnknownAuthority`],
    /// [`Error::Duplicate`] where the holder is an officer already.
    pub async fn appoint_officer(
        &self,
        caller: &Caller,
        form: OfficerForm,
    ) -> Result<OfficerRecord, Error> {
        caller.demand(Act::Administer)?;
        let mut problems = Problems::default();
        let sent = [
            (
                "registration_authority_master",
                &form.registration_authority_master,
            ),
            ("certificate", &form.certificate),
            ("given_name", &form.given_name),
            ("surname_1", &form.surname_1),
        ];
        for (name, value) in sent {
            problems.require(name, value.as_deref(), |_| Ok::<_, Error>(()));
        }
        if form.registration_authority.is_none() {
            problems.missing("registration_authority");
        }
        problems.check()?;

        let mut tx = self.store().begin().await?;
        let mut officer = Officer {
            id: RaoId(store::officers::next_id(&mut tx).await?),
            ra: RaId(0),
            authorities: Vec::new(),
            username: String::new(),
            given_name: String::new(),
            surname_1: String::new(),
            surname_2: None,
            identity: String::new(),
            document_number: None,
            document_description: None,
            document_issuer: None,
            email: None,
            is_identificator: false,
            certificate: Vec::new(),
            serial: None,
            created_at: self.now(),
        };
        self.describe(&mut tx, caller, &mut officer, form).await?;
        unique(store::officers::insert(&mut tx, &officer).await)?;
        self.settle_officer(tx, caller, officer, "officer-appointed")
            .await
    }

    /// Changes what is sent.
    ///
    /// # Errors
    ///
    /// As [`Service::appoint_officer`], and [`Error::UnknownOfficerNumber`].
    pub async fn change_officer(
        &self,
        caller: &Caller,
        id: i64,
        form: OfficerForm,
    ) -> Result<OfficerRecord, Error> {
        caller.demand(Act::Administer)?;
        let mut tx = self.store().begin().await?;
        let mut officer = visible_officer(&mut tx, caller, RaoId(id)).await?;
        if !caller.sees(officer.ra) {
            // Acts here, but belongs elsewhere.
            return Err(Error::NotPermitted);
        }
        self.describe(&mut tx, caller, &mut officer, form).await?;
        unique(store::officers::update(&mut tx, &officer).await)?;
        self.settle_officer(tx, caller, officer, "officer-changed")
            .await
    }

    /// One officer.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownOfficerNumber`].
    pub async fn officer(&self, caller: &Caller, id: i64) -> Result<OfficerRecord, Error> {
        let mut reader = self.store().read().await?;
        let officer = visible_officer(&mut reader, caller, RaoId(id)).await?;
        self.officer_record(&mut reader, officer).await
    }

    /// A page of the officers that the caller sees; members of the filter that are `None` do not
    /// matter. `certificate` is Base64.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchPage`].
    pub async fn officers(
        &self,
        caller: &Caller,
        filter: OfficerForm,
        page: i64,
    ) -> Result<Page<OfficerRecord>, Error> {
        let Some(filter) = read_filter(filter) else {
            // No officer has a number that is none.
            return Page::of(page, 0, Vec::new());
        };
        let mut reader = self.store().read().await?;
        let scope = caller.scope();
        let (total, rows) =
            store::officers::page(&mut reader, &filter, scope, offset(page), PAGE_SIZE).await?;
        let mut items = Vec::with_capacity(rows.len());
        for row in rows {
            items.push(self.officer_record(&mut reader, row).await?);
        }
        Page::of(page, total, items)
    }

    async fn settle_officer(
        &self,
        mut tx: Tx,
        caller: &Caller,
        officer: Officer,
        action: &str,
    ) -> Result<OfficerRecord, Error> {
        let details = json!({
            "officer": officer.id,
            "registration_authority": officer.ra,
            "authorities": officer.authorities,
            "serial": officer.serial,
        });
        let record = self.officer_record(&mut tx, officer).await?;
        self.record(&mut tx, caller.actor(), action, None, details)
            .await?;
        self.commit(tx).await?;
        Ok(record)
    }

    /// Changes of an officer what the form sends.
    async fn describe(
        &self,
        reads: &mut Reader,
        caller: &Caller,
        officer: &mut Officer,
        form: OfficerForm,
    ) -> Result<(), Error> {
        let mut problems = Problems::default();
        macro_rules! change {
            ($slot:expr, $name:ident, $parse:expr) => {
                let sent = form.$name.as_deref();
                if let Some(value) = problems.parse(stringify!($name), sent, $parse) {
                    $slot = value;
                }
            };
        }
        // A blank text takes these away.
        macro_rules! change_optional {
            ($slot:expr, $name:ident, $parse:expr) => {
                if let Some(sent) = form.$name.as_deref() {
                    $slot = problems.parse(stringify!($name), Some(sent), $parse);
                }
            };
        }
        change!(officer.ra, registration_authority_master, number);
        change!(officer.given_name, given_name, parse_name);
        change!(officer.surname_1, surname_1, parse_name);
        change!(officer.is_identificator, is_identificator, flag);
        change_optional!(officer.surname_2, surname_2, parse_name);
        change_optional!(officer.document_number, id_document_number, parse_number);
        change_optional!(
            officer.document_description,
            id_document_description,
            parse_name
        );
        change_optional!(officer.document_issuer, id_document_issuer, parse_name);
        change_optional!(officer.email, email, |text: &str| {
            Email::parse(text).map(|email| email.as_str().to_owned())
        });
        if let Some(sent) = &form.registration_authority {
            let name = "registration_authority";
            let numbers = sent
                .iter()
                .map(|text| problems.require(name, Some(text), number));
            let numbers: Vec<_> = numbers.flatten().collect();
            if sent.is_empty() {
                problems.missing(name);
            }
            admit(caller, officer, numbers)?;
        }
        if !caller.sees(officer.ra) {
            return Err(Error::UnknownAuthority);
        }
        if let Some(text) = form.certificate.as_deref().map(str::trim)
            && !text.is_empty()
        {
            match self.holder(reads, caller, text).await? {
                Some(holder) => take_over(officer, holder),
                None if decode(text).as_ref() == Some(&officer.certificate) => {}
                None => problems.invalid(
                    "certificate",
                    "must be a good certificate from here, or an issued request",
                ),
            }
        }
        problems.check()
    }

    /// Who holds the certificate that a text names, Base64 or by its request's number: one of a
    /// request that the caller sees, good now.
    async fn holder(
        &self,
        reads: &mut Reader,
        caller: &Caller,
        text: &str,
    ) -> Result<Option<Holder>, Error> {
        let certificate = match (text.parse().map(RequestPk), decode(text)) {
            (Ok(pk), _) => newest_good(reads, pk).await?,
            (Err(_), Some(der)) => {
                let Ok(facts) = CertificateFacts::read(&der) else {
                    return Ok(None);
                };
                store::certificates::get(reads, &facts.serial)
                    .await?
                    .filter(|row| row.der.as_ref() == Some(&der))
            }
            (Err(_), None) => None,
        };
        let now = self.now();
        let good =
            certificate.filter(|row| row.state == CertificateState::Valid && now <= row.not_after);
        let Some((certificate, request)) = good.and_then(|row| row.request.map(|pk| (row, pk)))
        else {
            return Ok(None);
        };
        let case = match store::requests::get(reads, request).await? {
            Some(row) if row.workflow.is_registration() && caller.sees(row.ra) => self.open(row)?,
            _ => return Ok(None),
        };
        let credential = store::credentials::of_serial(reads, &certificate.serial).await?;
        Ok(Some(Holder {
            der: certificate.der.clone().unwrap_or_default(),
            certificate,
            identity: case.subject.semantic_serial_number().unwrap_or_default(),
            username: credential.map(|credential| credential.username),
        }))
    }
}

fn take_over(officer: &mut Officer, holder: Holder) {
    officer.certificate = holder.der;
    officer.serial = Some(holder.certificate.serial);
    officer.identity = holder.identity;
    // A name that opens nothing, where there is nothing to open.
    officer.username = holder
        .username
        .unwrap_or_else(|| format!("rao-{}", officer.id));
}

/// Lets an officer act for these authorities. Those that the caller does not see stay as they were.
fn admit(caller: &Caller, officer: &mut Officer, sent: Vec<RaId>) -> Result<(), Error> {
    let unseen: Vec<_> = officer
        .authorities
        .iter()
        .copied()
        .filter(|id| !caller.sees(*id))
        .collect();
    if !sent
        .iter()
        .all(|id| caller.sees(*id) || unseen.contains(id))
    {
        return Err(Error::UnknownAuthority);
    }
    officer.authorities = sent;
    officer.authorities.extend(unseen);
    officer.authorities.sort_unstable();
    officer.authorities.dedup();
    Ok(())
}

async fn newest_good(reads: &mut Reader, request: RequestPk) -> Result<Option<Certificate>, Error> {
    let rows = store::certificates::of_request(reads, request).await?;
    Ok(rows
        .into_iter()
        .find(|row| row.state == CertificateState::Valid))
}

/// The officer of that number, if the caller sees an authority where it may act, or its home.
pub(super) async fn visible_officer(
    reads: &mut Reader,
    caller: &Caller,
    id: RaoId,
) -> Result<Officer, Error> {
    store::officers::get(reads, id)
        .await?
        .filter(|officer| {
            let mut places = officer.authorities.iter().chain([&officer.ra]);
            places.any(|id| caller.sees(*id))
        })
        .ok_or(Error::UnknownOfficerNumber)
}

/// `None` where no officer can fit.
fn read_filter(form: OfficerForm) -> Option<OfficerFilter> {
    let place = |text: Option<String>| match text {
        Some(text) => number(text.trim()).ok().map(Some),
        None => Some(None),
    };
    let authority = form.registration_authority.unwrap_or_default();
    Some(OfficerFilter {
        given_name: form.given_name,
        surname_1: form.surname_1,
        surname_2: form.surname_2,
        certificate: match form.certificate {
            Some(text) => Some(decode(&text)?),
            None => None,
        },
        authority: place(authority.into_iter().next())?,
        master: place(form.registration_authority_master)?,
    })
}

/// The DER bytes of a certificate in Base64, in PEM, or of PEM in Base64 once more.
fn decode(text: &str) -> Option<Vec<u8>> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let body = match text.split_once(BEGIN) {
        Some((_, armoured)) => armoured.split_once(END)?.0,
        None => text,
    };
    let bare: String = body.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(bare).ok()?;
    match std::str::from_utf8(&bytes) {
        Ok(inner) if inner.contains(BEGIN) => decode(inner),
        _ => Some(bytes),
    }
}

/// One certificate makes one officer: the user name is its own.
fn unique(stored: Result<(), StoreError>) -> Result<(), Error> {
    match stored {
        Err(StoreError::Duplicate { .. }) => Err(Error::Duplicate {
            field: "certificate",
        }),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Not a certificate: what matters here is only how bytes are written.
    const DER: &[u8] = &[0x30, 0x03, 0x02, 0x01, 0xff];

    #[test]
    fn a_certificate_is_read_in_every_way_that_clients_write_it() {
        let bare = STANDARD.encode(DER);
        let broken = format!(" {}\r\n{} ", &bare[..4], &bare[4..]);
        let pem = format!("-----BEGIN CERTIFICATE-----\n{bare}\n-----END CERTIFICATE-----\n");
        let twice = STANDARD.encode(&pem);
        for text in [&bare, &broken, &pem, &twice] {
            assert_eq!(decode(text).as_deref(), Some(DER), "{text}");
        }
    }

    #[test]
    fn what_is_no_certificate_gives_none() {
        assert_eq!(decode("-----BEGIN CERTIFICATE-----\nMAMCAf8="), None);
        assert_eq!(decode("no Base64!"), None);
    }

    #[test]
    fn a_filter_that_no_officer_can_fit_is_none() {
        let filter = |registration_authority: &str| {
            read_filter(OfficerForm {
                registration_authority: Some(vec![registration_authority.to_owned()]),
                ..OfficerForm::default()
            })
        };
        assert_eq!(filter("10").unwrap().authority, Some(RaId(10)));
        assert!(filter("ten").is_none());
    }
}
