//! An officer's decisions on registrations: validate, refuse, approve.

use model::authority::Act;
use model::subject::IdDocumentType;
use model::{Language, Status, Trigger};
use secrecy::SecretString;
use serde_json::json;
use store::AttachmentKind;

use super::{Caller, Registration, Secrets};
use crate::advance::Actor;
use crate::case::Case;
use crate::credentials::VerifiedOfficer;
use crate::decisions::Approval;
use crate::{Error, Problems, Service, bounds};

/// An officer's credentials as a call brings them. All four are needed.
#[derive(Default)]
pub struct OfficerCredentials {
    /// The user name: a scratchcard's number.
    pub username: Option<String>,
    /// The password: that scratchcard's enrollment code.
    pub password: Option<SecretString>,
    /// The PIN of the officer's key.
    pub pin: Option<SecretString>,
    /// The officer's number.
    pub rao: Option<String>,
}

/// What a validation or approval answers.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The scratchcard's secrets; blank where the authority wants them kept back.
    pub secrets: Secrets,
    /// The request after it.
    pub registration: Registration,
}

impl Service {
    /// Confirms the evidence: `CREATED`, or `ENROLLREADY` at once where the authority says so and
    /// the profile is a natural person's.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::IncompleteCredentials`],
    /// [`Error::UnknownOfficerNumber`], [`Error::WrongCredentials`], [`Error::CredentialBlocked`],
    /// [`Error::NotPermitted`], [`Error::WrongStatus`]; at once also what
    /// [`Service::approve_registration`] fails with, after which the request is in `CREATED`.
    pub async fn validate_registration(
        &self,
        caller: &Caller,
        id: i64,
        credentials: OfficerCredentials,
    ) -> Result<Decided, Error> {
        let officer = self.deciding_officer(caller, id, credentials).await?;
        let mut tx = self.store().begin().await?;
        let mut case = self.scoped_lock(&mut tx, caller, id).await?;
        case.row.validation_officer = Some(officer.officer.id);
        let details = json!({ "user": caller.user().map(|user| user.0) });
        let actor = Actor::Officer(officer.officer.id);
        self.advance(&mut tx, &mut case, Trigger::Validate, actor, details)
            .await?;
        self.commit(tx).await?;
        let at_once = self
            .authority_of(&case)
            .await?
            .settings
            .validate_auto_approves
            && case.profile()?.is_natural_person();
        if at_once {
            let approval = Approval {
                user: caller.user(),
                language: None,
            };
            self.approve_by(case.pk(), &officer, approval).await?;
        }
        self.decided(caller, id).await
    }

    /// Refuses: `CANCELLED`.
    ///
    /// # Errors
    ///
    /// As [`Service::validate_registration`], and [`Error::Fields`] for a reason that is too long.
    pub async fn refuse_registration(
        &self,
        caller: &Caller,
        id: i64,
        credentials: OfficerCredentials,
        reason: &str,
    ) -> Result<(), Error> {
        let officer = self.deciding_officer(caller, id, credentials).await?;
        let reason = bounds::reason(reason)?;
        let mut tx = self.store().begin().await?;
        let mut case = self.scoped_lock(&mut tx, caller, id).await?;
        if case.row.status != Status::VideoReview {
            return Err(Error::WrongStatus(case.row.status));
        }
        case.row.validation_officer = Some(officer.officer.id);
        case.row.refuse_reason = Some(case.seal(self, "refuse-reason", &reason)?);
        let details = json!({ "user": caller.user().map(|user| user.0) });
        let actor = Actor::Officer(officer.officer.id);
        self.advance(&mut tx, &mut case, Trigger::Refuse, actor, details)
            .await?;
        self.commit(tx).await
    }

    /// Approves: declaration and contract are drawn up and signed with the officer's key, the
    /// subscriber gets the link by mail: `ENROLLREADY`.
    ///
    /// # Errors
    ///
    /// As [`Service::validate_registration`], and [`Error::MissingPapers`],
    /// [`Error::IncompleteSubject`], [`Error::ContactLimit`]; [`Error::Fields`] for a language that
    /// is none of ours.
    pub async fn approve_registration(
        &self,
        caller: &Caller,
        id: i64,
        credentials: OfficerCredentials,
        language: Option<&str>,
    ) -> Result<Decided, Error> {
        let officer = self.deciding_officer(caller, id, credentials).await?;
        let mut problems = Problems::default();
        let language = problems.parse("lang", language, str::parse::<Language>);
        problems.check()?;
        let pk = self.scoped_peek(caller, id).await?.pk();
        let approval = Approval {
            user: caller.user(),
            language,
        };
        self.approve_by(pk, &officer, approval).await?;
        self.decided(caller, id).await
    }

    /// What an approval of a registration demands beyond the profile's fields.
    pub(crate) async fn check_registration(&self, case: &Case) -> Result<(), Error> {
        let authority = self.authority_of(case).await?;
        if case.row.status == Status::VideoReview && authority.settings.videoid_steps > 1 {
            return Err(Error::WrongStatus(case.row.status));
        }
        let mut reader = self.store().read().await?;
        if !case.row.workflow.is_filmed() {
            let papers = store::attachments::list(&mut reader, case.pk()).await?;
            let has = |kind| papers.iter().any(|paper| paper.kind == kind);
            let wants_rear = case
                .subject
                .id_document_type
                .is_none_or(IdDocumentType::has_rear);
            if !has(AttachmentKind::DocumentFront)
                || (wants_rear && !has(AttachmentKind::DocumentRear))
            {
                return Err(Error::MissingPapers);
            }
        }
        self.check_contact_limits(&mut reader, case).await
    }

    /// The officer whose credentials were sent, if he may decide on this request.
    async fn deciding_officer(
        &self,
        caller: &Caller,
        id: i64,
        credentials: OfficerCredentials,
    ) -> Result<VerifiedOfficer, Error> {
        caller.demand(Act::Handle)?;
        let case = self.scoped_peek(caller, id).await?;
        self.verify_officer_of(credentials, case.row.ra).await
    }

    /// What a decision answers.
    async fn decided(&self, caller: &Caller, id: i64) -> Result<Decided, Error> {
        let mut reader = self.store().read().await?;
        let case = self.scoped(&mut reader, caller, id).await?;
        let authority = store::authorities::get(&mut reader, case.row.ra).await?;
        let card = self.secrets_of(&mut reader, &case.row.scratchcard).await?;
        let mut secrets = card.map(|(_, secrets)| secrets).unwrap_or_default();
        if authority.is_some_and(|authority| authority.settings.blank_secrets) {
            (secrets.erc, secrets.pin, secrets.puk) = Default::default();
        }
        Ok(Decided {
            secrets,
            registration: self.registration_record(&mut reader, case, true).await?,
        })
    }
}
