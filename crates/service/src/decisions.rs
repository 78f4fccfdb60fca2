//! An officer's decisions: validate, approve, refuse.

use model::{Language, RequestPk, Status, Trigger, UserId, transition};
use serde_json::json;
use store::{Paper, PaperKind, Tx};

use crate::advance::Actor;
use crate::case::Case;
use crate::credentials::{Credentials, VerifiedOfficer};
use crate::files::NewBlobs;
use crate::papers::BroughtEvidence;
use crate::{Error, Service, bounds};

/// How often an approval starts over because the request was corrected under it.
const ATTEMPTS: usize = 3;

/// What a registration's approval brings with it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Approval {
    /// On whose call.
    pub(crate) user: Option<UserId>,
    /// The language of the papers, where the call names one.
    pub(crate) language: Option<Language>,
}

impl Service {
    /// Approves: the officer's declaration and the service contract are drawn up and signed with
    /// the officer's key, and the request may be signed.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::IncompleteCredentials`], [`Error::UnknownToken`],
    /// [`Error::UnknownOfficer`], [`Error::WrongCredentials`], [`Error::WrongStatus`],
    /// [`Error::IncompleteSubject`].
    pub async fn approve(&self, id: i64, credentials: Credentials) -> Result<(), Error> {
        let officer = self.officer_of(id, credentials).await?;
        let pk = self.number_of(&mut self.store().read().await?, id).await?;
        self.approve_by(pk, &officer, Approval::default()).await
    }

    /// Approves by an officer whose credentials were right.
    pub(crate) async fn approve_by(
        &self,
        pk: RequestPk,
        officer: &VerifiedOfficer,
        approval: Approval,
    ) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let _turn = self.inner.per_request.lock(pk).await;
            let standing = {
                let mut reader = self.store().read().await?;
                self.reopen(&mut reader, pk).await?
            };
            transition(standing.row.status, Trigger::Approve)?;
            self.check_approvable(&standing).await?;

            let before = standing.row.clone();
            let mut case = standing;
            case.row.approving_user = approval.user;
            case.row.language = approval.language.or(case.row.language);
            let evidence = self.evidence_of(&case).await?;
            let mut blobs = NewBlobs::new(self);
            let papers = self
                .prepare_approval(&mut case, evidence, officer, &mut blobs)
                .await?;

            let mut tx = self.store().begin().await?;
            if self.relock(&mut tx, pk).await?.row != before {
                // What was drawn up tells of a subject who has been corrected since.
                continue;
            }
            self.settle_approval(&mut tx, &mut case, papers).await?;
            self.commit(tx).await?;
            blobs.keep();
            return Ok(());
        }
        Err(Error::Internal(format!(
            "request {pk} changed under each of {ATTEMPTS} approvals"
        )))
    }

    /// Writes the officer into the request and draws up and signs the papers. Nothing is on record
    /// yet.
    pub(crate) async fn prepare_approval(
        &self,
        case: &mut Case,
        evidence: BroughtEvidence,
        officer: &VerifiedOfficer,
        blobs: &mut NewBlobs,
    ) -> Result<Vec<Paper>, Error> {
        let at = self.now();
        case.row.officer = Some(officer.officer.id);
        case.row.approved_at = Some(at);
        if case.row.status == Status::VideoReview && case.row.workflow.is_registration() {
            case.row.validation_officer = Some(officer.officer.id);
        }
        self.draw_up_papers(case, evidence, officer, at, blobs)
            .await
    }

    /// Puts on record what [`Service::prepare_approval`] made and moves the request. Comes last in
    /// a transaction, as [`Service::advance`] does.
    pub(crate) async fn settle_approval(
        &self,
        tx: &mut Tx,
        case: &mut Case,
        papers: Vec<Paper>,
    ) -> Result<(), Error> {
        let digest = |kind| {
            papers
                .iter()
                .find(|p| p.kind == kind)
                .map(|p| hex::encode(p.approved.sha256))
        };
        let details = json!({
            "declaration": digest(PaperKind::Declaration),
            "contract": digest(PaperKind::Contract),
            "user": case.row.approving_user.map(|user| user.0),
        });
        for mut paper in papers {
            paper.number = Some(store::sequence::next_document(tx).await?);
            store::papers::put(tx, case.pk(), &paper).await?;
        }
        if case.row.workflow.is_registration() {
            self.invite(tx, case).await?;
        }
        let actor = case.row.officer.map_or(Actor::System, Actor::Officer);
        self.advance(tx, case, Trigger::Approve, actor, details)
            .await?;
        Ok(())
    }

    /// Whether the request is one that can be approved, its status aside.
    pub(crate) async fn check_approvable(&self, case: &Case) -> Result<(), Error> {
        if case.row.workflow.is_registration() {
            self.check_registration(case).await?;
        }
        let lacking = case.profile()?.missing(&case.subject);
        if !lacking.is_empty() {
            let fields = lacking.into_iter().map(str::to_owned).collect();
            return Err(Error::IncompleteSubject {
                request: case.pk(),
                fields,
            });
        }
        self.rehearse_issuance(case)
    }

    /// Confirms the evidence without approving yet: `VIDEOREVIEW` to `CREATED`.
    ///
    /// # Errors
    ///
    /// As [`Service::approve`], but for the subject.
    pub async fn validate(&self, id: i64, credentials: Credentials) -> Result<(), Error> {
        let officer = self.officer_of(id, credentials).await?.officer;
        let mut tx = self.store().begin().await?;
        let mut case = self.lock(&mut tx, id).await?;
        let actor = Actor::Officer(officer.id);
        self.advance(&mut tx, &mut case, Trigger::Validate, actor, json!({}))
            .await?;
        self.commit(tx).await
    }

    /// Refuses with a reason: `CANCELLED`. Evidence stays for the audit.
    ///
    /// # Errors
    ///
    /// As [`Service::validate`], and [`Error::Fields`] for a reason that is too long.
    pub async fn refuse(
        &self,
        id: i64,
        credentials: Credentials,
        reason: &str,
    ) -> Result<(), Error> {
        let officer = self.officer_of(id, credentials).await?.officer;
        let reason = bounds::reason(reason)?;
        let mut tx = self.store().begin().await?;
        let mut case = self.lock(&mut tx, id).await?;
        case.row.refuse_reason = Some(case.seal(self, "refuse-reason", &reason)?);
        case.row.officer = Some(officer.id);
        transition(case.row.status, Trigger::Refuse)?;
        let removed = store::documents::remove_all(&mut tx, case.pk()).await?;
        let actor = Actor::Officer(officer.id);
        self.advance(&mut tx, &mut case, Trigger::Refuse, actor, json!({}))
            .await?;
        self.commit(tx).await?;
        self.discard(removed).await;
        Ok(())
    }

    /// The officer, if the credentials are right and the request is one of the officer's
    /// authority.
    async fn officer_of(
        &self,
        id: i64,
        credentials: Credentials,
    ) -> Result<VerifiedOfficer, Error> {
        let authority = self.peek(id).await?.row.ra;
        self.verify_officer(credentials, authority).await
    }
}
