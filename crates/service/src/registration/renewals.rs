//! Renewal: a new key and certificate for the same person, under the same scratchcard.

use std::fmt;

use model::authority::{Act, AuthoritySettings};
use model::{Profile, SecureElement};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use store::{Certificate, CertificateState, Reader, Request};
use time::OffsetDateTime;

use super::records::certificate_record;
use super::{Caller, CertificateRecord, Registration, Secrets};
use crate::case::Case;
use crate::enrolment::{NewHome, Renewed, check_secret};
use crate::{Error, Service};

/// Why a certificate is not renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenewalRefusal {
    /// It was revoked.
    Revoked,
    /// It has expired.
    Expired,
    /// An officer has forbidden it.
    DisabledByOfficer,
    /// The authority renews nothing.
    DisabledByAuthority,
    /// It was not issued here, or lives on a card.
    NotAvailable,
    /// Renewed often enough.
    TooMany,
    /// The identification is too old.
    TooOld,
    /// An officer has not allowed it yet.
    NotEnabled,
    /// It is on hold.
    Suspended,
}

impl fmt::Display for RenewalRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RenewalRefusal::Revoked => "Certificate revoked",
            RenewalRefusal::Expired => "Certificate expired",
            RenewalRefusal::DisabledByOfficer => "Disabled by an officer",
            RenewalRefusal::DisabledByAuthority => "Disabled by the registration authority",
            RenewalRefusal::NotAvailable => "Not available",
            RenewalRefusal::TooMany => "Renewed often enough",
            RenewalRefusal::TooOld => "Identification too old",
            RenewalRefusal::NotEnabled => "Not yet enabled",
            RenewalRefusal::Suspended => "Certificate suspended",
        })
    }
}

/// The rules, in the order in which a caller learns of them. Where the authority wants an officer's
/// word first, a request that is not enabled waits for it; elsewhere it was enabled at its
/// issuance, and an officer has taken that back.
fn refusal(
    certificate: &Certificate,
    row: &Request,
    settings: &AuthoritySettings,
    now: OffsetDateTime,
) -> Option<RenewalRefusal> {
    let by_officer = settings.renewal_needs_officer;
    let age = (now - row.created_at).whole_days();
    let rules = [
        (
            certificate.state == CertificateState::Revoked,
            RenewalRefusal::Revoked,
        ),
        (now > certificate.not_after, RenewalRefusal::Expired),
        (
            !row.renewal_enabled && !by_officer,
            RenewalRefusal::DisabledByOfficer,
        ),
        (
            !settings.renewal_enabled,
            RenewalRefusal::DisabledByAuthority,
        ),
        (
            row.secure_element == SecureElement::SmartCard,
            RenewalRefusal::NotAvailable,
        ),
        (
            settings
                .max_renewals
                .is_some_and(|most| row.renewals >= most),
            RenewalRefusal::TooMany,
        ),
        (
            settings
                .max_request_age_days
                .is_some_and(|most| age >= most),
            RenewalRefusal::TooOld,
        ),
        (
            !row.renewal_enabled && by_officer,
            RenewalRefusal::NotEnabled,
        ),
        (
            certificate.state == CertificateState::Suspended,
            RenewalRefusal::Suspended,
        ),
    ];
    let broken = rules.into_iter().find(|(broken, _)| *broken);
    broken.map(|(_, refusal)| refusal)
}

/// A certificate that may be renewed.
#[derive(Debug, Clone)]
pub struct Renewable {
    /// The certificate.
    pub certificate: CertificateRecord,
    /// Whether it was renewed before.
    pub renewed: bool,
    /// Its request.
    pub registration: Registration,
}

/// How a request stands towards renewal.
#[derive(Debug, Clone)]
pub struct RenewalStatus {
    /// Whether its holder may renew now.
    pub is_renewable: bool,
    /// Whether an officer allowed it.
    pub enabled: bool,
    /// Why not, in words; empty where it may be renewed.
    pub reason: String,
}

