//! What lists and answers show of things. Secrets only where the contract hands them out.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use model::authority::AuthoritySettings;
use model::certificate::RevocationReason;
use model::event::WebhookFormat;
use model::evidence::{Claims, ImageKind};
use model::profile::DEFAULT_VALIDITY_DAYS;
use model::{
    Language, Profile, RaId, RaoId, RequestPk, SecureElement, Status, Subject, UserId, VideoIdPk,
    Workflow,
};
use pki::CertificateFacts;
use serde::{Deserialize, Serialize};
use store::{CertificateState, Reader, StoredFile};
use time::OffsetDateTime;

use super::identification;
use crate::case::Case;
use crate::trust::issuing;
use crate::{Error, Service};

/// Profile of a certificate that belongs to no request of ours.
const EXTERNAL: &str = "EXTERNAL";

/// A request of a registration authority.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Its number.
    pub request: RequestPk,
    /// Where it stands.
    pub status: Status,
    /// Which way it came in.
    pub workflow: Workflow,
    /// Who the certificate will name, and all else that was sent.
    pub subject: Subject,
    /// The certificates that were given out, oldest first.
    pub certificates: Vec<CertificateRecord>,
    /// The certificate profile's name.
    pub profile: String,
    /// The scratchcard's number.
    pub scratchcard: String,
    /// The registration authority.
    pub authority: RaId,
    /// What will hold the key.
    pub element: SecureElement,
    /// Days for which the certificate will be valid.
    pub validity_days: i64,
    /// Whether it was created for the classic workflow by name.
    pub paperless: bool,
    /// The language that the subscriber is spoken to in, where the request names one.
    pub language: Option<Language>,
    /// Who created it.
    pub registering_user: Option<UserRecord>,
    /// On whose call it was approved.
    pub approving_user: Option<UserRecord>,
    /// Who approved it.
    pub approving_officer: Option<OfficerRecord>,
    /// Who identified the person, where that is another officer.
    pub identification_officer: Option<OfficerRecord>,
    /// The VideoID record, on requests with filmed identification.
    pub videoid: Option<VideoIdRecord>,
}

/// The VideoID record of a request.
#[derive(Debug, Clone)]
pub struct VideoIdRecord {
    /// Its number.
    pub videoid: VideoIdPk,
    /// `PENDING`, `INCOMPLETE`, `ERROR`, `REVIEW`, `VALIDATED` or `REFUSED`.
    pub status: &'static str,
    /// Number of the video provider.
    pub provider: i64,
    /// The request it belongs to.
    pub request: RequestPk,
    /// Why an officer refused; empty otherwise.
    pub refusal_reason: String,
    /// What the sender claims, word for word.
    pub claims: Claims,
    /// The stills; left out of lists.
    pub images: Vec<(ImageKind, Bytes)>,
    /// Its opaque name: 32 hexadecimal digits.
    pub video_identifier: String,
    /// The officer who validated or refused.
    pub operator: Option<OfficerRecord>,
    /// Fields in which the request differs from what was read from the document, by wire name.
    pub mismatches: Vec<&'static str>,
}

/// How a certificate stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateStanding {
    /// Good.
    Valid,
    /// On hold.
    Suspended,
    /// Revoked for good.
    Revoked,
    /// Its validity is over.
    Expired,
}

/// A certificate.
#[derive(Debug, Clone)]
pub struct CertificateRecord {
    /// Its number in lists.
    pub number: i64,
    /// The profile's technical name, or `EXTERNAL`.
    pub profile: String,
    /// How it stands now.
    pub standing: CertificateStanding,
    /// Why it is revoked or on hold.
    pub reason: Option<RevocationReason>,
    /// Start of validity.
    pub valid_from: OffsetDateTime,
    /// End of validity.
    pub valid_to: OffsetDateTime,
    /// Serial number, hexadecimal.
    pub serial_number: String,
    /// The subject's name, most specific part first.
    pub subject: String,
    /// The issuer's name, most specific part first.
    pub issuer: String,
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// Whether it renewed an earlier one.
    pub renewal: bool,
    /// The request it was issued for.
    pub request: Option<RequestPk>,
}

/// A registration authority.
#[derive(Debug, Clone)]
pub struct AuthorityRecord {
    /// Its number.
    pub id: RaId,
    /// Its name.
    pub name: String,
    /// The authority above it.
    pub parent: Option<RaId>,
    /// The API users who work for it.
    pub operators: Vec<UserRecord>,
    /// Further fields by wire name.
    pub particulars: BTreeMap<String, String>,
    /// What it decides about its requests.
    pub settings: AuthoritySettings,
    /// Whether it takes filmed identifications.
    pub videoid_enabled: bool,
    /// Where its events go.
    pub webhook_url: Option<String>,
    /// In which form.
    pub webhook_format: WebhookFormat,
}

