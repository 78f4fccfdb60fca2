//! QCStatements (RFC 3739 §3.2.6, EN 319 412-5), and what else differs between certificates of
//! natural and of legal persons.

use const_oid::ObjectIdentifier;

use super::terms::{Disclosure, Qualification};
use crate::issuance::Issuer;
use crate::semantics::is_local_scheme;
use crate::{encode, oid};

/// Whom a certificate names, as far as ETSI's profiles tell apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Person {
    Natural,
    Legal,
}

impl Person {
    /// How to read the identifier in the subject.
    pub(crate) fn semantics(self) -> ObjectIdentifier {
        match self {
            Person::Natural => oid::SEMANTICS_NATURAL,
            Person::Legal => oid::SEMANTICS_LEGAL,
        }
    }

    /// What a qualified certificate is for: signatures or seals.
    pub(crate) fn qc_type(self) -> ObjectIdentifier {
        match self {
            Person::Natural => oid::QC_TYPE_ESIGN,
            Person::Legal => oid::QC_TYPE_ESEAL,
        }
    }

    /// The policy of a qualified certificate.
    pub(crate) fn qualified_policy(self, qscd: bool) -> ObjectIdentifier {
        match (self, qscd) {
            (Person::Natural, false) => oid::POLICY_QCP_N,
            (Person::Natural, true) => oid::POLICY_QCP_N_QSCD,
            (Person::Legal, false) => oid::POLICY_QCP_L,
            (Person::Legal, true) => oid::POLICY_QCP_L_QSCD,
        }
    }

    pub(super) fn policy(self, qualification: &Qualification) -> ObjectIdentifier {
        match qualification {
            Qualification::None => oid::POLICY_NCP,
            Qualification::Qualified { qscd, .. } => self.qualified_policy(*qscd),
        }
    }
}

/// `uniformResourceIdentifier` of a GeneralName (RFC 5280 §4.2.1.6).
pub(crate) const URI: u8 = 0x86;

/// The extension: how to read `identifier`, always; the rest only where it is claimed.
pub(super) fn extension(
    issuer: &Issuer,
    person: Person,
    identifier: &str,
    qualification: &Qualification,
) -> Vec<u8> {
    let statement =
        |id: &ObjectIdentifier, info: &[u8]| encode::sequence(&[&encode::oid(id), info]);
    let only = |id: &ObjectIdentifier| encode::sequence(&[&encode::oid(id)]);
    let mut semantics = encode::oid(&person.semantics());
    if is_local_scheme(identifier) {
        // Of a scheme that only the issuer knows, somebody must be named who answers for it.
        let register = encode::tlv(URI, &[issuer.pointers().certificate.as_bytes()]);
        semantics.extend(encode::sequence(&[&register]));
    }
    let mut list = statement(&oid::QCS_SYNTAX_V2, &encode::sequence(&[&semantics]));
    if let Qualification::Qualified { qscd, disclosures } = qualification {
        list.extend(only(&oid::QCS_COMPLIANCE));
        if *qscd {
            list.extend(only(&oid::QCS_QSCD));
        }
        list.extend(statement(&oid::QCS_TYPE, &only(&person.qc_type())));
        let location = |one: &Disclosure| {
            encode::sequence(&[&encode::ia5(&one.url), &encode::printable(&one.language)])
        };
        let locations: Vec<u8> = disclosures.iter().flat_map(location).collect();
        list.extend(statement(&oid::QCS_PDS, &encode::sequence(&[&locations])));
    }
    encode::extension(&oid::QC_STATEMENTS, false, &encode::sequence(&[&list]))
}
