//! Creating a VideoID request.

use crypto::DataKey;
use model::contact::{Email, Phone};
use model::event::{EventType, WebhookFormat};
use model::{
    Environment, Profile, RaId, RequestPk, SecureElement, Status, Subject, VideoIdPk, Workflow,
};
use serde_json::json;
use url::Url;

use crate::advance::Actor;
use crate::case::{self, Case};
use crate::{Error, Problems, Service, webhooks};

/// What a client brings; absent members fall back to the settings where those know better.
#[derive(Default)]
pub struct NewVideoId {
    /// The signer's phone, with international prefix.
    pub mobile_phone_number: Option<String>,
    /// The signer's e-mail address.
    pub email: Option<String>,
    /// The registration authority's number.
    pub registration_authority: Option<String>,
    /// The certificate profile's name.
    pub profile: Option<String>,
    /// `sandbox` or `prod`.
    pub env: Option<String>,
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
        let or = |sent: Option<String>, default: String| {
            sent.filter(|text| !text.trim().is_empty())
                .or_else(|| Some(default).filter(|text| !text.is_empty()))
        };
        let authority = or(new.registration_authority, defaults.request.default_ra);
        let profile = or(new.profile, defaults.request.default_profile);
        let environment = or(new.env, defaults.general.environment);

        let mut problems = Problems::default();
        let phone = new.mobile_phone_number.as_deref();
        let phone = problems.require("mobile_phone_number", phone, Phone::parse);
        let email = problems.require("email", new.email.as_deref(), Email::parse);
        let authority = problems.require("registration_authority", authority.as_deref(), |text| {
            text.trim().parse::<RaId>().map_err(|_| "must be a number")
        });
        let profile = problems.require("profile", profile.as_deref(), |text| {
            Ok::<_, std::convert::Infallible>(text.trim().to_owned())
        });
        let environment =
            problems.require("env", environment.as_deref(), str::parse::<Environment>);
        let webhook_url = problems.parse("webhook_url", new.webhook_url.as_deref(), web_address);
        let (Some(phone), Some(email), Some(authority), Some(profile), Some(environment)) =
            (phone, email, authority, profile, environment)
        else {
            return Err(Error::Fields(problems));
        };
        problems.check()?;

        let authority = store::authorities::get(&mut tx, authority)
            .await?
            .ok_or(Error::UnknownAuthority)?;
        if !authority.videoid_enabled {
            return Err(Error::VideoIdDisabled(authority.id));
        }
        self.one_shot_profile(&profile)?;

        let pk = RequestPk(store::sequence::next(&mut tx).await?);
        let videoid_pk = VideoIdPk(store::sequence::next(&mut tx).await?);
        let scratchcard = self.fresh_scratchcard_number(&mut tx).await?;
        let key = DataKey::generate(self.entropy());
        let subject = Subject::from_contact(email, phone);
        let now = self.now();
        let row = store::Request {
            pk,
            videoid_pk,
            video_identifier: model::ids::video_identifier(self.entropy()),
            scratchcard,
            status: Status::VideoPending,
            ra: authority.id,
            profile,
            environment,
            asynchronous: false,
            webhook_url: webhook_url.map(String::from),
            webhook_format: new.webhook_format,
            data_key: key.wrap(self.master(), &case::key_context(pk), self.entropy()),
            subject: case::seal(&key, pk, self, "subject", &subject)?,
            billing_username: new.billing_username.filter(|name| !name.is_empty()),
            refuse_reason: None,
            officer: None,
            external_unlock: None,
            workflow: Workflow::OneShot,
            secure_element: SecureElement::Cloud,
            validity_days: None,
            paperless: false,
            language: None,
            identification_officer: None,
            validation_officer: None,
            registering_user: None,
            approving_user: None,
            approved_at: None,
            renewal_enabled: false,
            renewals: 0,
            created_at: now,
            updated_at: now,
        };
        store::requests::insert(&mut tx, &row).await?;
        let case = Case { row, key, subject };
        webhooks::queue(self, &mut tx, &case, EventType::RequestCreated, None).await?;
        let details = json!({ "status": case.row.status.name(), "profile": case.row.profile });
        self.record(&mut tx, Actor::Client, "created", Some(&case), details)
            .await?;
        self.commit(tx).await?;
        Ok(CreatedVideoId::of(&case.row))
    }

    /// The profile of that name, if it can serve one-time signatures.
    pub(crate) fn one_shot_profile(&self, name: &str) -> Result<&'static Profile, Error> {
        Profile::find(name)
            .filter(|profile| profile.serves_one_shot())
            .ok_or_else(|| Error::ProfileNotAvailable(name.chars().take(60).collect()))
    }
}

pub(crate) fn web_address(text: &str) -> Result<Url, &'static str> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or("Enter a valid URL")
}
