//! On which terms certificates are issued to people and organisations.

use const_oid::ObjectIdentifier;

use super::policies;
use super::statements::Person;
use crate::PkiError;
use crate::issuance::Validity;

/// Whether the certificate claims to be qualified (Regulation (EU) 910/2014 annexes I and III).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Qualification {
    /// It does not. Right for everyone but a qualified trust service provider.
    #[default]
    None,
    /// It does.
    Qualified {
        /// Whether the key lives in a qualified signature creation device.
        qscd: bool,
        /// Disclosure statements; one must be in English (EN 319 412-5 §4.3.4).
        disclosures: Vec<Disclosure>,
    },
}

/// Where a PKI disclosure statement can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// `https` address.
    pub url: String,
    /// ISO 639-1 code, lower case.
    pub language: String,
}

/// On which terms a certificate is issued.
#[derive(Debug, Clone)]
pub struct Terms<'a> {
    /// When it is valid.
    pub validity: Validity,
    /// Whether it claims to be qualified.
    pub qualification: &'a Qualification,
    /// The installation's own policy for this kind of certificate, named before the ETSI policy
    /// that always stands there.
    pub policy: Option<ObjectIdentifier>,
    /// Address of the practice statement.
    pub practice_statement: Option<&'a str>,
}

impl Terms<'_> {
    /// The certificate policies of a certificate for such a person.
    pub(super) fn policies(&self, person: Person) -> Result<Vec<u8>, PkiError> {
        let etsi_policy = person.policy(self.qualification);
        let ids: Vec<_> = self.policy.into_iter().chain([etsi_policy]).collect();
        policies(&ids, self.practice_statement)
    }
}
