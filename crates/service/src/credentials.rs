//! User names, passwords and PINs: of officers and of everybody whose key is in the cloud.
//!
//! A key is wrapped under the PIN that only its owner knows and, where a scratchcard stands behind
//! it, under the scratchcard's enrollment code, so that a new PIN can take the place of a forgotten
//! one. Both are sealed under the master key besides: whoever steals the database cannot try PINs.
//! Wrong tries are counted.

use std::sync::Arc;

use crypto::{CryptoError, SoftwareKey, Zeroizing};
use model::{RaId, RequestPk};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use store::{CertificateState, Credential, Officer};
use time::Duration;

use crate::advance::Actor;
use crate::registration::OfficerCredentials;
use crate::{Error, Service};

/// Wrong passwords in a row after which nothing is tried for a while. With the PIN it counts for
/// keys that no enrollment code recovers, too.
const FAILURES: i64 = 10;
/// That while.
pub(crate) const PAUSE: Duration = Duration::minutes(15);
/// Wrong PINs in a row after which a key that can be recovered stays locked.
pub(crate) const PIN_FAILURES: i64 = 5;

/// An officer's credentials as a call brings them: a stored token, or user name, password and
/// PIN, or a token and what it lacks.
#[derive(Default)]
pub struct Credentials {
    /// A stored token's identifier. What it holds wins over the members below.
    pub token: Option<String>,
    /// The officer's user name.
    pub username: Option<String>,
    /// The officer's password.
    pub password: Option<SecretString>,
    /// The PIN that unlocks the officer's key.
    pub pin: Option<SecretString>,
    /// The officer's number; checked when sent.
    pub rao: Option<String>,
}

/// An officer whose password and PIN were right.
pub(crate) struct VerifiedOfficer {
    pub(crate) officer: Officer,
    pub(crate) key: Arc<SoftwareKey>,
}

struct Complete {
    username: String,
    password: SecretString,
    pin: SecretString,
}

/// What was wrong with a try.
enum Wrong {
    Password,
    Pin,
}

impl Service {
    /// Verifies credentials and unlocks the officer's key.
    ///
    /// The officer must work for `authority`, the request's.
    pub(crate) async fn verify_officer(
        &self,
        credentials: Credentials,
        authority: RaId,
    ) -> Result<VerifiedOfficer, Error> {
        let rao = credentials.rao.clone().filter(|rao| !rao.trim().is_empty());
        let Complete {
            username,
            password,
            pin,
        } = self.complete(credentials).await?;
        let officer = {
            let mut reader = self.store().read().await?;
            store::officers::by_username(&mut reader, &username).await?
        };
        let officer = officer.ok_or(Error::UnknownOfficer)?;
        let (_, key) = self.verify_credential(&username, &password, &pin).await?;

        if rao.is_some_and(|rao| rao.trim().parse() != Ok(officer.id))
            || !officer.authorities.contains(&authority)
            || !self.may_sign(&officer).await?
        {
            return Err(Error::WrongCredentials);
        }
        Ok(VerifiedOfficer { officer, key })
    }

    /// Verifies the credentials of the officer whom `rao` names, as registration clients send
    /// them.
    ///
    /// Fails with [`Error::IncompleteCredentials`], [`Error::UnknownOfficerNumber`],
    /// [`Error::NotPermitted`] for an officer of other authorities, [`Error::WrongCredentials`]
    /// and [`Error::CredentialBlocked`].
    pub(crate) async fn verify_officer_of(
        &self,
        sent: OfficerCredentials,
        authority: RaId,
    ) -> Result<VerifiedOfficer, Error> {
        let OfficerCredentials {
            username,
            password,
            pin,
            rao,
        } = sent;
        let (Some(username), Some(password), Some(pin), Some(rao)) = (
            username.filter(|name| !name.trim().is_empty()),
            filled(password),
            filled(pin),
            rao.filter(|rao| !rao.trim().is_empty()),
        ) else {
            return Err(Error::IncompleteCredentials);
        };
        let officer = self.officer_for(&rao, authority).await?;
        if officer.username != username.trim() {
            return Err(Error::WrongCredentials);
        }
        let (_, key) = self
            .verify_credential(&officer.username, &password, &pin)
            .await?;
        if !self.may_sign(&officer).await? {
            return Err(Error::WrongCredentials);
        }
        Ok(VerifiedOfficer { officer, key })
    }

