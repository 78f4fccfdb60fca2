//! Who an officer is, and the unlocking of the officer's key.

use std::sync::Arc;

use crypto::{CryptoError, SoftwareKey};
use model::RaId;
use secrecy::{ExposeSecret, SecretString};
use store::Officer;

use crate::{Error, Service};

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

        let (officer, unlocked) = self
            .at_work(move |_| {
                let unlocked = unlock(&officer, &password, &pin);
                (officer, unlocked)
            })
            .await?;
        let key = Arc::new(unlocked?);

        if rao.is_some_and(|rao| rao.trim().parse() != Ok(officer.id)) || officer.ra != authority {
            return Err(Error::WrongCredentials);
        }
        Ok(VerifiedOfficer { officer, key })
    }

    /// Whether the call names a token, or all of user name, password and PIN.
    async fn complete(&self, sent: Credentials) -> Result<Complete, Error> {
        let filled =
            |secret: Option<SecretString>| secret.filter(|s| !s.expose_secret().is_empty());
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

fn unlock(
    officer: &Officer,
    password: &SecretString,
    pin: &SecretString,
) -> Result<SoftwareKey, Error> {
    if !crypto::password::verify(password.expose_secret(), &officer.password_hash) {
        return Err(Error::WrongCredentials);
    }
    match crypto::pin::unwrap(pin.expose_secret(), &officer.wrapped_key) {
        Ok(pkcs8) => Ok(SoftwareKey::from_pkcs8(&pkcs8)?),
        Err(CryptoError::WrongPin) => Err(Error::WrongCredentials),
        Err(other) => Err(other.into()),
    }
}
