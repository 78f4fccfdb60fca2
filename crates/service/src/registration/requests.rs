//! Requests: created, listed, corrected, cancelled.

use crypto::DataKey;
use model::authority::Act;
use model::contact::{Country, Email};
use model::event::EventType;
use model::profile::VALIDITY_DAYS;
use model::subject::FieldError;
use model::{
    Environment, Language, Profile, RaId, RaoId, RequestPk, SecureElement, Status, Subject,
    Trigger, VideoIdPk, Workflow,
};
use serde_json::json;
use store::{Reader, RegistrationAuthority, StoreError, Tx};

use super::authorities::{COUNTRY, is_open, particulars_of};
use super::form::{Reading, flag, number, verbatim};
use super::identification;
use super::{Caller, Form, PAGE_SIZE, Page, Registration, offset};
use crate::bounds::address;
use crate::case::{self, Case};
use crate::{Error, Service, webhooks};

/// Which requests a list shows; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct RegistrationFilter {
    /// The scratchcard's number.
    pub scratchcard: Option<String>,
    /// The registration authority.
    pub authority: Option<RaId>,
    /// Where it stands.
    pub status: Option<Status>,
    /// The certificate profile's name.
    pub profile: Option<String>,
    /// Which way it came in.
    pub workflow: Option<Workflow>,
    /// Fields of the subject, by wire name: `given_name`, `surname_1`, `surname_2`,
    /// `serial_number`, `email` or `mobile_phone_number`.
    pub subject: Vec<(&'static str, String)>,
}

impl Service {
    /// Creates a request, which uses up its scratchcard: `CREATED`, or `VIDEOPENDING` with
    /// `videoid_mode`.
    ///
    /// # Errors
    ///
    /// [`Error::NotPermitted`], [`Error::Fields`], [`Error::ProfileNotAvailable`],
    /// [`Error::InvalidScratchcard`], [`Error::VideoIdDisabled`], [`Error::UnknownOfficerNumber`],
    /// [`Error::ContactLimit`].
    pub async fn register(&self, caller: &Caller, form: Form) -> Result<Registration, Error> {
        caller.demand(Act::Submit)?;
        let mut reading = Reading::of(&form);
        let profile = reading.required("profile", verbatim);
        let scratchcard = reading.required("scratchcard", verbatim);
        let authority = reading.required("registration_authority", number::<RaId>);
        let email = reading.required("email", Email::parse);
        let filmed = reading.optional("videoid_mode", flag).unwrap_or(false);
        let webhook_url = reading.optional("webhook_url", address);
        let (Some(profile), Some(scratchcard), Some(authority), Some(email)) =
            (profile, scratchcard, authority, email)
        else {
            return Err(Error::Fields(reading.problems));
        };
        let profile = find_profile(&profile)?;
        let (workflow, status) = if filmed {
            (Workflow::VideoId, Status::VideoPending)
        } else {
            (Workflow::Classic, Status::Created)
        };

        let mut tx = self.store().begin().await?;
        let authority = self.admitting(&mut tx, caller, authority, workflow).await?;
        let pk = RequestPk(store::sequence::next(&mut tx).await?);
        let videoid_pk = VideoIdPk(store::sequence::next(&mut tx).await?);
        let key = DataKey::generate(self.entropy());
        let now = self.now();
        let row = store::Request {
            pk,
            videoid_pk,
            video_identifier: model::ids::video_identifier(self.entropy()),
            scratchcard,
            workflow,
            status,
            ra: authority.id,
            profile: profile.name.clone(),
            secure_element: profile.usual_element(),
            validity_days: None,
            paperless: false,
            language: None,
            // This API knows no environments.
            environment: Environment::Prod,
            asynchronous: false,
            webhook_url: webhook_url.map(String::from),
            webhook_format: None,
            data_key: key.wrap(self.master(), &case::key_context(pk), self.entropy()),
            subject: Vec::new(),
            billing_username: None,
            refuse_reason: None,
            officer: None,
            identification_officer: None,
            validation_officer: None,
            registering_user: caller.user(),
            approving_user: None,
            approved_at: None,
            renewal_enabled: false,
            renewals: 0,
            external_unlock: None,
            created_at: now,
            updated_at: now,
        };
        let mut case = Case {
            row,
            key,
            subject: Subject::from_email(email),
        };
        apply(&mut case, profile, &mut reading);
        reading.check()?;
        if case.subject.country_name.is_none() {
            case.subject.country_name = particulars_of(&authority)?
                .get(COUNTRY)
                .and_then(|country| Country::parse(country).ok());
        }
        self.check_identifier(&mut tx, &case).await?;

        case.row.subject = case.seal(self, "subject", &case.subject)?;
        unused(store::requests::insert(&mut tx, &case.row).await)?;
        claim(&mut tx, &case).await?;
        self.index_subject(&mut tx, &case).await?;
        self.check_contact_limits(&mut tx, &case).await?;
        webhooks::queue(self, &mut tx, &case, EventType::RequestCreated, None).await?;
        let details = json!({
            "status": case.row.status.name(),
            "profile": case.row.profile,
            "workflow": workflow.name(),
        });
        self.record(&mut tx, caller.actor(), "created", Some(&case), details)
            .await?;
        self.commit(tx).await?;
        self.registration(caller, pk.0).await
    }

