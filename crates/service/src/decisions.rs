//! An officer's decisions: validate, approve, refuse.

use model::{Trigger, transition};
use serde_json::json;
use store::PaperKind;

use crate::advance::Actor;
use crate::credentials::{Credentials, VerifiedOfficer};
use crate::files::NewBlobs;
use crate::{Error, Service};

/// How often an approval starts over because the request was corrected under it.
const ATTEMPTS: usize = 3;

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
        let officer = self.officer_for(id, credentials).await?;
        let actor = Actor::Officer(officer.officer.id);
        for _ in 0..ATTEMPTS {
            let case = self.peek(id).await?;
            let _turn = self.inner.per_request.lock(case.pk()).await;
            transition(case.row.status, Trigger::Approve)?;
            let lacking = case.profile()?.missing(&case.subject);
            if !lacking.is_empty() {
                let fields = lacking.into_iter().map(str::to_owned).collect();
                return Err(Error::IncompleteSubject {
                    request: case.pk(),
                    fields,
                });
            }
            self.rehearse_issuance(&case)?;
            let mut blobs = NewBlobs::new(self);
            let papers = self.draw_up_papers(&case, &officer, &mut blobs).await?;

            let mut tx = self.store().begin().await?;
            let mut standing = self.lock(&mut tx, id).await?;
            if standing.row != case.row {
                // What was drawn up tells of a subject who has been corrected since.
                continue;
            }
            for paper in &papers {
                store::papers::put(&mut tx, standing.pk(), paper).await?;
            }
            standing.row.officer = Some(officer.officer.id);
            let digest = |kind| {
                papers
                    .iter()
                    .find(|p| p.kind == kind)
                    .map(|p| hex::encode(p.approved.sha256))
            };
            let details = json!({
                "declaration": digest(PaperKind::Declaration),
                "contract": digest(PaperKind::Contract),
            });
            self.advance(&mut tx, &mut standing, Trigger::Approve, actor, details)
                .await?;
            self.commit(tx).await?;
            blobs.keep();
            return Ok(());
        }
        Err(Error::Internal(format!(
            "request {id} changed under each of {ATTEMPTS} approvals"
        )))
    }

    /// Confirms the evidence without approving yet: `VIDEOREVIEW` to `CREATED`.
    ///
    /// # Errors
    ///
    /// As [`Service::approve`], but for the subject.
    pub async fn validate(&self, id: i64, credentials: Credentials) -> Result<(), Error> {
        let officer = self.officer_for(id, credentials).await?.officer;
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
    /// As [`Service::validate`].
    pub async fn refuse(
        &self,
        id: i64,
        credentials: Credentials,
        reason: &str,
    ) -> Result<(), Error> {
        let officer = self.officer_for(id, credentials).await?.officer;
        let mut tx = self.store().begin().await?;
        let mut case = self.lock(&mut tx, id).await?;
        case.row.refuse_reason = Some(case.seal(self, "refuse-reason", &reason.trim())?);
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
    async fn officer_for(
        &self,
        id: i64,
        credentials: Credentials,
    ) -> Result<VerifiedOfficer, Error> {
        let authority = self.peek(id).await?.row.ra;
        self.verify_officer(credentials, authority).await
    }
}
