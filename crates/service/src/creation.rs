//! What every creation of a One-Shot request begins with.

use crypto::DataKey;
use model::{
    Environment, Profile, RaId, RequestPk, SecureElement, Status, Subject, VideoIdPk, Workflow,
};
use store::{Reader, RegistrationAuthority, Tx};

use crate::case::{self, Case};
use crate::settings::Settings;
use crate::{Error, Problems, Service};

/// Under which terms a client wants a request; what is absent or blank comes from the settings.
#[derive(Default)]
pub struct RequestTerms {
    /// The registration authority's number.
    pub registration_authority: Option<String>,
    /// The certificate profile's name.
    pub profile: Option<String>,
    /// `sandbox` or `prod`.
    pub env: Option<String>,
}

/// The terms, read.
pub(crate) struct Terms {
    authority: RaId,
    profile: String,
    environment: Environment,
}

/// The terms, with the authority that they name.
pub(crate) struct Admitted {
    pub(crate) authority: RegistrationAuthority,
    profile: String,
    environment: Environment,
}

impl Terms {
    /// Reads the terms; what is wrong with them goes into `problems`.
    pub(crate) fn read(
        sent: RequestTerms,
        defaults: &Settings,
        problems: &mut Problems,
    ) -> Option<Self> {
        let or = |sent: Option<String>, default: &String| {
            sent.filter(|text| !text.trim().is_empty())
                .unwrap_or_else(|| default.clone())
        };
        let authority = or(sent.registration_authority, &defaults.request.default_ra);
        let profile = or(sent.profile, &defaults.request.default_profile);
        let environment = or(sent.env, &defaults.general.environment);

        let authority = problems.require("registration_authority", Some(&authority), |text| {
            text.parse::<RaId>().map_err(|_| "must be a number")
        });
        let profile = problems.require("profile", Some(&profile), |text| {
            Ok::<_, std::convert::Infallible>(text.to_owned())
        });
        let environment = problems.require("env", Some(&environment), str::parse::<Environment>);
        Some(Self {
            authority: authority?,
            profile: profile?,
            environment: environment?,
        })
    }
}

impl Service {
    /// Finds the authority that the terms name.
    ///
    /// Fails with [`Error::UnknownAuthority`].
    pub(crate) async fn admit(&self, reads: &mut Reader, terms: Terms) -> Result<Admitted, Error> {
        let Terms {
            authority,
            profile,
            environment,
        } = terms;
        let authority = store::authorities::get(reads, authority)
            .await?
            .ok_or(Error::UnknownAuthority)?;
        Ok(Admitted {
            authority,
            profile,
            environment,
        })
    }

    /// The profile of that name, if it can serve one-time signatures.
    pub(crate) fn one_shot_profile(&self, name: &str) -> Result<&'static Profile, Error> {
        Profile::find(name)
            .filter(|profile| profile.serves_one_shot())
            .ok_or_else(|| Error::ProfileNotAvailable(name.chars().take(60).collect()))
    }

    /// A One-Shot request with numbers and a key of its own, which is not on record yet.
    ///
    /// Fails with [`Error::ProfileNotAvailable`].
    pub(crate) async fn draft_one_shot(
        &self,
        tx: &mut Tx,
        workflow: Workflow,
        status: Status,
        admitted: Admitted,
        subject: Subject,
    ) -> Result<Case, Error> {
        self.one_shot_profile(&admitted.profile)?;
        let pk = RequestPk(store::sequence::next(tx).await?);
        let videoid_pk = VideoIdPk(store::sequence::next(tx).await?);
        let scratchcard = self.fresh_scratchcard_number(tx).await?;
        let key = DataKey::generate(self.entropy());
        let now = self.now();
        let row = store::Request {
            pk,
            videoid_pk,
            video_identifier: model::ids::video_identifier(self.entropy()),
            scratchcard,
            workflow,
            status,
            ra: admitted.authority.id,
            profile: admitted.profile,
            secure_element: SecureElement::Cloud,
            validity_days: None,
            paperless: false,
            language: None,
            environment: admitted.environment,
            asynchronous: false,
            webhook_url: None,
            webhook_format: None,
            data_key: key.wrap(self.master(), &case::key_context(pk), self.entropy()),
            subject: case::seal(&key, pk, self, "subject", &subject)?,
            billing_username: None,
            refuse_reason: None,
            officer: None,
            identification_officer: None,
            validation_officer: None,
            registering_user: None,
            approving_user: None,
            approved_at: None,
            renewal_enabled: false,
            renewals: 0,
            external_unlock: None,
            created_at: now,
            updated_at: now,
        };
        Ok(Case { row, key, subject })
    }
}
