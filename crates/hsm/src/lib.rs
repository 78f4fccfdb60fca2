//! Keys in a token: a hardware security module, a smart card or SoftHSM, by PKCS #11 v2.40.
//!
//! A [`Token`] is opened once by the path of the maker's module. Its keys are made in it, can be
//! used and destroyed, and never leave it. A key is remembered by a `pkcs11:` URI (RFC 7512).
//!
//! The module is foreign code in this process, with all that the process can see: its path comes
//! from the operator's configuration and from nowhere else.

mod encode;
mod key;
mod pool;
mod token;
mod uri;

pub use key::TokenKey;
pub use token::{HsmError, Settings, Token};
pub use uri::{KeyUri, UriError};