/// An officer.
#[derive(Debug, Clone)]
pub struct OfficerRecord {
    /// Its number.
    pub id: RaoId,
    /// First names.
    pub given_name: String,
    /// First surname.
    pub surname_1: String,
    /// Second surname.
    pub surname_2: Option<String>,
    /// Its certificate.
    pub certificate: CertificateRecord,
    /// Number of its identity document.
    pub document_number: Option<String>,
    /// What that document is.
    pub document_description: Option<String>,
    /// Who issued it.
    pub document_issuer: Option<String>,
    /// Its e-mail address.
    pub email: Option<String>,
    /// The authorities where it may act.
    pub authorities: Vec<RaId>,
    /// Its home authority.
    pub master: RaId,
    /// Whether it may identify people whom another officer approves.
    pub is_identificator: bool,
    /// The name it signs in with, where its key is in our cloud.
    pub username: Option<String>,
}

/// An API user.
#[derive(Debug, Clone)]
pub struct UserRecord {
    /// Its number.
    pub id: UserId,
    /// Number of its permissions.
    pub permissions: i64,
    /// The authority it works for.
    pub authority: RaId,
    /// The request whose certificate it shows.
    pub request: Option<RequestPk>,
    /// The officer behind it.
    pub officer: Option<RaoId>,
    /// Whether it is let in.
    pub enabled: bool,
}

/// A scratchcard with its secrets.
#[derive(Debug, Clone)]
pub struct ScratchcardRecord {
    /// Its number in lists.
    pub pk: i64,
    /// The number that requests carry.
    pub sn: String,
    /// Whose it is.
    pub authority: RaId,
    /// Its secrets.
    pub secrets: Secrets,
    /// The request that used it up.
    pub used_by: Option<RequestPk>,
}

/// The four secrets of a scratchcard. `Debug` prints none.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// Revocation and recovery code: ten digits.
    pub erc: String,
    /// The password: eight characters.
    pub enrollment_code: String,
    /// The first PIN, replaced at enrolment: eight digits.
    pub pin: String,
    /// The first PUK: eight digits.
    pub puk: String,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl UserRecord {
    pub(super) fn of(row: store::ApiUser) -> Self {
        Self {
            id: row.id,
            permissions: row.permissions,
            authority: row.ra,
            request: row.request,
            officer: row.officer,
            enabled: row.enabled,
        }
    }
}

/// What a list shows of a certificate under a profile's name, technical or not; nothing of one that
/// was never given out.
pub(crate) fn certificate_record(
    row: &store::Certificate,
    profile: &str,
    now: OffsetDateTime,
) -> Result<Option<CertificateRecord>, Error> {
    let Some(der) = &row.der else {
        return Ok(None);
    };
    let standing = match row.state {
        CertificateState::Recorded => return Ok(None),
        CertificateState::Revoked => CertificateStanding::Revoked,
        CertificateState::Suspended => CertificateStanding::Suspended,
        CertificateState::Valid => standing_of_valid(row.not_after, now),
    };
    let record = CertificateRecord {
        number: row.number,
        profile: Profile::find(profile)
            .map_or(profile, Profile::technical_name)
            .to_owned(),
        standing,
        reason: row.reason,
        renewal: row.renewal,
        request: row.request,
        ..bare_certificate(der, now)?
    };
    Ok(Some(record))
}

/// A certificate of which nothing is known but what it says itself.
fn bare_certificate(der: &[u8], now: OffsetDateTime) -> Result<CertificateRecord, Error> {
    let facts = CertificateFacts::read(der).map_err(issuing)?;
    Ok(CertificateRecord {
        number: 0,
        profile: EXTERNAL.to_owned(),
        standing: standing_of_valid(facts.not_after, now),
        reason: None,
        valid_from: facts.not_before,
        valid_to: facts.not_after,
        subject: facts.subject_listed(),
        issuer: facts.issuer_listed(),
        serial_number: facts.serial,
        der: der.to_vec(),
        renewal: false,
        request: None,
    })
}

fn standing_of_valid(not_after: OffsetDateTime, now: OffsetDateTime) -> CertificateStanding {
    if now > not_after {
        CertificateStanding::Expired
    } else {
        CertificateStanding::Valid
    }
}

impl Service {
    /// All of a request that its registration authority may see; `images` adds the stills.
    pub(crate) async fn registration_record(
        &self,
        reads: &mut Reader,
        case: Case,
        images: bool,
    ) -> Result<Registration, Error> {
        let videoid = match case.row.workflow {
            Workflow::VideoId => Some(self.videoid_record(reads, &case, images).await?),
            Workflow::OneShot | Workflow::OneShotClassic | Workflow::Classic => None,
        };
        let Case { row, subject, .. } = case;
        // A refusal names its officer too.
        let approving = row.approved_at.and(row.officer);
        Ok(Registration {
            certificates: self.certificate_records(reads, &row).await?,
            registering_user: self.user_record(reads, row.registering_user).await?,
            approving_user: self.user_record(reads, row.approving_user).await?,
            approving_officer: self.officer_behind(reads, approving).await?,
            identification_officer: self
                .officer_behind(reads, row.identification_officer)
                .await?,
            request: row.pk,
            status: row.status,
            workflow: row.workflow,
            subject,
            profile: row.profile,
            scratchcard: row.scratchcard,
            authority: row.ra,
            element: row.secure_element,
            validity_days: row.validity_days.unwrap_or(DEFAULT_VALIDITY_DAYS),
            paperless: row.paperless,
            language: row.language,
            videoid,
        })
    }