    /// A page of the requests that the caller sees, without images.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchPage`].
    pub async fn registrations(
        &self,
        caller: &Caller,
        filter: RegistrationFilter,
        page: i64,
    ) -> Result<Page<Registration>, Error> {
        let indexed = filter.subject.iter().map(|(field, value)| {
            let digest = self.index_digest(field, value);
            ((*field).to_owned(), digest)
        });
        let filter = store::RequestFilter {
            within: caller.scope().to_vec(),
            indexed: indexed.collect(),
            ra: filter.authority,
            scratchcard: filter.scratchcard,
            status: filter.status,
            profile: filter.profile,
            workflow: filter.workflow,
        };
        let mut reader = self.store().read().await?;
        let (total, rows) =
            store::requests::page(&mut reader, &filter, offset(page), PAGE_SIZE).await?;
        let mut items = Vec::with_capacity(rows.len());
        for row in rows {
            let case = self.open(row)?;
            items.push(self.registration_record(&mut reader, case, false).await?);
        }
        Page::of(page, total, items)
    }

    /// One request.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`].
    pub async fn registration(&self, caller: &Caller, id: i64) -> Result<Registration, Error> {
        let mut reader = self.store().read().await?;
        let case = self.scoped(&mut reader, caller, id).await?;
        self.registration_record(&mut reader, case, true).await
    }

