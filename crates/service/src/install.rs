//! Setting up registration authorities and their officers.

use crypto::{KeyAlgorithm, SigningKey, SoftwareKey};
use model::authority::AuthoritySettings;
use model::event::WebhookFormat;
use model::{RaId, RaoId};
use pki::issuance::Validity;
use pki::profile::natural_person::{self, NaturalPerson, Terms};
use secrecy::SecretString;
use serde_json::json;
use store::{Certificate, CertificateState, Officer, RegistrationAuthority};
use time::Duration;

use crate::advance::Actor;
use crate::requests::CertificateView;
use crate::trust::issuing;
use crate::{Error, Service};

/// How long an officer's certificate is valid.
const OFFICER_VALIDITY: Duration = Duration::days(2 * 365);

/// A registration authority to be set up.
pub struct NewAuthority {
    /// Its name, as contracts print it.
    pub name: String,
    /// Where its events go, if anywhere.
    pub webhook_url: Option<String>,
    /// In which form.
    pub webhook_format: WebhookFormat,
    /// The Standard Webhooks secret, sealed by [`delivery::WebhookSecret::seal`].
    pub webhook_secret: Option<Vec<u8>>,
    /// Names of external authentication methods that may replace the one-time code.
    pub external_unlock: Vec<String>,
}

/// An officer to be set up.
pub struct NewOfficer {
    /// The registration authority it works for.
    pub ra: RaId,
    /// The name it signs in with.
    pub username: String,
    /// Its password.
    pub password: SecretString,
    /// The PIN under which its key is wrapped.
    pub pin: SecretString,
    /// First names.
    pub given_name: String,
    /// Surname.
    pub surname: String,
    /// Identity number in the form of EN 319 412-1 §5.1.3.
    pub identity: String,
    /// Country, ISO 3166-1 alpha-2.
    pub country: String,
}

/// An officer as a request's owner may see it.
#[derive(Debug, Clone)]
pub struct OfficerView {
    /// Its number.
    pub id: RaoId,
    /// First names.
    pub given_name: String,
    /// First surname.
    pub surname_1: String,
    /// Second surname.
    pub surname_2: Option<String>,
    /// Identity number in the form of EN 319 412-1 §5.1.3.
    pub identity: String,
    /// The registration authority it works for.
    pub registration_authority: RaId,
    /// Its certificate.
    pub certificate: CertificateView,
}

impl OfficerView {
    pub(crate) fn of(row: Officer) -> Result<Self, Error> {
        let certificate = CertificateView::of(&row.certificate, CertificateState::Valid, "RAO")?;
        Ok(Self {
            id: row.id,
            given_name: row.given_name,
            surname_1: row.surname_1,
            surname_2: row.surname_2,
            identity: row.identity,
            registration_authority: row.ra,
            certificate,
        })
    }
}