impl Service {
    /// The certificate that a holder may renew; `secret` is the scratchcard's revocation code or
    /// enrollment code.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownScratchcard`], [`Error::NotRenewable`].
    pub async fn renewable(
        &self,
        caller: &Caller,
        sn: &str,
        secret: &str,
    ) -> Result<Renewable, Error> {
        let case = {
            let mut reader = self.store().read().await?;
            self.opened_by(&mut reader, caller, sn, secret).await?
        };
        let settings = self.authority_of(&case).await?.settings;
        let mut reader = self.store().read().await?;
        let row = self
            .renewable_certificate(&mut reader, &case, &settings)
            .await?;
        Ok(Renewable {
            certificate: self.listed(case.profile()?, &row)?,
            renewed: case.row.renewals > 0,
            registration: self.registration_record(&mut reader, case, true).await?,
        })
    }

    /// Allows the holder to renew, or forbids it.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::NotPermitted`]; to allow it also
    /// [`Error::WrongStatus`] and [`Error::NotEligibleForRenewal`].
    pub async fn enable_renewal(
        &self,
        caller: &Caller,
        id: i64,
        enabled: bool,
    ) -> Result<(), Error> {
        caller.demand(Act::Handle)?;
        let case = self.scoped_peek(caller, id).await?;
        let settings = self.authority_of(&case).await?.settings;
        let mut tx = self.store().begin().await?;
        let mut case = self.scoped_lock(&mut tx, caller, case.pk().0).await?;
        case.row.renewal_enabled = enabled;
        if enabled {
            use RenewalRefusal::{Expired, Revoked, Suspended};
            let standing = self.renewable_certificate(&mut tx, &case, &settings).await;
            standing.map_err(|error| match error {
                Error::NotRenewable(Revoked | Expired | Suspended) => {
                    Error::WrongStatus(case.row.status)
                }
                Error::NotRenewable(_) if !case.row.status.is_issued() => {
                    Error::WrongStatus(case.row.status)
                }
                Error::NotRenewable(_) => Error::NotEligibleForRenewal,
                other => other,
            })?;
        }
        case.row.updated_at = self.now();
        store::requests::update(&mut tx, &case.row).await?;
        let action = match enabled {
            true => "renewal-enabled",
            false => "renewal-disabled",
        };
        self.record(&mut tx, caller.actor(), action, Some(&case), json!({}))
            .await?;
        self.commit(tx).await
    }

    /// How a request stands towards renewal.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`].
    pub async fn renewal_status(&self, caller: &Caller, id: i64) -> Result<RenewalStatus, Error> {
        let case = self.scoped_peek(caller, id).await?;
        let settings = self.authority_of(&case).await?.settings;
        let mut reader = self.store().read().await?;
        let standing = self.renewable_certificate(&mut reader, &case, &settings);
        let reason = match standing.await {
            Ok(_) => String::new(),
            Err(Error::NotRenewable(refusal)) => refusal.to_string(),
            Err(other) => return Err(other),
        };
        Ok(RenewalStatus {
            is_renewable: reason.is_empty(),
            enabled: case.row.renewal_enabled,
            reason,
        })
    }

    /// The request's newest certificate, if it may be renewed.
    ///
    /// Fails with [`Error::NotRenewable`].
    pub(crate) async fn renewable_certificate(
        &self,
        reads: &mut Reader,
        case: &Case,
        settings: &AuthoritySettings,
    ) -> Result<Certificate, Error> {
        let rows = store::certificates::of_request(reads, case.pk()).await?;
        let newest = rows
            .into_iter()
            .find(|row| row.der.is_some())
            .ok_or(Error::NotRenewable(RenewalRefusal::NotAvailable))?;
        match refusal(&newest, &case.row, settings, self.now()) {
            None => Ok(newest),
            Some(refusal) => Err(Error::NotRenewable(refusal)),
        }
    }