    /// Corrects a request until it is approved; only what is sent changes, the status never does.
    /// What was read from the identity document stays once an officer has validated it.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::WrongStatus`], [`Error::NotPermitted`],
    /// [`Error::Fields`], [`Error::IdentifiedFields`], [`Error::ProfileNotAvailable`],
    /// [`Error::InvalidScratchcard`], [`Error::VideoIdDisabled`], [`Error::UnknownOfficerNumber`], [`Error::ContactLimit`].
    pub async fn correct(
        &self,
        caller: &Caller,
        id: i64,
        form: Form,
    ) -> Result<Registration, Error> {
        caller.demand(Act::Handle)?;
        let mut tx = self.store().begin().await?;
        let mut case = self.scoped_lock(&mut tx, caller, id).await?;
        if !case.row.status.is_correctable() {
            return Err(Error::WrongStatus(case.row.status));
        }
        let before = case.row.clone();
        let subject_before = case.subject.clone();
        let indexed_before = self.index_of(&case.subject);

        let mut reading = Reading::of(&form);
        if let Some(scratchcard) = reading.kept("scratchcard", verbatim) {
            case.row.scratchcard = scratchcard;
        }
        if let Some(authority) = reading.kept("registration_authority", number) {
            case.row.ra = authority;
        }
        let profile = match reading.kept("profile", verbatim) {
            Some(name) => change_profile(&mut case, find_profile(&name)?)?,
            None => case.profile()?,
        };
        apply(&mut case, profile, &mut reading);
        let changed = reading.check()?;
        if case.row.validation_officer.is_some() {
            let claims = self.claims(&mut tx, &case).await?;
            let locked = identification::changed(&subject_before, &case.subject, &claims);
            if !locked.is_empty() {
                return Err(Error::IdentifiedFields(locked));
            }
        }
        if case.row.ra != before.ra {
            self.admitting(&mut tx, caller, case.row.ra, case.row.workflow)
                .await?;
        }
        let identified = |row: &store::Request| (row.identification_officer, row.ra);
        if identified(&case.row) != identified(&before) {
            self.check_identifier(&mut tx, &case).await?;
        }

        case.row.subject = case.seal(self, "subject", &case.subject)?;
        case.row.updated_at = self.now();
        // Request first, then card, as in a creation: nobody waits for each other.
        unused(store::requests::update(&mut tx, &case.row).await)?;
        if case.row.scratchcard != before.scratchcard {
            claim(&mut tx, &case).await?;
        } else if case.row.ra != before.ra {
            own_card(&mut tx, &case).await?;
        }
        if case.row.ra != before.ra || self.index_of(&case.subject) != indexed_before {
            self.index_subject(&mut tx, &case).await?;
            self.check_contact_limits(&mut tx, &case).await?;
        }
        let details = json!({ "changed": changed });
        self.record(&mut tx, caller.actor(), "updated", Some(&case), details)
            .await?;
        self.commit(tx).await?;
        self.registration(caller, case.pk().0).await
    }

    /// Cancels. The scratchcard stays used; a link that is out opens nothing any more.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::WrongStatus`], [`Error::NotPermitted`].
    pub async fn cancel_registration(&self, caller: &Caller, id: i64) -> Result<(), Error> {
        caller.demand(Act::Handle)?;
        let mut tx = self.store().begin().await?;
        let mut case = self.scoped_lock(&mut tx, caller, id).await?;
        let details = json!({});
        self.advance(&mut tx, &mut case, Trigger::Cancel, caller.actor(), details)
            .await?;
        self.commit(tx).await
    }

    /// Fields that the profile demands and the request lacks, in the profile's order.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`]; [`Error::WrongStatus`] once approved.
    pub async fn missing_fields(&self, caller: &Caller, id: i64) -> Result<Vec<String>, Error> {
        let case = self.scoped_peek(caller, id).await?;
        if !case.row.status.is_correctable() {
            return Err(Error::WrongStatus(case.row.status));
        }
        let missing = case.profile()?.missing(&case.subject);
        Ok(missing.into_iter().map(str::to_owned).collect())
    }

    /// The authority, if the caller sees it and it takes requests of that workflow now.
    async fn admitting(
        &self,
        reads: &mut Reader,
        caller: &Caller,
        id: RaId,
        workflow: Workflow,
    ) -> Result<RegistrationAuthority, Error> {
        let authority = store::authorities::get(reads, id)
            .await?
            .filter(|authority| caller.sees(id) && is_open(authority, self.now()))
            .ok_or(Error::NotPermitted)?;
        let films = authority.videoid_enabled && authority.settings.enable_external_auth;
        if workflow.is_filmed() && !films {
            return Err(Error::VideoIdDisabled(id));
        }
        Ok(authority)
    }

    /// Who identified the person must be an officer who may, for the request's authority.
    async fn check_identifier(&self, reads: &mut Reader, case: &Case) -> Result<(), Error> {
        let Some(id) = case.row.identification_officer else {
            return Ok(());
        };
        store::officers::get(reads, id)
            .await?
            .filter(|officer| {
                officer.is_identificator && officer.authorities.contains(&case.row.ra)
            })
            .map(drop)
            .ok_or(Error::UnknownOfficerNumber)
    }
}