    /// The officer of that number, if it may act for `authority`.
    ///
    /// Fails with [`Error::UnknownOfficerNumber`] or [`Error::NotPermitted`].
    pub(crate) async fn officer_for(&self, rao: &str, authority: RaId) -> Result<Officer, Error> {
        let number = rao
            .trim()
            .parse()
            .map_err(|_| Error::UnknownOfficerNumber)?;
        let mut reader = self.store().read().await?;
        let officer = store::officers::get(&mut reader, number)
            .await?
            .ok_or(Error::UnknownOfficerNumber)?;
        if officer.authorities.contains(&authority) {
            Ok(officer)
        } else {
            Err(Error::NotPermitted)
        }
    }

    /// Whether the officer's certificate is good now. One that we did not issue is its issuer's
    /// matter.
    async fn may_sign(&self, officer: &Officer) -> Result<bool, Error> {
        let Some(serial) = &officer.serial else {
            return Ok(true);
        };
        let mut reader = self.store().read().await?;
        let certificate = store::certificates::get(&mut reader, serial).await?;
        let now = self.now();
        Ok(certificate.is_some_and(|row| {
            row.state == CertificateState::Valid && (row.not_before..=row.not_after).contains(&now)
        }))
    }

    /// Verifies a password, and counts a wrong one.
    ///
    /// Fails with [`Error::WrongCredentials`] or [`Error::CredentialBlocked`].
    pub(crate) async fn verify_password(
        &self,
        username: &str,
        password: &SecretString,
    ) -> Result<Credential, Error> {
        let credential = self.usable(username).await?;
        let (hash, password) = (credential.password_hash.clone(), password.clone());
        let right = self
            .at_work(move |_| crypto::password::verify(password.expose_secret(), &hash))
            .await?;
        if right {
            Ok(credential)
        } else {
            self.count(username, Wrong::Password).await?;
            Err(Error::WrongCredentials)
        }
    }

    /// Verifies password and PIN and unlocks the key; counts what is wrong and forgets what was
    /// counted when all is right.
    ///
    /// Fails with [`Error::WrongCredentials`] or [`Error::CredentialBlocked`].
    pub(crate) async fn verify_credential(
        &self,
        username: &str,
        password: &SecretString,
        pin: &SecretString,
    ) -> Result<(Credential, Arc<SoftwareKey>), Error> {
        let credential = self.verify_password(username, password).await?;
        if credential.recovery_key.is_some() && credential.pin_failures >= PIN_FAILURES {
            return Err(Error::CredentialBlocked);
        }
        let wrapped = self.unsealed(&credential, &credential.wrapped_key)?;
        let pin = pin.clone();
        let unlocked = self
            .at_work(move |_| crypto::pin::unwrap(pin.expose_secret(), &wrapped))
            .await?;
        match unlocked {
            Ok(pkcs8) => {
                self.forget_failures(&credential).await?;
                Ok((credential, Arc::new(SoftwareKey::from_pkcs8(&pkcs8)?)))
            }
            Err(CryptoError::WrongPin) => {
                self.count(username, Wrong::Pin).await?;
                Err(Error::WrongCredentials)
            }
            Err(other) => Err(other.into()),
        }
    }

    /// A credential for a fresh key. With a request behind it, `password` is the scratchcard's
    /// enrollment code and recovers the key.
    pub(crate) async fn new_credential(
        &self,
        username: String,
        request: Option<RequestPk>,
        serial: String,
        password: &SecretString,
        pin: &SecretString,
        pkcs8: &[u8],
    ) -> Result<Credential, Error> {
        let (password, pin) = (password.clone(), pin.clone());
        let pkcs8 = Zeroizing::new(pkcs8.to_vec());
        let (password_hash, wrapped, recovery) = self
            .at_work(move |service| {
                let entropy = service.entropy();
                let wrap = |under: &SecretString| {
                    crypto::pin::wrap(under.expose_secret(), &pkcs8, entropy)
                };
                let hash = crypto::password::hash(password.expose_secret(), entropy);
                (hash, wrap(&pin), request.map(|_| wrap(&password)))
            })
            .await?;
        let seal = |wrapped: &[u8]| {
            self.master()
                .seal(&key_context(&username), wrapped, self.entropy())
        };
        Ok(Credential {
            wrapped_key: seal(&wrapped),
            recovery_key: recovery.as_deref().map(seal),
            under_master: true,
            username,
            request,
            serial,
            password_hash,
            failures: 0,
            pin_failures: 0,
            blocked_until: None,
            created_at: self.now(),
        })
    }

