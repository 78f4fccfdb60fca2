//! A token and what can be asked of it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crypto::{KeyAlgorithm, KeyVault, SigningKey, VaultError, VaultKey};
use cryptoki::error::Error;
use cryptoki::object::{Attribute, AttributeType, ObjectClass};
use secrecy::SecretString;

use crate::key::{self, TokenKey};
use crate::pool::Pool;
use crate::uri::{KeyUri, UriError};

/// Which token, and how it is opened. At least one of label and serial number should be given.
pub struct Settings {
    /// The maker's PKCS #11 module, a shared library.
    pub module: PathBuf,
    /// The token's label.
    pub token: Option<String>,
    /// The token's serial number.
    pub serial: Option<String>,
    /// The user's PIN.
    pub pin: SecretString,
    /// Sessions at once, at most; more work waits.
    pub sessions: usize,
}

/// Why a token did not do its work. None of the texts holds the PIN.
#[derive(Debug, thiserror::Error)]
pub enum HsmError {
    /// The module does not load: the operator's fault.
    #[error("the PKCS #11 module {} does not load: {reason}", .path.display())]
    Module {
        /// Where it was looked for.
        path: PathBuf,
        /// What the loader says.
        reason: String,
    },
    /// No slot holds the token: not plugged in, or misnamed.
    #[error("no token of the configured label and serial number is there")]
    Absent,
    /// The token refused the PIN. It is not tried again, lest the token lock itself.
    #[error("the token refuses the PIN; it is not tried again until a restart")]
    Pin,
    /// The reference is malformed.
    #[error(transparent)]
    Uri(#[from] UriError),
    /// The reference names another token, or no key.
    #[error("{0} names no key of this token")]
    Foreign(KeyUri),
    /// The token holds no such key.
    #[error("the token holds no key {0}")]
    Missing(String),
    /// The token holds a key of that name already.
    #[error("the token holds a key named {0} already")]
    Taken(String),
    /// The key is of a kind that we do not sign with, or its public half is missing.
    #[error("the key {0} is none that can be used here")]
    Unusable(String),
    /// The module failed.
    #[error("the token: {0}")]
    Token(#[from] Error),
}

impl From<HsmError> for VaultError {
    fn from(error: HsmError) -> Self {
        let text = error.to_string();
        match error {
            HsmError::Uri(_) | HsmError::Foreign(_) => VaultError::Reference(text),
            HsmError::Missing(name) => VaultError::Missing(name),
            HsmError::Absent | HsmError::Token(_) => VaultError::Unreachable(text),
            _ => VaultError::Refused(text),
        }
    }
}

/// An opened token. Cloning is cheap and shares the sessions.
#[derive(Clone)]
pub struct Token {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) pool: Pool,
    /// Label and serial number as configured; keys' references repeat them.
    address: KeyUri,
}

impl Token {
    /// Loads the module, finds the token and logs in.
    pub fn open(settings: Settings) -> Result<Self, HsmError> {
        let address = KeyUri {
            token: settings.token.clone(),
            serial: settings.serial.clone(),
            ..KeyUri::default()
        };
        let pool = Pool::open(settings)?;
        Ok(Self {
            inner: Arc::new(Inner { pool, address }),
        })
    }

    /// Makes a key pair under a label that no other key has. The private key stays in the token:
    /// it is sensitive and cannot be extracted.
    pub fn generate(&self, algorithm: KeyAlgorithm, label: &str) -> Result<TokenKey, HsmError> {
        let taken = self
            .inner
            .pool
            .with(|session, _| Ok(!session.find_objects(&private(label))?.is_empty()))?;
        if taken {
            return Err(HsmError::Taken(label.to_owned()));
        }
        self.inner
            .pool
            .with(|session, _| key::generate(session, algorithm, label))?;
        self.key(label)
    }

    /// The key of a label.
    pub fn key(&self, label: &str) -> Result<TokenKey, HsmError> {
        TokenKey::find(self.clone(), label)
    }

    /// The reference of the key of a label.
    pub fn uri(&self, label: &str) -> KeyUri {
        KeyUri {
            object: Some(label.to_owned()),
            ..self.inner.address.clone()
        }
    }

    /// The label that a reference names.
    fn label(&self, reference: &str) -> Result<String, HsmError> {
        let uri: KeyUri = reference.parse()?;
        let differs = |named: &Option<String>, own: &Option<String>| matches!((named, own), (Some(named), Some(own)) if named != own);
        let own = &self.inner.address;
        match &uri.object {
            Some(label)
                if !differs(&uri.token, &own.token) && !differs(&uri.serial, &own.serial) =>
            {
                Ok(label.clone())
            }
            _ => Err(HsmError::Foreign(uri)),
        }
    }
}

impl KeyVault for Token {
    fn generate(&self, algorithm: KeyAlgorithm, name: &str) -> Result<VaultKey, VaultError> {
        Ok(VaultKey {
            key: Arc::new(Token::generate(self, algorithm, name)?),
            reference: self.uri(name).to_string(),
        })
    }

    fn find(&self, reference: &str) -> Result<Arc<dyn SigningKey>, VaultError> {
        Ok(Arc::new(self.key(&self.label(reference)?)?))
    }

    fn destroy(&self, reference: &str) -> Result<(), VaultError> {
        let label = self.label(reference)?;
        let both = [Attribute::Token(true), Attribute::Label(label.into())];
        let destroyed = self.inner.pool.with(|session, _| {
            for object in session.find_objects(&both)? {
                session.destroy_object(object)?;
            }
            Ok(())
        });
        Ok(destroyed?)
    }

    fn list(&self, prefix: &str) -> Result<Vec<(String, String)>, VaultError> {
        let keys = [
            Attribute::Token(true),
            Attribute::Class(ObjectClass::PRIVATE_KEY),
        ];
        let labels = self.inner.pool.with(|session, _| {
            let mut labels = Vec::new();
            for object in session.find_objects(&keys)? {
                for attribute in session.get_attributes(object, &[AttributeType::Label])? {
                    if let Attribute::Label(label) = attribute {
                        labels.extend(String::from_utf8(label).ok());
                    }
                }
            }
            Ok(labels)
        })?;
        let ours = labels.into_iter().filter(|label| label.starts_with(prefix));
        Ok(ours
            .map(|label| {
                let reference = self.uri(&label).to_string();
                (label, reference)
            })
            .collect())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.inner.address)
    }
}

/// What finds a private key by its label.
pub(crate) fn private(label: &str) -> [Attribute; 3] {
    [
        Attribute::Token(true),
        Attribute::Class(ObjectClass::PRIVATE_KEY),
        Attribute::Label(label.into()),
    ]
}
