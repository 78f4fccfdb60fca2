//! The life of a certificate after its issuance.

/// Why a certificate is revoked or on hold (RFC 5280 §5.3.1). The numbers are the CRL's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RevocationReason {
    /// No reason given: 0.
    Unspecified,
    /// The key may be in other hands: 1.
    KeyCompromise,
    /// What the certificate says of the holder changed: 3.
    AffiliationChanged,
    /// Another certificate took its place: 4.
    Superseded,
    /// It is no longer needed: 5.
    CessationOfOperation,
    /// On hold; may come back: 6.
    CertificateHold,
    /// A privilege that it states was withdrawn: 9.
    PrivilegeWithdrawn,
}

impl RevocationReason {
    /// All of them.
    pub const ALL: [RevocationReason; 7] = [
        RevocationReason::Unspecified,
        RevocationReason::KeyCompromise,
        RevocationReason::AffiliationChanged,
        RevocationReason::Superseded,
        RevocationReason::CessationOfOperation,
        RevocationReason::CertificateHold,
        RevocationReason::PrivilegeWithdrawn,
    ];

    /// CRLReason (RFC 5280 §5.3.1).
    pub fn number(self) -> i64 {
        match self {
            RevocationReason::Unspecified => 0,
            RevocationReason::KeyCompromise => 1,
            RevocationReason::AffiliationChanged => 3,
            RevocationReason::Superseded => 4,
            RevocationReason::CessationOfOperation => 5,
            RevocationReason::CertificateHold => 6,
            RevocationReason::PrivilegeWithdrawn => 9,
        }
    }

    /// The reason of that number.
    pub fn of_number(number: i64) -> Option<Self> {
        RevocationReason::ALL
            .into_iter()
            .find(|reason| reason.number() == number)
    }
}
