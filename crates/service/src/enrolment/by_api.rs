//! Enrolment by calls of the older API: what the pages do, for a client that brings pages of its
//! own. Off unless the operator switches it on.

use model::authority::Act;
use model::otp::Purpose;
use model::{Trigger, transition};
use secrecy::SecretString;

use super::KeyChoice;
use super::acceptance::{Accepted, Way};
use crate::registration::{Caller, CertificateRecord};
use crate::{Error, Service};

/// What an enrolment by calls gave.
#[derive(Debug, Clone)]
pub struct EnrolledByCall {
    /// The certificate.
    pub certificate: CertificateRecord,
    /// The PKCS#12 file, where the key goes into one.
    pub file: Option<Vec<u8>>,
}

impl Service {
    /// Sends the subscriber the code; answers the number it went to, which the caller may see
    /// in the request too. `scratchcard` must be the request's where it is sent.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::WrongStatus`], [`Error::InvalidScratchcard`],
    /// [`Error::CodeTooSoon`], [`Error::CodesGuessed`], [`Error::NoDelivery`],
    /// [`Error::NotPermitted`].
    pub async fn send_code_by_call(
        &self,
        caller: &Caller,
        id: i64,
        scratchcard: Option<&str>,
    ) -> Result<String, Error> {
        caller.demand(Act::Handle)?;
        let mut tx = self.store().begin().await?;
        let case = self.scoped_lock(&mut tx, caller, id).await?;
        if scratchcard.is_some_and(|sn| sn.trim() != case.row.scratchcard) {
            return Err(Error::InvalidScratchcard);
        }
        transition(case.row.status, Trigger::Enrol)?;
        self.queue_enrolment_code(&mut tx, &case).await?;
        self.record_code(&mut tx, &case, caller.actor(), Purpose::Enrol)
            .await?;
        self.commit(tx).await?;
        let number = case.subject.field("mobile_phone_number");
        Ok(number.unwrap_or_default())
    }

    /// Issues the certificate: `ISSUED`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::WrongStatus`], [`Error::CodeRefused`],
    /// [`Error::WeakSecret`], [`Error::WrongElement`], [`Error::UnusableKeyRequest`],
    /// [`Error::NotPermitted`].
    pub async fn enrol_by_call(
        &self,
        caller: &Caller,
        id: i64,
        code: SecretString,
        key: KeyChoice,
    ) -> Result<EnrolledByCall, Error> {
        caller.demand(Act::Handle)?;
        let pk = self.scoped_peek(caller, id).await?.pk();
        let _turn = self.inner.per_request.lock(pk).await;
        let case = self.scoped_peek(caller, pk.0).await?;
        let profile = case.profile()?;
        let way = Way::Call(caller.actor());
        let Accepted {
            certificate, file, ..
        } = self.accept(case, &code, key, way).await?;
        Ok(EnrolledByCall {
            certificate: self.listed(profile, &certificate)?,
            file,
        })
    }
}