    /// Renews a certificate whose key is in the cloud: a new key under the same PIN.
    ///
    /// # Errors
    ///
    /// [`Error::WrongCredentials`], [`Error::CredentialBlocked`], [`Error::NotRenewable`],
    /// [`Error::NotPermitted`].
    pub async fn renew_cloud(
        &self,
        caller: &Caller,
        sn: &str,
        password: SecretString,
        pin: SecretString,
    ) -> Result<Vec<CertificateRecord>, Error> {
        caller.demand(Act::Handle)?;
        let (case, _) = self.case_to_renew(caller, sn).await?;
        self.verify_credential(&case.row.scratchcard, &password, &pin)
            .await?;
        let home = NewHome::Cloud { password, pin };
        let (certificate, _) = self.renew_for(caller, sn, home).await?;
        Ok(vec![certificate])
    }

    /// Renews a certificate whose key is in the holder's PKCS#12 file: a new file under
    /// `file_password`, handed out with the certificate.
    ///
    /// # Errors
    ///
    /// [`Error::WrongCredentials`], [`Error::WeakSecret`], [`Error::NotRenewable`],
    /// [`Error::NotPermitted`].
    pub async fn renew_software(
        &self,
        caller: &Caller,
        sn: &str,
        enrollment_code: SecretString,
        file_password: SecretString,
    ) -> Result<(Vec<CertificateRecord>, Vec<u8>), Error> {
        caller.demand(Act::Handle)?;
        let (_, secrets) = self.case_to_renew(caller, sn).await?;
        let sent = enrollment_code.expose_secret().as_bytes();
        if !crypto::equal(secrets.enrollment_code.as_bytes(), sent) {
            return Err(Error::WrongCredentials);
        }
        check_secret(&file_password)?;
        let home = NewHome::File {
            password: file_password,
        };
        let (certificate, file) = self.renew_for(caller, sn, home).await?;
        let file = file.ok_or_else(|| Error::Internal("a renewal without its file".into()))?;
        Ok((vec![certificate], file))
    }

    /// The request of a scratchcard. Who does not know the holder's credentials learns nothing.
    async fn case_to_renew(&self, caller: &Caller, sn: &str) -> Result<(Case, Secrets), Error> {
        let found = self.case_of_card(caller, sn).await;
        found.map_err(|error| match error {
            Error::UnknownScratchcard => Error::WrongCredentials,
            other => other,
        })
    }

    /// Renews for a holder whose credentials were right.
    async fn renew_for(
        &self,
        caller: &Caller,
        sn: &str,
        home: NewHome,
    ) -> Result<(CertificateRecord, Option<Vec<u8>>), Error> {
        let (case, _) = self.case_to_renew(caller, sn).await?;
        let _turn = self.inner.per_request.lock(case.pk()).await;
        let (case, secrets) = self.case_to_renew(caller, sn).await?;
        let fitting = match home {
            NewHome::Cloud { .. } => SecureElement::Cloud,
            NewHome::File { .. } => SecureElement::Software,
        };
        if case.row.secure_element != fitting {
            return Err(Error::NotRenewable(RenewalRefusal::NotAvailable));
        }
        let settings = self.authority_of(&case).await?.settings;
        let old = {
            let mut reader = self.store().read().await?;
            self.renewable_certificate(&mut reader, &case, &settings)
                .await?
        };
        let profile = case.profile()?;
        let Renewed { certificate, file } =
            self.renew(case, old, secrets, home, caller.actor()).await?;
        Ok((self.listed(profile, &certificate)?, file))
    }
    /// A certificate that was given out, as lists show it.
    pub(crate) fn listed(
        &self,
        profile: &Profile,
        row: &Certificate,
    ) -> Result<CertificateRecord, Error> {
        certificate_record(row, profile.technical_name(), self.now())?
            .ok_or_else(|| Error::Internal("a certificate without its bytes".into()))
    }
}

#[cfg(test)]
mod tests {
    use model::{Environment, RaId, RequestPk, Status, VideoIdPk, Workflow};
    use time::Duration;
    use time::macros::datetime;

    use super::*;

