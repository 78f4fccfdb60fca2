//! Outside judges, one module per kind of thing they judge.

pub(crate) mod pdf;
pub(crate) mod pki;
