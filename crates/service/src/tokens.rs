//! Stored officer credentials.

use model::{Environment, TokenUid};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{StoreError, Token};

use crate::advance::Actor;
use crate::{Error, Problems, Service};

/// Credentials to store.
#[derive(Default)]
pub struct NewToken {
    /// The officer's user name.
    pub username: Option<String>,
    /// The password; where it is left out, each later call must bring it.
    pub password: Option<SecretString>,
    /// The PIN; likewise.
    pub pin: Option<SecretString>,
    /// `sandbox` or `prod`; the settings' where left out.
    pub env: Option<String>,
}

/// What may be told of stored credentials.
#[derive(Debug, Clone)]
pub struct TokenView {
    /// Its identifier.
    pub uid: TokenUid,
    /// The officer's user name.
    pub username: String,
    /// Whether a password is stored.
    pub has_password: bool,
    /// Whether a PIN is stored.
    pub has_pin: bool,
}

impl From<Token> for TokenView {
    fn from(token: Token) -> Self {
        let Token {
            uid,
            username,
            has_password,
            has_pin,
            ..
        } = token;
        Self {
            uid,
            username,
            has_password,
            has_pin,
        }
    }
}

/// The sealed content of a token.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredCredentials {
    pub(crate) username: String,
    pub(crate) password: Option<String>,
    pub(crate) pin: Option<String>,
}

impl Service {
    /// Stores credentials. Whether password and PIN are right shows when they are used.
    ///
    /// # Errors
    ///
    /// [`Error::Fields`], [`Error::UnknownOfficer`], [`Error::TokenExists`].
    pub async fn create_token(&self, new: NewToken) -> Result<TokenUid, Error> {
        self.store_token(new, true).await
    }

    /// Stores credentials that no client can delete: the sandbox's own.
    ///
    /// # Errors
    ///
    /// As [`Service::create_token`].
    pub async fn create_standing_token(&self, new: NewToken) -> Result<TokenUid, Error> {
        self.store_token(new, false).await
    }

    async fn store_token(&self, new: NewToken, deletable: bool) -> Result<TokenUid, Error> {
        let mut tx = self.store().begin().await?;
        let default = self.load_settings(&mut tx).await?.general.environment;
        let mut problems = Problems::default();
        let username = problems.require("username", new.username.as_deref(), |text| {
            Ok::<_, std::convert::Infallible>(text.trim().to_owned())
        });
        let environment = new
            .env
            .filter(|env| !env.trim().is_empty())
            .unwrap_or(default);
        let environment = problems.require("env", Some(&environment), str::parse::<Environment>);
        let (Some(username), Some(environment)) = (username, environment) else {
            return Err(Error::Fields(problems));
        };
        problems.check()?;
        if store::officers::by_username(&mut tx, &username)
            .await?
            .is_none()
        {
            return Err(Error::UnknownOfficer);
        }

        let filled = |secret: Option<SecretString>| {
            secret
                .map(|s| s.expose_secret().to_owned())
                .filter(|s| !s.is_empty())
        };
        let credentials = StoredCredentials {
            username: username.clone(),
            password: filled(new.password),
            pin: filled(new.pin),
        };
        let plain = crypto::Zeroizing::new(serde_json::to_vec(&credentials)?);
        let uid = TokenUid::draw(self.entropy());
        let mut told_apart = plain.to_vec();
        told_apart.extend_from_slice(environment.name().as_bytes());
        let token = Token {
            uid,
            username,
            has_password: credentials.password.is_some(),
            has_pin: credentials.pin.is_some(),
            environment,
            sealed: self.master().seal(&context(uid), &plain, self.entropy()),
            fingerprint: self.master().mac("token", &told_apart).to_vec(),
            deletable,
            created_at: self.now(),
        };
        match store::tokens::insert(&mut tx, &token).await {
            Err(StoreError::Duplicate { .. }) => return Err(Error::TokenExists),
            other => other?,
        }
        let details = json!({ "token": uid.to_string() });
        self.record(&mut tx, Actor::Client, "token-created", None, details)
            .await?;
        self.commit(tx).await?;
        Ok(uid)
    }

    /// What may be told of one token.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownToken`].
    pub async fn token(&self, uid: &str) -> Result<TokenView, Error> {
        Ok(self.stored_token(uid).await?.into())
    }

    /// All tokens, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn tokens(&self) -> Result<Vec<TokenView>, Error> {
        let mut reader = self.store().read().await?;
        let tokens = store::tokens::list(&mut reader).await?;
        Ok(tokens.into_iter().map(TokenView::from).collect())
    }

    /// Deletes a token.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownToken`], [`Error::TokenProtected`].
    pub async fn delete_token(&self, uid: &str) -> Result<(), Error> {
        let token = self.stored_token(uid).await?;
        if !token.deletable {
            return Err(Error::TokenProtected);
        }
        let mut tx = self.store().begin().await?;
        if !store::tokens::delete(&mut tx, token.uid).await? {
            return Err(Error::UnknownToken(uid.to_owned()));
        }
        let details = json!({ "token": token.uid.to_string() });
        self.record(&mut tx, Actor::Client, "token-deleted", None, details)
            .await?;
        self.commit(tx).await
    }

    /// The credentials that a token stands for.
    pub(crate) async fn open_token(&self, uid: &str) -> Result<StoredCredentials, Error> {
        let token = self.stored_token(uid).await?;
        let plain = self.master().open(&context(token.uid), &token.sealed)?;
        Ok(serde_json::from_slice(&plain)?)
    }

    async fn stored_token(&self, uid: &str) -> Result<Token, Error> {
        let unknown = || Error::UnknownToken(uid.chars().take(64).collect());
        let uid: TokenUid = uid.trim().parse().map_err(|_| unknown())?;
        let mut reader = self.store().read().await?;
        store::tokens::get(&mut reader, uid)
            .await?
            .ok_or_else(unknown)
    }
}

fn context(uid: TokenUid) -> String {
    format!("token {uid}")
}