    const ISSUED_AT: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    fn certificate() -> Certificate {
        Certificate {
            serial: "0011223344556677".to_owned(),
            number: 501,
            request: Some(RequestPk(1001)),
            renewal: false,
            issuer: "0a".to_owned(),
            shard: None,
            state: CertificateState::Valid,
            tbs: Vec::new(),
            der: Some(Vec::new()),
            sealed_key: None,
            not_before: ISSUED_AT,
            not_after: ISSUED_AT + Duration::days(730),
            recorded_at: ISSUED_AT,
            revoked_at: None,
            reason: None,
        }
    }

    fn request() -> Request {
        Request {
            pk: RequestPk(1001),
            videoid_pk: VideoIdPk(1002),
            video_identifier: String::new(),
            scratchcard: "7000001".to_owned(),
            workflow: Workflow::Classic,
            status: Status::Issued,
            ra: RaId(10),
            profile: "PFnubeAFCiudadano".to_owned(),
            secure_element: SecureElement::Cloud,
            validity_days: None,
            paperless: true,
            language: None,
            environment: Environment::Sandbox,
            asynchronous: false,
            webhook_url: None,
            webhook_format: None,
            data_key: Vec::new(),
            subject: Vec::new(),
            billing_username: None,
            refuse_reason: None,
            officer: None,
            identification_officer: None,
            validation_officer: None,
            registering_user: None,
            approving_user: None,
            approved_at: None,
            renewal_enabled: true,
            renewals: 0,
            external_unlock: None,
            created_at: ISSUED_AT,
            updated_at: ISSUED_AT,
        }
    }

    #[test]
    fn each_rule_has_its_own_refusal_and_the_first_broken_one_counts() {
        let (mut certificate, mut row) = (certificate(), request());
        let mut settings = AuthoritySettings::default();
        let mut now = ISSUED_AT + Duration::days(700);
        let mut seen = vec![refusal(&certificate, &row, &settings, now)];
        // From the last rule to the first, each broken on top of those after it.
        certificate.state = CertificateState::Suspended;
        seen.push(refusal(&certificate, &row, &settings, now));
        row.renewal_enabled = false;
        seen.push(refusal(&certificate, &row, &settings, now));
        settings.max_request_age_days = Some(700);
        seen.push(refusal(&certificate, &row, &settings, now));
        (settings.max_renewals, row.renewals) = (Some(2), 2);
        seen.push(refusal(&certificate, &row, &settings, now));
        row.secure_element = SecureElement::SmartCard;
        seen.push(refusal(&certificate, &row, &settings, now));
        settings.renewal_enabled = false;
        seen.push(refusal(&certificate, &row, &settings, now));
        settings.renewal_needs_officer = false;
        seen.push(refusal(&certificate, &row, &settings, now));
        now = certificate.not_after + Duration::SECOND;
        seen.push(refusal(&certificate, &row, &settings, now));
        certificate.state = CertificateState::Revoked;
        seen.push(refusal(&certificate, &row, &settings, now));

        let expected = [
            None,
            Some(RenewalRefusal::Suspended),
            Some(RenewalRefusal::NotEnabled),
            Some(RenewalRefusal::TooOld),
            Some(RenewalRefusal::TooMany),
            Some(RenewalRefusal::NotAvailable),
            Some(RenewalRefusal::DisabledByAuthority),
            Some(RenewalRefusal::DisabledByOfficer),
            Some(RenewalRefusal::Expired),
            Some(RenewalRefusal::Revoked),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn limits_are_inclusive() {
        let settings = AuthoritySettings {
            max_renewals: Some(2),
            max_request_age_days: Some(100),
            ..AuthoritySettings::default()
        };
        let row = Request {
            renewals: 1,
            ..request()
        };
        let certificate = certificate();
        let last = ISSUED_AT + Duration::days(100) - Duration::SECOND;
        assert_eq!(refusal(&certificate, &row, &settings, last), None);
        let late = refusal(&certificate, &row, &settings, last + Duration::SECOND);
        assert_eq!(late, Some(RenewalRefusal::TooOld));
        let end = refusal(
            &certificate,
            &row,
            &AuthoritySettings::default(),
            certificate.not_after,
        );
        assert_eq!(end, None);
    }
}
