//! Why something did not pass.

use pki::verify::VerifyError;

use crate::report::{Indication, SubIndication};

/// A verdict that is not the best one.
#[derive(Debug, Clone)]
pub(crate) struct Doubt {
    pub(crate) indication: Indication,
    pub(crate) sub_indication: SubIndication,
    pub(crate) reason: String,
}

impl Doubt {
    pub(crate) fn failed(sub_indication: SubIndication, reason: impl Into<String>) -> Self {
        Self {
            indication: Indication::TotalFailed,
            sub_indication,
            reason: reason.into(),
        }
    }

    pub(crate) fn open(sub_indication: SubIndication, reason: impl Into<String>) -> Self {
        Self {
            indication: Indication::Indeterminate,
            sub_indication,
            reason: reason.into(),
        }
    }
}

impl From<VerifyError> for Doubt {
    fn from(error: VerifyError) -> Self {
        use SubIndication as S;
        let reason = error.to_string();
        match error {
            VerifyError::Unreadable(_) => Doubt::failed(S::FormatFailure, reason),
            VerifyError::Content => Doubt::failed(S::HashFailure, reason),
            VerifyError::Signature => Doubt::failed(S::SigCryptoFailure, reason),
            VerifyError::Unsupported(_) => Doubt::open(S::CryptoConstraintsFailure, reason),
            VerifyError::NoCertificate => Doubt::open(S::NoSigningCertificateFound, reason),
            VerifyError::Reference => Doubt::open(S::SigConstraintsFailure, reason),
            VerifyError::Untrusted(_) => Doubt::open(S::NoCertificateChainFound, reason),
            VerifyError::Purpose { .. } => Doubt::open(S::ChainConstraintsFailure, reason),
            VerifyError::Validity { .. } => Doubt::open(S::OutOfBoundsNoPoe, reason),
            VerifyError::TimeStamp(inner) => Doubt::from(*inner),
        }
    }
}