impl Service {
    /// Sets up a registration authority.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn create_authority(&self, new: NewAuthority) -> Result<RaId, Error> {
        let mut tx = self.store().begin().await?;
        let id = RaId(store::authorities::next_id(&mut tx).await?);
        let row = RegistrationAuthority {
            id,
            parent: None,
            name: new.name,
            particulars: "{}".to_owned(),
            settings: AuthoritySettings::default(),
            webhook_url: new.webhook_url,
            webhook_format: new.webhook_format,
            webhook_secret: new.webhook_secret,
            videoid_enabled: true,
            external_unlock: new.external_unlock,
            created_at: self.now(),
        };
        store::authorities::insert(&mut tx, &row).await?;
        let details = json!({ "registration_authority": id.0 });
        self.record(&mut tx, Actor::System, "authority-created", None, details)
            .await?;
        self.commit(tx).await?;
        Ok(id)
    }

    /// Says where an authority's events go from now on, in which form and under which secret
    /// (sealed by [`delivery::WebhookSecret::seal`]).
    ///
    /// # Errors
    ///
    /// [`Error::UnknownAuthority`].
    pub async fn direct_webhooks(
        &self,
        ra: RaId,
        url: Option<String>,
        format: WebhookFormat,
        secret: Option<Vec<u8>>,
    ) -> Result<(), Error> {
        let mut tx = self.store().begin().await?;
        let mut row = store::authorities::get(&mut tx, ra)
            .await?
            .ok_or(Error::UnknownAuthority)?;
        row.webhook_url = url;
        row.webhook_format = format;
        row.webhook_secret = secret;
        store::authorities::update(&mut tx, &row).await?;
        let details =
            json!({ "registration_authority": ra.0, "webhooks": row.webhook_url.is_some() });
        self.record(&mut tx, Actor::System, "authority-changed", None, details)
            .await?;
        self.commit(tx).await
    }

    /// Sets up the first officer of an authority; every further one enrols like a subscriber and is
    /// then appointed. With `again` another one all the same, for the day when none can sign in any
    /// more.
    ///
    /// # Errors
    ///
    /// As [`Service::create_officer`], and [`Error::OfficerExists`].
    pub async fn bootstrap_officer(&self, new: NewOfficer, again: bool) -> Result<RaoId, Error> {
        let mut reader = self.store().read().await?;
        let standing = store::officers::list(&mut reader, new.ra).await?;
        drop(reader);
        match standing.first() {
            Some(officer) if !again => Err(Error::OfficerExists(officer.id)),
            _ => self.create_officer(new).await,
        }
    }

    /// Sets up an officer: a key wrapped under the PIN, and a certificate for it.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownAuthority`]; [`Error::Internal`] when a name cannot stand in a
    /// certificate.
    pub async fn create_officer(&self, new: NewOfficer) -> Result<RaoId, Error> {
        let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256)?;
        let pkcs8 = key.to_pkcs8()?;
        let NewOfficer {
            ra,
            username,
            password,
            pin,
            given_name,
            surname,
            identity,
            country,
        } = new;
        let authority = {
            let mut reader = self.store().read().await?;
            store::authorities::get(&mut reader, ra).await?
        };
        let authority = authority.ok_or(Error::UnknownAuthority)?;
        let now = self.now();
        let validity = Validity::starting(now, OFFICER_VALIDITY);
        let person = NaturalPerson {
            common_name: format!("{given_name} {surname}"),
            given_name: given_name.clone(),
            surname: surname.clone(),
            country,
            semantic_serial_number: identity.clone(),
            email: None,
            organisation: Some(authority.name),
        };
        let terms = Terms {
            validity,
            qualification: &pki::profile::natural_person::Qualification::None,
            policy: None,
            practice_statement: None,
        };
        let anchors = self.anchors();
        let issuer = anchors.issuer();
        let recorded = natural_person::officer_draft(
            issuer,
            &person,
            &terms,
            key.public_key_info(),
            self.entropy(),
        )
        .and_then(|draft| draft.lint()?.record())
        .map_err(issuing)?;
        let tbs = recorded.tbs().to_vec();
        let listed = anchors.listing(&recorded);
        let signed = recorded.sign(issuer).map_err(issuing)?;

        let serial = signed.serial().to_owned();
        let certificate = signed.into_certificate();
        let credential = self
            .new_credential(
                username.clone(),
                None,
                serial.clone(),
                &password,
                &pin,
                &pkcs8,
            )
            .await?;

        let mut tx = self.store().begin().await?;
        let id = RaoId(store::officers::next_id(&mut tx).await?);
        let row = Certificate {
            serial: serial.clone(),
            number: store::certificates::next_number(&mut tx).await?,
            request: None,
            state: CertificateState::Valid,
            tbs,
            der: Some(certificate.clone()),
            sealed_key: None,
            not_before: validity.not_before,
            not_after: validity.not_after,
            recorded_at: now,
            renewal: false,
            issuer: listed.issuer,
            shard: listed.shard,
            revoked_at: None,
            reason: None,
        };
        self.record_signed(&mut tx, &row).await?;
        store::credentials::insert(&mut tx, &credential).await?;
        let officer = Officer {
            id,
            ra,
            authorities: vec![ra],
            username,
            given_name,
            surname_1: surname,
            surname_2: None,
            document_number: identity
                .split_once('-')
                .map(|(_, number)| number.to_owned()),
            document_description: None,
            document_issuer: None,
            email: None,
            is_identificator: true,
            identity,
            certificate,
            serial: Some(serial.clone()),
            created_at: now,
        };
        store::officers::insert(&mut tx, &officer).await?;
        let details = json!({ "officer": id.0, "registration_authority": ra.0, "serial": serial });
        self.record(&mut tx, Actor::System, "officer-created", None, details)
            .await?;
        self.commit(tx).await?;
        Ok(id)
    }
}