    /// The key behind a credential, PKCS#8, by the enrollment code instead of the PIN.
    pub(crate) async fn recover_key(
        &self,
        credential: &Credential,
        enrollment_code: &SecretString,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let sealed = credential
            .recovery_key
            .as_ref()
            .ok_or(Error::UnlockRefused)?;
        let wrapped = self.unsealed(credential, sealed)?;
        let code = enrollment_code.clone();
        self.at_work(move |_| crypto::pin::unwrap(code.expose_secret(), &wrapped))
            .await?
            .map_err(|error| match error {
                CryptoError::WrongPin => Error::UnlockRefused,
                other => other.into(),
            })
    }

    /// The credential of that name, unless it rests after too many wrong tries.
    async fn usable(&self, username: &str) -> Result<Credential, Error> {
        let mut reader = self.store().read().await?;
        let credential = store::credentials::get(&mut reader, username)
            .await?
            .ok_or(Error::WrongCredentials)?;
        if credential
            .blocked_until
            .is_some_and(|until| self.now() < until)
        {
            return Err(Error::CredentialBlocked);
        }
        Ok(credential)
    }

    fn unsealed(&self, credential: &Credential, wrapped: &[u8]) -> Result<Vec<u8>, Error> {
        if !credential.under_master {
            return Ok(wrapped.to_vec());
        }
        let context = key_context(&credential.username);
        Ok(self.master().open(&context, wrapped)?.to_vec())
    }

    async fn count(&self, username: &str, wrong: Wrong) -> Result<(), Error> {
        let mut tx = self.store().begin().await?;
        let Some(mut credential) = store::credentials::lock(&mut tx, username).await? else {
            return Ok(());
        };
        let what = match wrong {
            Wrong::Pin if credential.recovery_key.is_some() => {
                credential.pin_failures += 1;
                "pin"
            }
            Wrong::Pin => {
                credential.failures += 1;
                "pin"
            }
            Wrong::Password => {
                credential.failures += 1;
                "password"
            }
        };
        if credential.failures >= FAILURES {
            credential.failures = 0;
            credential.blocked_until = Some(self.now() + PAUSE);
        }
        store::credentials::update(&mut tx, &credential).await?;
        let details = json!({
            "wrong": what,
            "blocked": credential.blocked_until.is_some_and(|until| self.now() < until),
            "locked": credential.pin_failures >= PIN_FAILURES,
            "request": credential.request.map(|request| request.0),
        });
        self.record(&mut tx, Actor::Client, "credential-refused", None, details)
            .await?;
        self.commit(tx).await
    }

    async fn forget_failures(&self, credential: &Credential) -> Result<(), Error> {
        if (credential.failures, credential.pin_failures) == (0, 0) {
            return Ok(());
        }
        let mut tx = self.store().begin().await?;
        if let Some(mut row) = store::credentials::lock(&mut tx, &credential.username).await? {
            (row.failures, row.pin_failures, row.blocked_until) = (0, 0, None);
            store::credentials::update(&mut tx, &row).await?;
        }
        self.commit(tx).await
    }

    /// The same credentials without the token, which may be gone by the time that they are used, of
    /// an officer who exists. Password and PIN are not tried.
    ///
    /// Fails with [`Error::IncompleteCredentials`], [`Error::UnknownToken`] or
    /// [`Error::UnknownOfficer`].
    pub(crate) async fn spell_out(&self, credentials: Credentials) -> Result<Credentials, Error> {
        let rao = credentials.rao.clone();
        let Complete {
            username,
            password,
            pin,
        } = self.complete(credentials).await?;
        let mut reader = self.store().read().await?;
        store::officers::by_username(&mut reader, &username)
            .await?
            .ok_or(Error::UnknownOfficer)?;
        Ok(Credentials {
            token: None,
            username: Some(username),
            password: Some(password),
            pin: Some(pin),
            rao,
        })
    }

    /// Whether the call names a token, or all of user name, password and PIN.
    async fn complete(&self, sent: Credentials) -> Result<Complete, Error> {
        let (mut username, mut password, mut pin) = (
            sent.username.filter(|name| !name.is_empty()),
            filled(sent.password),
            filled(sent.pin),
        );
        if let Some(token) = sent.token.filter(|token| !token.trim().is_empty()) {
            let stored = self.open_token(&token).await?;
            username = Some(stored.username);
            password = stored.password.map(SecretString::from).or(password);
            pin = stored.pin.map(SecretString::from).or(pin);
        }
        match (username, password, pin) {
            (Some(username), Some(password), Some(pin)) => Ok(Complete {
                username,
                password,
                pin,
            }),
            _ => Err(Error::IncompleteCredentials),
        }
    }
}

/// A blank secret is none.
pub(crate) fn filled(secret: Option<SecretString>) -> Option<SecretString> {
    secret.filter(|secret| !secret.expose_secret().is_empty())
}

fn key_context(username: &str) -> String {
    format!("key of credential {username}")
}
