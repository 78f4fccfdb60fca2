//! The subscriber's enrolment behind the pre-authentication link, and the use of a key in the
//! cloud afterwards.

mod acceptance;
mod by_api;
mod cloud_signing;
mod letter;
mod link;
mod renewal;
mod secret_rule;

use std::fmt;

use bytes::Bytes;
use model::otp::{OtpRefusal, Purpose};
use model::{Language, RequestPk, SecureElement, Status};
use secrecy::SecretString;
use serde_json::json;
use store::Reader;
use time::OffsetDateTime;

use crate::advance::Actor;
use crate::case::Case;
use crate::codes::opened;
use crate::papers::{officer_name, organisation, validity_days};
use crate::trust::issuing;
use crate::{Error, Service};

use acceptance::{Way, pickup_context};
use link::{Standing, device_digest};

pub use by_api::EnrolledByCall;
pub use cloud_signing::CloudCredentials;
/// Why a document cannot be signed.
pub use pades::PdfError;
pub(crate) use renewal::{NewHome, Renewed};
pub(crate) use secret_rule::check_secret;

/// Why a link opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkRefusal {
    /// No such link was ever sent, or a newer one has taken its place.
    Unknown,
    /// Enrolment is complete.
    Used,
    /// Too late.
    Expired,
    /// The request was cancelled.
    Cancelled,
    /// Begun on another device, whose code is still good.
    OtherDevice,
    /// Its codes were guessed at; a new link starts afresh.
    Guessed,
}

impl fmt::Display for LinkRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LinkRefusal::Unknown => "the link is unknown, or a newer one has taken its place",
            LinkRefusal::Used => "the link was used before",
            LinkRefusal::Expired => "the link has expired",
            LinkRefusal::Cancelled => "the request was cancelled",
            LinkRefusal::OtherDevice => "the enrolment goes on on another device",
            LinkRefusal::Guessed => "too many wrong codes in a row; a new link is needed",
        })
    }
}

/// What the subscriber sees behind the link.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// The request's number.
    pub request: RequestPk,
    /// The language to speak.
    pub language: Language,
    /// The subscriber's name.
    pub name: String,
    /// The organisation that the certificate names, if any.
    pub organisation: Option<String>,
    /// The certificate profile's name.
    pub profile: String,
    /// What will hold the key.
    pub element: SecureElement,
    /// Days for which the certificate will be valid.
    pub validity_days: i64,
    /// The officer who approved.
    pub officer: String,
    /// The registration authority.
    pub authority: String,
    /// The provider.
    pub provider: String,
    /// When the officer approved.
    pub approved_at: Option<OffsetDateTime>,
    /// The telephone number that the code goes to, all but its end hidden.
    pub masked_phone: String,
    /// The contract as an HTML fragment, safe to be put into a page.
    pub contract_html: String,
    /// Until when the link opens.
    pub expires_at: OffsetDateTime,
    /// Whether a code was sent to this device that is still good.
    pub code_sent: bool,
    /// Whether a PKCS#12 file waits to be taken by this device.
    pub file_waits: bool,
    /// Whether enrolment is complete (seen only by the device that completed it).
    pub completed: bool,
    /// The name to sign in with: the scratchcard's number.
    pub username: String,
    /// The certificate, PEM, once enrolment is complete.
    pub certificate: Option<String>,
}

/// The subscriber's choice of where the key goes.
pub enum KeyChoice {
    /// Into the cloud, under this PIN.
    Cloud(SecretString),
    /// Into a PKCS#12 file under this password.
    Software(SecretString),
    /// It is on the subscriber's card: PKCS#10 request, PEM or DER.
    SmartCard(Vec<u8>),
}

