//! Anybody's certificate, read for judging what stands below it.

use const_oid::ObjectIdentifier;
use crypto::foreign::{Scheme, Signed};
use crypto::sha256;
use der::Decode;
use der::asn1::OctetString;
use time::OffsetDateTime;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    BasicConstraints, CrlDistributionPoints, ExtendedKeyUsage, KeyUsage, SubjectKeyIdentifier,
};

use super::{VerifyError, algorithm};
use crate::decode::CertificateParts;
use crate::facts::CertificateFacts;
use crate::{PkiError, oid};

/// A certificate, with what its extensions allow.
#[derive(Debug, Clone)]
pub struct Certificate {
    der: Vec<u8>,
    fingerprint: [u8; 32],
    facts: CertificateFacts,
    tbs: Vec<u8>,
    signature: Vec<u8>,
    scheme: Result<Scheme, VerifyError>,
    serial: Vec<u8>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    public_key_info: Vec<u8>,
    key_identifier: Option<Vec<u8>>,
    authority: Option<Authority>,
    usage: Option<KeyUsage>,
    extended_usage: Option<ExtendedUsage>,
    not_understood: Option<ObjectIdentifier>,
    short_term: bool,
    no_check: bool,
    distribution_points: Vec<String>,
}

#[derive(Debug, Clone)]
struct Authority {
    path_len: Option<usize>,
}

#[derive(Debug, Clone)]
struct ExtendedUsage {
    critical: bool,
    purposes: Vec<ObjectIdentifier>,
}

/// What a certificate is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Signing documents.
    Signature,
    /// Signing time-stamps.
    TimeStamping,
    /// Signing revocation answers for the authority that issued it.
    OcspSigning,
}

impl Certificate {
    /// Reads a DER certificate; fails with [`PkiError::Malformed`].
    pub fn read(der: &[u8]) -> Result<Self, PkiError> {
        const MALFORMED: PkiError = PkiError::Malformed("certificate");
        const UNDERSTOOD: [ObjectIdentifier; 8] = [
            oid::BASIC_CONSTRAINTS,
            oid::KEY_USAGE,
            oid::EXTENDED_KEY_USAGE,
            oid::CERTIFICATE_POLICIES,
            oid::SUBJECT_ALT_NAME,
            oid::CRL_DISTRIBUTION_POINTS,
            // No policy is asked for, so neither of these can matter (RFC 5280 §6.1).
            oid::POLICY_MAPPINGS,
            oid::INHIBIT_ANY_POLICY,
        ];
        let parts = CertificateParts::parse(der)?;
        let certificate = x509_cert::Certificate::from_der(der).map_err(|_| MALFORMED)?;
        let tbs = certificate.tbs_certificate();
        let extensions = tbs.extensions().map(Vec::as_slice).unwrap_or_default();
        let has = |id| extensions.iter().any(|one| one.extn_id == id);
        let not_understood = extensions
            .iter()
            .find(|one| one.critical && !UNDERSTOOD.contains(&one.extn_id))
            .map(|one| one.extn_id);
        // An extension that is there twice or can't be read allows nothing.
        let constraints = tbs
            .get_extension::<BasicConstraints>()
            .map_err(|_| MALFORMED)?;
        let authority =
            constraints
                .filter(|(_, constraints)| constraints.ca)
                .map(|(_, constraints)| Authority {
                    path_len: constraints.path_len_constraint.map(usize::from),
                });
        let usage = tbs.get_extension::<KeyUsage>().map_err(|_| MALFORMED)?;
        let extended = tbs
            .get_extension::<ExtendedKeyUsage>()
            .map_err(|_| MALFORMED)?;
        let key_identifier = tbs.get_extension::<SubjectKeyIdentifier>().ok().flatten();
        let points = tbs.get_extension::<CrlDistributionPoints>().ok().flatten();
        let short_term = has(oid::NO_REV_AVAIL) || has(oid::VALIDITY_ASSURED_SHORT_TERM);
        Ok(Self {
            fingerprint: sha256(der),
            facts: CertificateFacts::read(der)?,
            tbs: parts.tbs.to_vec(),
            signature: parts.signature.to_vec(),
            scheme: algorithm::scheme(parts.signature_algorithm, None),
            serial: parts.serial.to_vec(),
            issuer: parts.issuer.to_vec(),
            subject: parts.subject.to_vec(),
            public_key_info: parts.public_key_info.to_vec(),
            key_identifier: key_identifier.map(|(_, id)| OctetString::from(id).into_bytes().into()),
            // RFC 9608 §3: nothing of the kind in an authority's certificate.
            short_term: short_term && authority.is_none(),
            authority,
            usage: usage.map(|(_, usage)| usage),
            extended_usage: extended.map(|(critical, usage)| ExtendedUsage {
                critical,
                purposes: usage.0,
            }),
            not_understood,
            no_check: has(oid::OCSP_NO_CHECK),
            distribution_points: points.map_or_else(Vec::new, |(_, points)| uris(&points)),
            der: der.to_vec(),
        })
    }

