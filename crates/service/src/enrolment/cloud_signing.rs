//! Signing a PDF with a key in the cloud: user name, password, PIN and code.

use std::sync::Arc;

use bytes::Bytes;
use crypto::{Hashed, SoftwareKey};
use model::otp::{OtpRefusal, Purpose};
use secrecy::SecretString;
use serde_json::json;
use store::{Certificate, CertificateState, Reader, Tx};

use super::masked_phone;
use crate::advance::Actor;
use crate::case::Case;
use crate::{Error, Service};

/// The holder's user name and password.
pub struct CloudCredentials {
    /// The scratchcard's number.
    pub username: String,
    /// The enrollment code.
    pub password: SecretString,
}

/// Somebody whose key is here for good, with the key unlocked.
pub(crate) struct Holder {
    pub(crate) key: Arc<SoftwareKey>,
    /// DER.
    pub(crate) certificate: Vec<u8>,
    /// Empty where nobody told it.
    pub(crate) email: String,
}

impl Service {
    /// Sends the holder a code for one signature; answers the masked number it went to.
    ///
    /// # Errors
    ///
    /// [`Error::WrongCredentials`], [`Error::CredentialBlocked`], [`Error::CodeTooSoon`],
    /// [`Error::CodesGuessed`], [`Error::NoDelivery`].
    pub async fn send_signing_code(&self, credentials: CloudCredentials) -> Result<String, Error> {
        let holder = self.cloud_holder(&credentials).await?;
        let mut tx = self.store().begin().await?;
        let case = self.relock(&mut tx, holder.pk()).await?;
        self.queue_code(&mut tx, &case, Purpose::CloudSign, None)
            .await?;
        self.record_code(&mut tx, &case, Actor::Subscriber, Purpose::CloudSign)
            .await?;
        self.commit(tx).await?;
        Ok(masked_phone(&case))
    }

    /// Signs a PDF. Nothing of it is kept but its digests.
    ///
    /// # Errors
    ///
    /// [`Error::WrongCredentials`] (password, PIN or certificate no longer good),
    /// [`Error::CredentialBlocked`], [`Error::CodeRefused`], [`Error::NotSignable`],
    /// [`Error::TooLarge`]. A right code stays usable then.
    pub async fn sign_in_cloud(
        &self,
        credentials: CloudCredentials,
        pin: SecretString,
        code: SecretString,
        file_name: &str,
        pdf: Bytes,
    ) -> Result<Bytes, Error> {
        let limit = self.limits().document_bytes;
        if pdf.len() as u64 > limit {
            return Err(Error::TooLarge { limit });
        }
        let case = self.cloud_holder(&credentials).await?;
        let _turn = self.inner.per_request.lock(case.pk()).await;
        self.check_signable(file_name, &pdf).await?;
        // What is bound to nothing is checked against anything.
        self.check_code(&case, Purpose::CloudSign, &code, &[0; 32])
            .await?;
        let CloudCredentials { username, password } = &credentials;
        let (credential, key) = self
            .verify_credential(username.trim(), password, &pin)
            .await?;
        let certificate = {
            let mut reader = self.store().read().await?;
            self.good_certificate(&mut reader, &credential.serial)
                .await?
        };
        let der = certificate.der.clone().ok_or(Error::WrongCredentials)?;

        let name = case.subject.full_name();
        let (original, signed) = self
            .at_work(move |service| {
                let pdf = Hashed::new(pdf);
                let signed = service.sign_as_holder(&pdf, &key, &der, name)?;
                Ok::<_, Error>((pdf.digest(), signed))
            })
            .await??;

        let mut tx = self.store().begin().await?;
        let case = self.relock(&mut tx, case.pk()).await?;
        // Revoked while it signed, or the code spent by another process: nothing was signed.
        self.good_certificate(&mut tx, &credential.serial).await?;
        self.spend_signing_code(&mut tx, &case).await?;
        let details = json!({
            "serial": credential.serial,
            "pdf": hex::encode(original),
            "signed_pdf": hex::encode(signed.digest()),
        });
        let (actor, action) = (Actor::Subscriber, "cloud-signature");
        self.record(&mut tx, actor, action, Some(&case), details)
            .await?;
        self.commit(tx).await?;
        Ok(signed.bytes().clone())
    }

    /// Unlocks a key that is here for good, if its certificate may sign now.
    ///
    /// Fails with [`Error::WrongCredentials`] or [`Error::CredentialBlocked`].
    pub(crate) async fn unlock_holder(
        &self,
        username: &str,
        password: &SecretString,
        pin: &SecretString,
    ) -> Result<Holder, Error> {
        let (credential, key) = self.verify_credential(username, password, pin).await?;
        let mut reader = self.store().read().await?;
        let row = self
            .good_certificate(&mut reader, &credential.serial)
            .await?;
        let email = match credential.request {
            Some(request) => {
                let case = self.reopen(&mut reader, request).await?;
                case.subject.email.as_str().to_owned()
            }
            None => String::new(),
        };
        Ok(Holder {
            key,
            certificate: row.der.ok_or(Error::WrongCredentials)?,
            email,
        })
    }

    /// The request whose certificate the credentials belong to, if its password is right and the
    /// certificate is good.
    async fn cloud_holder(&self, credentials: &CloudCredentials) -> Result<Case, Error> {
        let CloudCredentials { username, password } = credentials;
        let credential = self.verify_password(username.trim(), password).await?;
        let request = credential.request.ok_or(Error::WrongCredentials)?;
        let mut reader = self.store().read().await?;
        self.good_certificate(&mut reader, &credential.serial)
            .await?;
        self.reopen(&mut reader, request).await
    }

    /// The certificate, if it may sign now.
    async fn good_certificate(
        &self,
        reads: &mut Reader,
        serial: &str,
    ) -> Result<Certificate, Error> {
        let now = self.now();
        store::certificates::get(reads, serial)
            .await?
            .filter(|row| row.state == CertificateState::Valid)
            .filter(|row| (row.not_before..=row.not_after).contains(&now))
            .ok_or(Error::WrongCredentials)
    }

    /// Uses up the code of a locked request, which opens one signature and no more.
    async fn spend_signing_code(&self, tx: &mut Tx, case: &Case) -> Result<(), Error> {
        let standing = store::otps::get(tx, case.pk(), Purpose::CloudSign).await?;
        if standing.is_none_or(|otp| otp.state.consumed) {
            return Err(Error::CodeRefused(Some(OtpRefusal::Consumed)));
        }
        self.consume_code(tx, case, Purpose::CloudSign).await
    }

    async fn check_signable(&self, file_name: &str, pdf: &Bytes) -> Result<(), Error> {
        let pdf = pdf.clone();
        let judged = self
            .at_work(move |_| pades::inspect(&pdf).map(drop))
            .await?;
        judged.map_err(|reason| Error::NotSignable {
            file_name: file_name.chars().take(255).collect(),
            reason,
        })
    }
}