impl Service {
    /// What is behind a link. `device` is what [`Service::send_enrolment_code`] gave this device.
    ///
    /// # Errors
    ///
    /// [`Error::LinkRefused`].
    pub async fn enrolment(&self, token: &str, device: Option<&str>) -> Result<Enrolment, Error> {
        let link = self.follow(token).await?;
        let standing = link.standing(device, self.now())?;
        let case = link.case;
        let authority = self.authority_of(&case).await?;
        let mut reader = self.store().read().await?;
        let officer = match case.row.officer {
            Some(id) => store::officers::get(&mut reader, id).await?,
            None => None,
        };
        let code = store::otps::get(&mut reader, case.pk(), Purpose::Enrol).await?;
        let completed = standing == Standing::Completed;
        let certificate = match completed {
            true => enrolled_certificate(&mut reader, case.pk()).await?,
            false => None,
        };
        drop(reader);
        let code_sent = standing == Standing::UnderWay
            && code.is_some_and(|otp| !otp.state.consumed && otp.state.attempts_left > 0);
        Ok(Enrolment {
            request: case.pk(),
            language: self.language_of(&case, &authority),
            name: case.subject.full_name(),
            organisation: organisation(&case)?.map(|organisation| organisation.name),
            profile: case.row.profile.clone(),
            element: case.row.secure_element,
            validity_days: validity_days(&case),
            officer: officer.as_ref().map(officer_name).unwrap_or_default(),
            authority: authority.name,
            provider: self.policy().provider.clone(),
            approved_at: case.row.approved_at,
            masked_phone: masked_phone(&case),
            contract_html: self.contract_page(&case).await?,
            expires_at: link.row.expires_at,
            code_sent,
            file_waits: link.row.pickup.is_some(),
            completed,
            username: case.row.scratchcard,
            certificate,
        })
    }

    /// The contract that the officer signed, with the same words, as a part of a web page.
    async fn contract_page(&self, case: &Case) -> Result<String, Error> {
        let at = case.row.approved_at.unwrap_or(case.row.updated_at);
        let data = self.contract_of(case, at, None).await?;
        self.at_work(move |service| service.inner.parts.renderer.contract_html(&data))
            .await?
            .map_err(|error| Error::Internal(format!("the contract's page: {error}")))
    }

    /// The contract as the officer signed it, PDF; with the subscriber's signature for the device
    /// that completed the enrolment.
    ///
    /// # Errors
    ///
    /// [`Error::LinkRefused`].
    pub async fn enrolment_contract(
        &self,
        token: &str,
        device: Option<&str>,
    ) -> Result<Bytes, Error> {
        let link = self.follow(token).await?;
        let standing = link.standing(device, self.now())?;
        let mut reader = self.store().read().await?;
        let paper = self.standing_contract(&mut reader, &link.case).await?;
        drop(reader);
        let signed = paper.signed.filter(|_| standing == Standing::Completed);
        self.fetch(&link.case.key, &signed.unwrap_or(paper.approved))
            .await
    }

    /// Sends the code and binds the enrolment to this device until the code has expired; gives
    /// the device's name, to be kept in a cookie.
    ///
    /// # Errors
    ///
    /// [`Error::LinkRefused`], [`Error::CodeTooSoon`], [`Error::NoDelivery`].
    pub async fn send_enrolment_code(
        &self,
        token: &str,
        device: Option<&str>,
    ) -> Result<String, Error> {
        let link = self.follow(token).await?;
        let mut tx = self.store().begin().await?;
        let mut link = self.follow_locked(&mut tx, &link).await?;
        link.open(device, self.now())?;
        // Only a name that we gave is kept: nobody is talked into using one that others know.
        let device = match device.filter(|_| link.knows(device)) {
            Some(name) => name.trim().to_owned(),
            None => hex::encode(self.random::<16>()),
        };
        self.queue_enrolment_code(&mut tx, &link.case).await?;
        link.row.device = Some(device_digest(&device));
        link.row.device_until = Some(self.now() + self.policy().otp.lifetime);
        store::enrolments::update(&mut tx, &link.row).await?;
        self.record_code(&mut tx, &link.case, Actor::Subscriber, Purpose::Enrol)
            .await?;
        self.commit(tx).await?;
        Ok(device)
    }

    /// A code that approves the contract as the officer signed it.
    async fn queue_enrolment_code(&self, tx: &mut store::Tx, case: &Case) -> Result<(), Error> {
        let contract = self.standing_contract(tx, case).await?;
        let binding = Some(contract.approved.sha256);
        self.queue_code(tx, case, Purpose::Enrol, binding).await
    }

