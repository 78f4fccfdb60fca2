//! Looking at a request, correcting its subject, cancelling it.

use model::contact::{Country, Email, Phone};
use model::subject::{IdDocumentType, parse_name, parse_number};
use model::{
    Environment, Language, RaId, RequestPk, Status, Subject, Trigger, VideoIdPk, transition,
};
use pki::CertificateFacts;
use serde_json::json;
use store::{CertificateState, Reader};
use time::OffsetDateTime;

use crate::advance::Actor;
use crate::case::Case;
use crate::install::OfficerView;
use crate::trust::issuing;
use crate::video_id::CreatedVideoId;
use crate::{Error, Problems, Service};

/// A request as its owner may see it. Never images, video or secrets.
#[derive(Debug, Clone)]
pub struct RequestView {
    /// The request's number.
    pub request: RequestPk,
    /// The VideoID's number.
    pub videoid: VideoIdPk,
    /// Where it stands.
    pub status: Status,
    /// The certificate profile's name.
    pub profile: String,
    /// The registration authority.
    pub registration_authority: RaId,
    /// The scratchcard's number.
    pub scratchcard: String,
    /// The environment the client named.
    pub environment: Environment,
    /// The language that the request names for its papers.
    pub language: Option<Language>,
    /// Who the certificate will name.
    pub subject: Subject,
    /// Whether the identification was filmed.
    pub is_filmed: bool,
    /// Whether all evidence but the video is there.
    pub evidences_uploaded: bool,
    /// Whether the video is there.
    pub video_uploaded: bool,
    /// What must still come before an officer can review.
    pub missing: Vec<&'static str>,
    /// Why an officer refused.
    pub refuse_reason: Option<String>,
    /// The officer who approved or refused.
    pub officer: Option<OfficerView>,
    /// The certificates that were given out, newest first.
    pub certificates: Vec<CertificateView>,
    /// Days for which a certificate will be valid.
    pub validity_days: i64,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}

/// A certificate as a request's owner may see it.
#[derive(Debug, Clone)]
pub struct CertificateView {
    /// `VALID`, `SUSPENDED` or `REVOKED`.
    pub status: &'static str,
    /// The certificate profile's name.
    pub profile: String,
    /// Serial number, hexadecimal.
    pub serial_number: String,
    /// Start of validity.
    pub valid_from: OffsetDateTime,
    /// End of validity.
    pub valid_to: OffsetDateTime,
    /// The issuer's name, RFC 4514.
    pub issuer: String,
    /// The subject's name, RFC 4514.
    pub subject: String,
    /// The certificate.
    pub pem: String,
}

/// Corrections to a request; only what is sent changes.
#[derive(Default)]
pub struct RequestUpdate {
    /// Must be the request's own when sent.
    pub scratchcard: Option<String>,
    /// The signer's e-mail address.
    pub email: Option<String>,
    /// The certificate profile's name.
    pub profile: Option<String>,
    /// The registration authority's number.
    pub registration_authority: Option<String>,
    /// The country that the certificate names.
    pub country_name: Option<String>,
    /// First names.
    pub given_name: Option<String>,
    /// First surname.
    pub surname_1: Option<String>,
    /// Second surname; an empty text removes it.
    pub surname_2: Option<String>,
    /// `DD/MM/YYYY`.
    pub birth_date: Option<String>,
    /// Where codes go.
    pub mobile_phone_number: Option<String>,
    /// Number of the identity document.
    pub serial_number: Option<String>,
    /// Scheme of that number.
    pub id_document_type: Option<String>,
    /// Country that issued the document.
    pub id_document_country: Option<String>,
}

impl Service {
    /// The request's record.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`].
    pub async fn request(&self, id: i64) -> Result<RequestView, Error> {
        let mut reader = self.store().read().await?;
        let case = self.find(&mut reader, id).await?;
        let missing = self.missing_evidence(&mut reader, &case).await?;
        let video_uploaded = !missing.contains(&"video");
        let officer = match case.row.officer {
            Some(id) => store::officers::get(&mut reader, id).await?,
            None => None,
        };
        let refuse_reason = match &case.row.refuse_reason {
            Some(sealed) => Some(case.unseal("refuse-reason", sealed)?),
            None => None,
        };
        Ok(RequestView {
            request: case.pk(),
            videoid: case.row.videoid_pk,
            status: case.row.status,
            profile: case.row.profile.clone(),
            registration_authority: case.row.ra,
            scratchcard: case.row.scratchcard.clone(),
            environment: case.row.environment,
            language: case.row.language,
            is_filmed: case.row.workflow.is_filmed(),
            evidences_uploaded: missing.iter().all(|piece| *piece == "video"),
            video_uploaded,
            missing,
            refuse_reason,
            officer: officer.map(OfficerView::of).transpose()?,
            certificates: self.certificates(&mut reader, &case).await?,
            validity_days: self.policy().certificate_validity.whole_days(),
            created_at: case.row.created_at,
            updated_at: case.row.updated_at,
            subject: case.subject,
        })
    }

