//! A new PIN in place of a locked one; it also lets a holder sign again whose codes were guessed at.

use model::authority::Act;
use model::otp::Purpose;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use store::{Credential, Reader};

use super::Caller;
use crate::case::Case;
use crate::credentials::PIN_FAILURES;
use crate::enrolment::check_secret;
use crate::{Error, Service};

/// What unlocks a PIN.
pub struct Unlock {
    /// The scratchcard's number.
    pub scratchcard: String,
    /// The scratchcard's enrollment code.
    pub enrollment_code: SecretString,
    /// The new PIN.
    pub new_pin: SecretString,
    /// The code from the text message.
    pub code: SecretString,
}

impl Service {
    /// Sends the holder a code.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`], [`Error::WrongStatus`] where no key of the request is in the
    /// cloud, [`Error::CodeTooSoon`], [`Error::CodesGuessed`], [`Error::NoDelivery`],
    /// [`Error::NotPermitted`].
    pub async fn send_unlock_code(&self, caller: &Caller, id: i64) -> Result<(), Error> {
        caller.demand(Act::Handle)?;
        let mut tx = self.store().begin().await?;
        let case = self.scoped_lock(&mut tx, caller, id).await?;
        let credential = store::credentials::of_request(&mut tx, case.pk()).await?;
        if credential.is_none() || !case.row.status.is_issued() {
            return Err(Error::WrongStatus(case.row.status));
        }
        self.queue_code(&mut tx, &case, Purpose::Unlock, None)
            .await?;
        self.record_code(&mut tx, &case, caller.actor(), Purpose::Unlock)
            .await?;
        self.commit(tx).await
    }

    /// Sets the new PIN: the key is unwrapped by the enrollment code and wrapped anew.
    ///
    /// # Errors
    ///
    /// [`Error::UnlockRefused`] where anything of it is wrong; [`Error::PinNotLocked`];
    /// [`Error::WeakSecret`]; [`Error::NotPermitted`].
    pub async fn unlock_pin(&self, caller: &Caller, id: i64, unlock: Unlock) -> Result<(), Error> {
        caller.demand(Act::Handle)?;
        let case = self
            .scoped_peek(caller, id)
            .await
            .map_err(|error| match error {
                Error::UnknownRequest(_) => Error::UnlockRefused,
                other => other,
            })?;
        let _turn = self.inner.per_request.lock(case.pk()).await;
        let credential = {
            let mut reader = self.store().read().await?;
            self.locked_credential(&mut reader, &case, &unlock).await?
        };
        check_secret(&unlock.new_pin)?;
        self.check_code(&case, Purpose::Unlock, &unlock.code, &[0; 32])
            .await
            .map_err(|error| match error {
                Error::CodeRefused(_) => Error::UnlockRefused,
                other => other,
            })?;
        let password = &unlock.enrollment_code;
        let pkcs8 = self.recover_key(&credential, password).await?;
        let Credential {
            username, serial, ..
        } = credential.clone();
        let renewed = self
            .new_credential(
                username,
                Some(case.pk()),
                serial,
                password,
                &unlock.new_pin,
                &pkcs8,
            )
            .await?;

        let mut tx = self.store().begin().await?;
        let case = self.scoped_lock(&mut tx, caller, case.pk().0).await?;
        if store::credentials::lock(&mut tx, &renewed.username).await? != Some(credential) {
            // Another process unlocked it meanwhile, or a try was counted: the code stays usable.
            return Err(Error::UnlockRefused);
        }
        self.consume_code(&mut tx, &case, Purpose::Unlock).await?;
        self.forgive_guesses(&mut tx, &case, Purpose::CloudSign)
            .await?;
        store::credentials::update(&mut tx, &renewed).await?;
        let details = json!({ "serial": renewed.serial });
        let (actor, action) = (caller.actor(), "pin-unlocked");
        self.record(&mut tx, actor, action, Some(&case), details)
            .await?;
        self.commit(tx).await
    }

    /// The request's credential, if the card is the request's, the enrollment code is right, and
    /// the PIN is locked or the codes for signatures were guessed at.
    async fn locked_credential(
        &self,
        reads: &mut Reader,
        case: &Case,
        unlock: &Unlock,
    ) -> Result<Credential, Error> {
        let sn = &case.row.scratchcard;
        let sent = unlock.enrollment_code.expose_secret().as_bytes();
        let card = self.secrets_of(reads, sn).await?;
        let right = card
            .is_some_and(|(_, secrets)| crypto::equal(secrets.enrollment_code.as_bytes(), sent));
        if unlock.scratchcard.trim() != sn || !right {
            return Err(Error::UnlockRefused);
        }
        let credential = store::credentials::of_request(reads, case.pk())
            .await?
            .ok_or(Error::UnlockRefused)?;
        let signing = store::otps::get(reads, case.pk(), Purpose::CloudSign).await?;
        if credential.pin_failures >= PIN_FAILURES
            || signing.is_some_and(|otp| otp.state.is_guessed())
        {
            Ok(credential)
        } else {
            Err(Error::PinNotLocked)
        }
    }
}