/// Changes what the form sends of a request's terms and subject.
fn apply(case: &mut Case, profile: &Profile, reading: &mut Reading<'_>) {
    let row = &mut case.row;
    let element = profile.usual_element();
    reading.change("secure_element", &mut row.secure_element, element, |text| {
        number(text)
            .ok()
            .and_then(SecureElement::of_number)
            .filter(|element| profile.elements().contains(element))
            .ok_or("must be one that the profile allows")
    });
    reading.change("validity_time", &mut row.validity_days, None, |text| {
        number(text)
            .ok()
            .filter(|days| VALIDITY_DAYS.contains(days))
            .map(Some)
            .ok_or("must be one of 1, 3, 365, 730, 1095, 1825")
    });
    reading.change("paperless_mode", &mut row.paperless, false, flag);
    let language = &mut row.language;
    reading.change("communication_language", language, None, |text| {
        text.parse::<Language>().map(Some)
    });
    let officer = &mut row.identification_officer;
    reading.change("identification_rao", officer, None, |text| {
        number::<RaoId>(text).map(Some)
    });

    for (name, value) in reading.fields() {
        match case.subject.set(name, value) {
            Ok(()) => reading.changed.push(name.to_owned()),
            Err(FieldError::Invalid(text)) => reading.problems.invalid(name, text),
            Err(FieldError::Unknown) => {}
        }
    }
    fix(&mut case.subject, profile);
}

/// Moves a request to another profile: what the old one fixed goes, and a key holder that the new
/// one does not allow too.
fn change_profile(case: &mut Case, profile: &'static Profile) -> Result<&'static Profile, Error> {
    let old = case.profile()?;
    for field in &old.fields {
        let fixed = old.fixed(&field.name);
        if fixed.is_some() && case.subject.field(&field.name).as_deref() == fixed {
            case.subject.set(&field.name, None).ok();
        }
    }
    case.row.profile = profile.name.clone();
    if !profile.elements().contains(&case.row.secure_element) {
        case.row.secure_element = profile.usual_element();
    }
    Ok(profile)
}

/// What a profile fixes stands, whatever was sent.
fn fix(subject: &mut Subject, profile: &Profile) {
    for field in &profile.fields {
        if let Some(value) = profile.fixed(&field.name) {
            // The table fixes its own name too, which is no field of the subject.
            subject.set(&field.name, Some(value)).ok();
        }
    }
}

fn find_profile(name: &str) -> Result<&'static Profile, Error> {
    Profile::find(name).ok_or_else(|| Error::ProfileNotAvailable(name.chars().take(60).collect()))
}

/// Uses the request's card up, or fails with [`Error::InvalidScratchcard`]: of two requests for one
/// card, the database lets one through.
async fn claim(tx: &mut Tx, case: &Case) -> Result<(), Error> {
    let row = &case.row;
    if store::scratchcards::claim(tx, &row.scratchcard, row.ra, row.pk).await? {
        Ok(())
    } else {
        Err(Error::InvalidScratchcard)
    }
}

/// A request that moves to another authority takes no card of the old one along.
async fn own_card(reads: &mut Reader, case: &Case) -> Result<(), Error> {
    store::scratchcards::by_sn(reads, &case.row.scratchcard)
        .await?
        .filter(|card| card.ra == case.row.ra)
        .map(drop)
        .ok_or(Error::InvalidScratchcard)
}

/// A row that could not be written because another request carries the card.
fn unused(stored: Result<(), StoreError>) -> Result<(), Error> {
    match stored {
        Err(StoreError::Duplicate { .. }) => Err(Error::InvalidScratchcard),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_profile_fixes_stands_whatever_was_sent() {
        let mut subject = Subject::from_email(Email::parse("ana@example.org").unwrap());
        subject.set("organizational_unit_1", Some("Sales")).unwrap();
        fix(&mut subject, find_profile("EMPUBsoft").unwrap());
        assert_eq!(
            subject.field("organizational_unit_1").as_deref(),
            Some("CERTIFICADO ELECTRONICO DE EMPLEADO PUBLICO"),
        );
    }

    #[test]
    fn an_unknown_profile_is_named_and_no_more_than_that() {
        let name = "x".repeat(1000);
        let Err(Error::ProfileNotAvailable(named)) = find_profile(&name) else {
            panic!("there is no such profile");
        };
        assert_eq!(named.len(), 60);
    }
}