    /// Corrects the subject before approval. The status stays and no event is sent.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::WrongStatus`], [`Error::WrongScratchcard`],
    /// [`Error::UnknownAuthority`], [`Error::ProfileNotAvailable`], [`Error::Fields`].
    pub async fn update_request(
        &self,
        id: i64,
        update: RequestUpdate,
    ) -> Result<CreatedVideoId, Error> {
        let mut tx = self.store().begin().await?;
        let mut case = self.lock(&mut tx, id).await?;
        if !case.row.status.is_correctable() {
            return Err(Error::WrongStatus(case.row.status));
        }
        if update
            .scratchcard
            .as_ref()
            .is_some_and(|card| card.trim() != case.row.scratchcard)
        {
            return Err(Error::WrongScratchcard(case.pk()));
        }
        let changed = correct(&mut case, &update)?;
        if store::authorities::get(&mut tx, case.row.ra)
            .await?
            .is_none()
        {
            return Err(Error::UnknownAuthority);
        }
        self.one_shot_profile(&case.row.profile)?;

        case.row.subject = case.seal(self, "subject", &case.subject)?;
        case.row.updated_at = self.now();
        store::requests::update(&mut tx, &case.row).await?;
        let details = json!({ "changed": changed });
        self.record(&mut tx, Actor::Client, "updated", Some(&case), details)
            .await?;
        self.commit(tx).await?;
        Ok(CreatedVideoId::of(&case.row))
    }

    /// Cancels. Uploaded documents are removed; evidence stays for the audit.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::WrongStatus`].
    pub async fn cancel(&self, id: i64) -> Result<(), Error> {
        let mut tx = self.store().begin().await?;
        let mut case = self.lock(&mut tx, id).await?;
        transition(case.row.status, Trigger::Cancel)?;
        let removed = store::documents::remove_all(&mut tx, case.pk()).await?;
        self.advance(
            &mut tx,
            &mut case,
            Trigger::Cancel,
            Actor::Client,
            json!({}),
        )
        .await?;
        self.commit(tx).await?;
        self.discard(removed).await;
        Ok(())
    }

    async fn certificates(
        &self,
        reads: &mut Reader,
        case: &Case,
    ) -> Result<Vec<CertificateView>, Error> {
        let rows = store::certificates::of_request(reads, case.pk()).await?;
        rows.into_iter()
            .filter_map(|row| {
                let der = row.der?;
                Some(CertificateView::of(&der, row.state, &case.row.profile))
            })
            .collect()
    }
}

impl CertificateView {
    pub(crate) fn of(der: &[u8], state: CertificateState, profile: &str) -> Result<Self, Error> {
        let facts = CertificateFacts::read(der).map_err(issuing)?;
        let pem = pki::facts::to_pem(der).map_err(issuing)?;
        Ok(Self {
            status: match state {
                CertificateState::Revoked => "REVOKED",
                CertificateState::Suspended => "SUSPENDED",
                CertificateState::Recorded | CertificateState::Valid => "VALID",
            },
            profile: profile.to_owned(),
            issuer: facts.issuer(),
            subject: facts.subject(),
            serial_number: facts.serial,
            valid_from: facts.not_before,
            valid_to: facts.not_after,
            pem,
        })
    }
}

/// Applies the corrections and names the fields that were sent.
fn correct(case: &mut Case, update: &RequestUpdate) -> Result<Vec<&'static str>, Error> {
    let mut problems = Problems::default();
    let mut changed = Vec::new();
    let subject = &mut case.subject;

    macro_rules! text {
        ($name:ident, $parse:expr) => {
            if let Some(sent) = &update.$name {
                // An empty text takes the field away.
                subject.$name = problems.parse(stringify!($name), Some(sent), $parse);
                changed.push(stringify!($name));
            }
        };
    }
    text!(given_name, parse_name);
    text!(surname_1, parse_name);
    text!(surname_2, parse_name);
    text!(birth_date, parse_name);
    text!(serial_number, parse_number);

    macro_rules! parsed {
        ($name:ident, $slot:expr, $parse:expr) => {
            if let Some(value) = problems.parse(stringify!($name), update.$name.as_deref(), $parse)
            {
                $slot = value;
                changed.push(stringify!($name));
            }
        };
    }
    parsed!(email, subject.email, Email::parse);
    parsed!(
        mobile_phone_number,
        subject.mobile_phone_number,
        |text: &str| Phone::parse(text).map(Some)
    );
    parsed!(country_name, subject.country_name, |text: &str| {
        Country::parse(text).map(Some)
    });
    parsed!(
        id_document_country,
        subject.id_document_country,
        |text: &str| Country::parse(text).map(Some)
    );
    parsed!(id_document_type, subject.id_document_type, |text: &str| {
        text.parse::<IdDocumentType>().map(Some)
    });
    parsed!(registration_authority, case.row.ra, |text: &str| {
        text.parse::<RaId>().map_err(|_| "must be a number")
    });
    parsed!(profile, case.row.profile, |text: &str| {
        Ok::<_, std::convert::Infallible>(text.to_owned())
    });
    problems.check()?;
    Ok(changed)
}