    /// The audit entry of a code that was sent.
    pub(crate) async fn record_code(
        &self,
        tx: &mut store::Tx,
        case: &Case,
        actor: Actor,
        purpose: Purpose,
    ) -> Result<(), Error> {
        let otp = store::otps::get(tx, case.pk(), purpose).await?;
        let bound_to = otp.and_then(|otp| otp.state.binding).map(hex::encode);
        let opens = opened(purpose);
        let details = json!({ "delivery": "sms", "opens": opens, "bound_to": bound_to });
        self.record(tx, actor, "code-made", Some(case), details)
            .await
    }

    /// Issues the certificate and signs the contract with it: `ISSUED`. Mail follows.
    ///
    /// # Errors
    ///
    /// [`Error::LinkRefused`], [`Error::CodeRefused`], [`Error::WeakSecret`],
    /// [`Error::WrongElement`], [`Error::UnusableKeyRequest`].
    pub async fn enrol(
        &self,
        token: &str,
        device: Option<&str>,
        code: SecretString,
        key: KeyChoice,
    ) -> Result<(), Error> {
        let pk = self.follow(token).await?.case.pk();
        // The second of two clicks waits here and then finds the link used.
        let _turn = self.inner.per_request.lock(pk).await;
        let link = self.follow(token).await?;
        if link.open(device, self.now())? == Standing::Open {
            let refusal = link.knows(device).then_some(OtpRefusal::Expired);
            return Err(Error::CodeRefused(refusal));
        }
        let way = Way::Pages {
            token_digest: link.row.token_digest,
        };
        let accepted = self.accept(link.case, &code, key, way).await;
        accepted.map(drop).map_err(closed)
    }

    /// The PKCS#12 file; handed out once.
    ///
    /// # Errors
    ///
    /// [`Error::LinkRefused`]; [`Error::FileTaken`].
    pub async fn take_file(&self, token: &str, device: Option<&str>) -> Result<Bytes, Error> {
        let link = self.follow(token).await?;
        let mut tx = self.store().begin().await?;
        let mut link = self.follow_locked(&mut tx, &link).await?;
        link.standing(device, self.now())?;
        let sealed = link.row.pickup.take().ok_or(Error::FileTaken)?;
        let file = link.case.key.open(&pickup_context(&link.case), &sealed)?;
        store::enrolments::update(&mut tx, &link.row).await?;
        let details = json!({ "file_sha256": hex::encode(crypto::sha256(&file)) });
        let (actor, action) = (Actor::Subscriber, "file-taken");
        self.record(&mut tx, actor, action, Some(&link.case), details)
            .await?;
        self.commit(tx).await?;
        Ok(Bytes::copy_from_slice(&file))
    }
}

/// The certificate that an enrolment gave, PEM; not one that renewed it.
async fn enrolled_certificate(
    reads: &mut Reader,
    request: RequestPk,
) -> Result<Option<String>, Error> {
    let rows = store::certificates::of_request(reads, request).await?;
    let first = rows.into_iter().find(|row| !row.renewal);
    let der = first.and_then(|row| row.der);
    let pem = der.map(|der| pki::facts::to_pem(&der)).transpose();
    pem.map_err(issuing)
}

/// The number that codes go to, all but its end hidden.
fn masked_phone(case: &Case) -> String {
    let phone = case.subject.mobile_phone_number.as_ref();
    phone.map(|phone| phone.masked()).unwrap_or_default()
}

/// A request that moved on meanwhile, or whose codes were guessed at, as the link's visitor is told.
fn closed(error: Error) -> Error {
    match error {
        Error::WrongStatus(Status::Cancelled) => Error::LinkRefused(LinkRefusal::Cancelled),
        Error::WrongStatus(_) => Error::LinkRefused(LinkRefusal::Used),
        Error::CodeRefused(Some(OtpRefusal::Guessed)) => Error::LinkRefused(LinkRefusal::Guessed),
        other => other,
    }
}