    /// The certificate itself.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of it.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// What it says, for display.
    pub fn facts(&self) -> &CertificateFacts {
        &self.facts
    }

    /// DER `SubjectPublicKeyInfo`.
    pub fn public_key_info(&self) -> &[u8] {
        &self.public_key_info
    }

    /// DER names and the serial number's DER INTEGER.
    pub(super) fn issuer(&self) -> &[u8] {
        &self.issuer
    }

    pub(super) fn subject(&self) -> &[u8] {
        &self.subject
    }

    pub(super) fn serial(&self) -> &[u8] {
        &self.serial
    }

    pub(super) fn key_identifier(&self) -> Option<&[u8]> {
        self.key_identifier.as_deref()
    }

    pub(super) fn distribution_points(&self) -> &[String] {
        &self.distribution_points
    }

    /// How it was signed, where that is supported.
    pub fn scheme(&self) -> Option<Scheme> {
        self.scheme.as_ref().ok().copied()
    }

    /// Whether it may issue certificates.
    pub fn is_authority(&self) -> bool {
        self.authority.is_some()
    }

    /// Whether it is valid too short a time to be revoked, and says so (RFC 9608; EN 319 412-1
    /// §5.2.2).
    pub fn is_short_term(&self) -> bool {
        self.short_term
    }

    /// Whether its issuer asks not to look for its revocation, which only a responder's may say
    /// (RFC 6960 §4.2.2.2.1).
    pub fn is_never_checked(&self) -> bool {
        self.no_check && self.serves(Purpose::OcspSigning).is_ok()
    }

    /// Whether `at` lies within its validity, both ends included.
    pub fn is_valid_at(&self, at: OffsetDateTime) -> bool {
        let at = at.replace_nanosecond(0).unwrap_or(at);
        (self.facts.not_before..=self.facts.not_after).contains(&at)
    }

    /// Whether `issuer`'s name stands in it as its issuer and `issuer`'s key signed it.
    pub fn is_issued_by(&self, issuer: &Certificate) -> bool {
        self.issuer == issuer.subject
            && self.scheme.as_ref().is_ok_and(|scheme| {
                scheme
                    .verify(
                        &issuer.public_key_info,
                        Signed::Message(&self.tbs),
                        &self.signature,
                    )
                    .is_ok()
            })
    }

    /// Whether it allows this use of its key, or [`VerifyError::Purpose`].
    pub fn serves(&self, purpose: Purpose) -> Result<(), VerifyError> {
        self.check_understood()?;
        let usage = self.usage.as_ref();
        let signs = |usage: &KeyUsage| usage.non_repudiation() || usage.digital_signature();
        let extended = self.extended_usage.as_ref();
        let only_stamps = extended
            .is_some_and(|usage| usage.critical && usage.purposes == [oid::KP_TIME_STAMPING]);
        let answers = extended.is_some_and(|usage| usage.purposes.contains(&oid::KP_OCSP_SIGNING));
        match purpose {
            // Without a key usage every use is allowed (RFC 5280 §4.2.1.3).
            _ if !usage.is_none_or(signs) => Err(self.refuses("is not for signatures")),
            Purpose::TimeStamping if !only_stamps => {
                Err(self.refuses("is not for time-stamping alone"))
            }
            Purpose::Signature if only_stamps => Err(self.refuses("is for time-stamping only")),
            Purpose::OcspSigning if !answers => Err(self.refuses("is not for revocation answers")),
            _ => Ok(()),
        }
    }

    /// Whether it may stand above `below` other authorities and an end entity, or
    /// [`VerifyError::Purpose`].
    pub fn may_issue(&self, below: usize) -> Result<(), VerifyError> {
        self.check_understood()?;
        let allowed = self
            .authority
            .as_ref()
            .is_some_and(|authority| authority.path_len.is_none_or(|most| below <= most));
        let usage = self.usage.as_ref();
        if !allowed || !usage.is_none_or(KeyUsage::key_cert_sign) {
            return Err(self.refuses("must not issue this certificate"));
        }
        Ok(())
    }

    /// Whether it may sign revocation lists.
    pub fn may_sign_lists(&self) -> bool {
        self.usage.as_ref().is_none_or(KeyUsage::crl_sign)
    }

    fn check_understood(&self) -> Result<(), VerifyError> {
        match self.not_understood {
            Some(_) => Err(self.refuses("has a critical extension that is not understood")),
            None => Ok(()),
        }
    }

    fn refuses(&self, reason: &'static str) -> VerifyError {
        VerifyError::Purpose {
            subject: self.facts.subject(),
            reason,
        }
    }
}

/// The URIs of full names.
fn uris(points: &CrlDistributionPoints) -> Vec<String> {
    let names = points
        .0
        .iter()
        .filter_map(|point| match &point.distribution_point {
            Some(DistributionPointName::FullName(names)) => Some(names),
            _ => None,
        });
    names.flatten().filter_map(uri).collect()
}

pub(super) fn uri(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::UniformResourceIdentifier(uri) => Some(uri.to_string()),
        _ => None,
    }
}
