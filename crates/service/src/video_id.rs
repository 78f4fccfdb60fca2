//! Creating a VideoID request.

use model::contact::{Email, Phone};
use model::event::{EventType, WebhookFormat};
use model::{RequestPk, Status, Subject, VideoIdPk, Workflow};
use serde_json::json;

use crate::advance::Actor;
use crate::bounds::address;
use crate::creation::{RequestTerms, Terms};
use crate::{Error, Problems, Service, webhooks};

/// What a client brings; absent members fall back to the settings where those know better.
#[derive(Default)]
pub struct NewVideoId {
    /// The signer's phone, with international prefix.
    pub mobile_phone_number: Option<String>,
    /// The signer's e-mail address.
    pub email: Option<String>,
    /// Authority, profile and environment.
    pub terms: RequestTerms,
    /// Billing account; recorded, never checked.
    pub billing_username: Option<String>,
    /// Where this request's events go instead of the authority's target.
    pub webhook_url: Option<String>,
    /// In which form; `None`: the authority's.
    pub webhook_format: Option<WebhookFormat>,
}

/// The numbers of a request and its VideoID.
#[derive(Debug, Clone)]
pub struct CreatedVideoId {
    /// The request's number.
    pub request: RequestPk,
    /// The VideoID's number.
    pub videoid: VideoIdPk,
    /// Where the signer would be sent; empty, since the business films on its own platform.
    pub link: String,
}

impl CreatedVideoId {
    pub(crate) fn of(row: &store::Request) -> Self {
        Self {
            request: row.pk,
            videoid: row.videoid_pk,
            link: String::new(),
        }
    }
}

impl Service {
    /// Creates a request that waits for evidence: `VIDEOPENDING`.
    ///
    /// # Errors
    ///
    /// [`Error::Fields`], [`Error::UnknownAuthority`], [`Error::VideoIdDisabled`],
    /// [`Error::ProfileNotAvailable`].
    pub async fn create_video_id(&self, new: NewVideoId) -> Result<CreatedVideoId, Error> {
        let mut tx = self.store().begin().await?;
        let defaults = self.load_settings(&mut tx).await?;
        let mut problems = Problems::default();
        let phone = new.mobile_phone_number.as_deref();
        let phone = problems.require("mobile_phone_number", phone, Phone::parse);
        let email = problems.require("email", new.email.as_deref(), Email::parse);
        let terms = Terms::read(new.terms, &defaults, &mut problems);
        let webhook_url = problems.parse("webhook_url", new.webhook_url.as_deref(), address);
        let (Some(phone), Some(email), Some(terms)) = (phone, email, terms) else {
            return Err(Error::Fields(problems));
        };
        problems.check()?;

        let admitted = self.admit(&mut tx, terms).await?;
        if !admitted.authority.videoid_enabled {
            return Err(Error::VideoIdDisabled(admitted.authority.id));
        }
        let (workflow, status) = (Workflow::OneShot, Status::VideoPending);
        let subject = Subject::from_contact(email, phone);
        let mut case = self
            .draft_one_shot(&mut tx, workflow, status, admitted, subject)
            .await?;
        case.row.webhook_url = webhook_url.map(String::from);
        case.row.webhook_format = new.webhook_format;
        case.row.billing_username = new.billing_username.filter(|name| !name.is_empty());
        store::requests::insert(&mut tx, &case.row).await?;
        webhooks::queue(self, &mut tx, &case, EventType::RequestCreated, None).await?;
        let details = json!({ "status": case.row.status.name(), "profile": case.row.profile });
        self.record(&mut tx, Actor::Client, "created", Some(&case), details)
            .await?;
        self.commit(tx).await?;
        Ok(CreatedVideoId::of(&case.row))
    }
}