    /// What may be told of an officer.
    pub(crate) async fn officer_record(
        &self,
        reads: &mut Reader,
        officer: store::Officer,
    ) -> Result<OfficerRecord, Error> {
        let certificate = self.officers_certificate(reads, &officer).await?;
        let credential = store::credentials::get(reads, &officer.username).await?;
        Ok(OfficerRecord {
            id: officer.id,
            given_name: officer.given_name,
            surname_1: officer.surname_1,
            surname_2: officer.surname_2,
            certificate,
            document_number: officer.document_number,
            document_description: officer.document_description,
            document_issuer: officer.document_issuer,
            email: officer.email,
            authorities: officer.authorities,
            master: officer.ra,
            is_identificator: officer.is_identificator,
            username: credential.map(|credential| credential.username),
        })
    }

    async fn officers_certificate(
        &self,
        reads: &mut Reader,
        officer: &store::Officer,
    ) -> Result<CertificateRecord, Error> {
        let now = self.now();
        let row = match &officer.serial {
            Some(serial) => store::certificates::get(reads, serial).await?,
            None => None,
        };
        let Some(row) = row else {
            return bare_certificate(&officer.certificate, now);
        };
        let request = match row.request {
            Some(request) => store::requests::get(reads, request).await?,
            None => None,
        };
        let profile = request.map(|request| request.profile);
        let record = certificate_record(&row, profile.as_deref().unwrap_or(EXTERNAL), now)?;
        record.map_or_else(|| bare_certificate(&officer.certificate, now), Ok)
    }

    async fn certificate_records(
        &self,
        reads: &mut Reader,
        request: &store::Request,
    ) -> Result<Vec<CertificateRecord>, Error> {
        let rows = store::certificates::of_request(reads, request.pk).await?;
        rows.iter()
            .rev()
            .filter_map(|row| certificate_record(row, &request.profile, self.now()).transpose())
            .collect()
    }

    async fn user_record(
        &self,
        reads: &mut Reader,
        id: Option<UserId>,
    ) -> Result<Option<UserRecord>, Error> {
        let Some(id) = id else {
            return Ok(None);
        };
        Ok(store::users::get(reads, id).await?.map(UserRecord::of))
    }

    async fn officer_behind(
        &self,
        reads: &mut Reader,
        id: Option<RaoId>,
    ) -> Result<Option<OfficerRecord>, Error> {
        let Some(id) = id else {
            return Ok(None);
        };
        match store::officers::get(reads, id).await? {
            Some(officer) => Ok(Some(self.officer_record(reads, officer).await?)),
            None => Ok(None),
        }
    }

    async fn videoid_record(
        &self,
        reads: &mut Reader,
        case: &Case,
        images: bool,
    ) -> Result<VideoIdRecord, Error> {
        let row = &case.row;
        let authority = store::authorities::get(reads, row.ra).await?;
        let refusal_reason = match &row.refuse_reason {
            Some(sealed) => case.unseal("refuse-reason", sealed)?,
            None => String::new(),
        };
        // Who approves in one step, and who refuses, judges the evidence too.
        let operator = row.validation_officer.or(row.officer);
        let mut stills = Vec::new();
        if images {
            for image in store::evidence::images(reads, row.pk).await? {
                let file = StoredFile {
                    blob: image.blob,
                    sha256: image.sha256,
                    size: image.size,
                };
                stills.push((image.kind, self.fetch(&case.key, &file).await?));
            }
        }
        let claims = self.claims(reads, case).await?;
        Ok(VideoIdRecord {
            videoid: row.videoid_pk,
            status: self.videoid_status(reads, case).await?,
            provider: authority.map_or(0, |authority| authority.settings.videoid_provider),
            request: row.pk,
            refusal_reason,
            mismatches: identification::mismatches(&case.subject, &claims),
            claims,
            images: stills,
            video_identifier: row.video_identifier.clone(),
            operator: self.officer_behind(reads, operator).await?,
        })
    }

    /// The VideoID follows its request. One that was cancelled stays where it stood: only a refusal
    /// says something about the evidence.
    async fn videoid_status(&self, reads: &mut Reader, case: &Case) -> Result<&'static str, Error> {
        let row = &case.row;
        Ok(match row.status {
            Status::VideoPending => "PENDING",
            Status::VideoIncomplete => "INCOMPLETE",
            Status::VideoError => "ERROR",
            Status::VideoReview => "REVIEW",
            Status::Created | Status::EnrollReady | Status::Issued | Status::Renewed => "VALIDATED",
            Status::Cancelled if row.refuse_reason.is_some() => "REFUSED",
            Status::Cancelled if row.validation_officer.or(row.officer).is_some() => "VALIDATED",
            Status::Cancelled => {
                let missing = self.missing_evidence(reads, case).await?;
                let claims = store::evidence::claims(reads, row.pk).await?;
                if missing.is_empty() {
                    "REVIEW"
                } else if claims.is_none() && missing.contains(&"video") {
                    "PENDING"
                } else {
                    "INCOMPLETE"
                }
            }
        })
    }
}
