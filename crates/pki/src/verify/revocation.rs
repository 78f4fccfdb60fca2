//! Others' revocation data: OCSP answers (RFC 6960 §4.2) and complete revocation lists (RFC 5280
//! §5).

use crypto::foreign::{Hash, Scheme, Signed};
use der::Decode;
use model::certificate::RevocationReason;
use time::OffsetDateTime;
use x509_cert::ext::pkix::crl::dp::IssuingDistributionPoint;
use x509_cert::ext::pkix::name::DistributionPointName;
use x509_cert::time::Time;

use super::{Certificate, VerifyError, algorithm, certificate};
use crate::crl::Entry;
use crate::decode::{
    self, BIT_STRING, Elements, GENERALIZED_TIME, INTEGER, OCTET_STRING, SEQUENCE, context,
};
use crate::ocsp::Status;
use crate::{PkiError, oid};

const UTC_TIME: u8 = 0x17;
const ENUMERATED: u8 = 0x0a;

/// What a source of revocation data says about one certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// Good, revoked, or not known to the source.
    pub status: Status,
    /// As of when.
    pub this_update: OffsetDateTime,
    /// Until when it is to be relied on, if that is said.
    pub next_update: Option<OffsetDateTime>,
    /// Certificates that expired before this are not spoken of any more; `None` where nothing is
    /// said, which means that expired ones may be missing.
    pub speaks_of_expired_since: Option<OffsetDateTime>,
}

/// A BasicOCSPResponse.
#[derive(Debug)]
pub struct OcspResponse<'a> {
    tbs: &'a [u8],
    scheme: Result<Scheme, VerifyError>,
    signature: &'a [u8],
    responder: Responder<'a>,
    /// Certificates that came along.
    pub certificates: Vec<&'a [u8]>,
    answers: Vec<Answer<'a>>,
}

#[derive(Debug)]
enum Responder<'a> {
    Name(&'a [u8]),
    KeyHash(&'a [u8]),
}

/// SingleResponse.
#[derive(Debug)]
struct Answer<'a> {
    hash: Hash,
    name_hash: &'a [u8],
    key_hash: &'a [u8],
    serial: &'a [u8],
    statement: Statement,
}

impl<'a> OcspResponse<'a> {
    /// Reads a DER OCSPResponse, or the BasicOCSPResponse in it.
    pub fn read(der: &'a [u8]) -> Result<Self, VerifyError> {
        const WHAT: &str = "OCSP response";
        let mut response = Elements::of(SEQUENCE, der, WHAT)?;
        let Some(status) = response.optional(ENUMERATED)? else {
            return Self::basic(der);
        };
        if decode::content(ENUMERATED, status) != Some(&[0]) {
            return Err(PkiError::Malformed(WHAT).into());
        }
        let mut bytes = response.inside(context(0))?.inside(SEQUENCE)?;
        if bytes.oid()? != oid::OCSP_BASIC {
            return Err(PkiError::Malformed(WHAT).into());
        }
        Self::basic(bytes.content(OCTET_STRING)?)
    }

    fn basic(der: &'a [u8]) -> Result<Self, VerifyError> {
        const WHAT: &str = "OCSP response";
        let mut basic = Elements::of(SEQUENCE, der, WHAT)?;
        let tbs = basic.next(SEQUENCE)?;
        let scheme = algorithm::scheme(basic.next(SEQUENCE)?, None);
        let signature = decode::whole_bytes(basic.content(BIT_STRING)?, WHAT)?;
        let mut certificates = Vec::new();
        if let Some(list) = basic.optional(context(0))? {
            let mut list = Elements::of(context(0), list, WHAT)?.inside(SEQUENCE)?;
            while !list.is_finished() {
                certificates.push(list.any()?);
            }
        }
        basic.finish()?;

        let mut data = Elements::of(SEQUENCE, tbs, WHAT)?;
        data.optional(context(0))?;
        let identifier = data.any()?;
        let mut inner = Elements::of(identifier[0], identifier, WHAT)?;
        let responder = match identifier[0] {
            0xa1 => Responder::Name(inner.next(SEQUENCE)?),
            0xa2 => Responder::KeyHash(inner.content(OCTET_STRING)?),
            _ => return Err(PkiError::Malformed(WHAT).into()),
        };
        data.next(GENERALIZED_TIME)?;
        let mut list = data.inside(SEQUENCE)?;
        let mut answers = Vec::new();
        while !list.is_finished() {
            // An answer with an identifier by a hash that is not known here is about nobody.
            answers.extend(Answer::parse(list.inside(SEQUENCE)?)?);
        }
        Ok(Self {
            tbs,
            scheme,
            signature,
            responder,
            certificates,
            answers,
        })
    }

    /// How it was signed, where that is supported.
    pub fn scheme(&self) -> Option<Scheme> {
        self.scheme.as_ref().ok().copied()
    }

    /// What it says about a certificate of this issuer. Of several answers the newest counts.
    pub fn about(&self, certificate: &Certificate, issuer: &Certificate) -> Option<Statement> {
        let answers = self.answers.iter();
        answers
            .filter(|answer| answer.is_about(certificate, issuer))
            .map(|answer| answer.statement)
            .max_by_key(|statement| statement.this_update)
    }

    /// Whether `certificate`'s key signed it, under the name that it gives itself.
    pub fn is_signed_by(&self, certificate: &Certificate) -> bool {
        let named = match self.responder {
            Responder::Name(name) => name == certificate.subject(),
            Responder::KeyHash(hash) => {
                key_bits(certificate).is_some_and(|bits| hash == Hash::Sha1.of(&[bits]))
            }
        };
        named && signed(&self.scheme, certificate, self.tbs, self.signature)
    }
}

impl<'a> Answer<'a> {
    fn parse(mut parts: Elements<'a>) -> Result<Option<Self>, PkiError> {
        const WHAT: &str = "OCSP response";
        let mut id = parts.inside(SEQUENCE)?;
        let hash = algorithm::hash(id.next(SEQUENCE)?);
        let name_hash = id.content(OCTET_STRING)?;
        let key_hash = id.content(OCTET_STRING)?;
        let serial = id.next(INTEGER)?;
        let status = status(parts.any()?)?;
        let this_update = parts.generalized_time()?;
        let next_update = match parts.optional(context(0))? {
            Some(explicit) => Some(Elements::of(context(0), explicit, WHAT)?.generalized_time()?),
            None => None,
        };
        let mut speaks_of_expired_since = None;
        if let Some(extensions) = parts.optional(context(1))? {
            let mut list = Elements::of(context(1), extensions, WHAT)?.inside(SEQUENCE)?;
            while !list.is_finished() {
                let (id, critical, value) = decode::extension(&mut list)?;
                if id == oid::OCSP_ARCHIVE_CUTOFF {
                    speaks_of_expired_since = Some(instant(value)?);
                } else if critical {
                    return Ok(None);
                }
            }
        }
        Ok(hash.ok().map(|hash| Self {
            hash,
            name_hash,
            key_hash,
            serial,
            statement: Statement {
                status,
                this_update,
                next_update,
                speaks_of_expired_since,
            },
        }))
    }

    fn is_about(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        self.serial == certificate.serial()
            && self.name_hash == self.hash.of(&[issuer.subject()])
            && key_bits(issuer).is_some_and(|bits| self.key_hash == self.hash.of(&[bits]))
    }
}

/// CertStatus (RFC 6960 §4.2.1).
fn status(element: &[u8]) -> Result<Status, PkiError> {
    const WHAT: &str = "OCSP response";
    match element[0] {
        0x80 => Ok(Status::Good),
        0x82 => Ok(Status::Unknown),
        0xa1 => {
            let mut info = Elements::of(0xa1, element, WHAT)?;
            let at = info.generalized_time()?;
            let reason = match info.optional(context(0))? {
                Some(explicit) => reason(Elements::of(context(0), explicit, WHAT)?.any()?),
                None => None,
            };
            Ok(Status::Revoked { at, reason })
        }
        _ => Err(PkiError::Malformed(WHAT)),
    }
}

/// A CertificateList.
#[derive(Debug)]
pub struct RevocationList<'a> {
    tbs: &'a [u8],
    scheme: Result<Scheme, VerifyError>,
    signature: &'a [u8],
    issuer: &'a [u8],
    this_update: OffsetDateTime,
    next_update: Option<OffsetDateTime>,
    number: Option<&'a [u8]>,
    revoked: Option<&'a [u8]>,
    scope: Scope,
    speaks_of_expired_since: Option<OffsetDateTime>,
}

/// Which certificates a list speaks of (RFC 5280 §5.2.5).
#[derive(Debug, Default)]
struct Scope {
    only_users: bool,
    only_authorities: bool,
    /// The distribution points that it serves; empty where it serves all.
    points: Vec<String>,
}

impl<'a> RevocationList<'a> {
    /// Reads a DER CertificateList. Lists of changes, of some reasons, and of several issuers are
    /// refused: none of them says that a certificate is good.
    pub fn read(der: &'a [u8]) -> Result<Self, VerifyError> {
        const WHAT: &str = "revocation list";
        let refused = |what: &str| Err(VerifyError::Unsupported(what.into()));
        let mut list = Elements::of(SEQUENCE, der, WHAT)?;
        let tbs = list.next(SEQUENCE)?;
        let scheme = algorithm::scheme(list.next(SEQUENCE)?, None);
        let signature = decode::whole_bytes(list.content(BIT_STRING)?, WHAT)?;
        list.finish()?;

        let mut parts = Elements::of(SEQUENCE, tbs, WHAT)?;
        parts.optional(INTEGER)?;
        parts.next(SEQUENCE)?;
        let issuer = parts.next(SEQUENCE)?;
        let this_update = instant(parts.any()?)?;
        let mut next_update = None;
        for tag in [UTC_TIME, GENERALIZED_TIME] {
            if let Some(element) = parts.optional(tag)? {
                next_update = Some(instant(element)?);
            }
        }
        let revoked = parts.optional(SEQUENCE)?;
        let (mut scope, mut number) = (Scope::default(), None);
        let mut speaks_of_expired_since = None;
        if let Some(extensions) = parts.optional(context(0))? {
            let mut extensions = Elements::of(context(0), extensions, WHAT)?.inside(SEQUENCE)?;
            while !extensions.is_finished() {
                let (id, critical, value) = decode::extension(&mut extensions)?;
                match id {
                    oid::DELTA_CRL_INDICATOR => return refused("a list of changes only"),
                    oid::ISSUING_DISTRIBUTION_POINT => scope = Scope::read(value)?,
                    oid::EXPIRED_CERTS_ON_CRL => speaks_of_expired_since = Some(instant(value)?),
                    oid::CRL_NUMBER => number = decode::content(INTEGER, value),
                    _ if critical => {
                        return refused("a list with an unknown critical extension");
                    }
                    _ => {}
                }
            }
        }
        parts.finish()?;
        Ok(Self {
            tbs,
            scheme,
            signature,
            issuer,
            this_update,
            next_update,
            number,
            revoked,
            scope,
            speaks_of_expired_since,
        })
    }

    /// Its number among its issuer's (RFC 5280 §5.2.3), if it has one that is not too long.
    pub fn number(&self) -> Option<u64> {
        let digits = self.number?;
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        let mut bytes = [0; 8];
        let digits = &digits[zeros..];
        let start = bytes.len().checked_sub(digits.len())?;
        bytes[start..].copy_from_slice(digits);
        Some(u64::from_be_bytes(bytes))
    }

    /// When the next one is due, if that is said.
    pub fn next_update(&self) -> Option<OffsetDateTime> {
        self.next_update
    }

    /// Everybody whom it names.
    ///
    /// Fails with [`VerifyError::Unreadable`].
    pub fn entries(&self) -> Result<Vec<Entry>, VerifyError> {
        let mut entries = Vec::new();
        self.walk(|serial, rest| {
            let (at, reason) = revoked(rest)?;
            entries.push(Entry {
                serial_hex: decode::serial_hex(
                    decode::content(INTEGER, serial).unwrap_or_default(),
                ),
                at,
                reason,
            });
            Ok(true)
        })?;
        Ok(entries)
    }

    /// How it was signed, where that is supported.
    pub fn scheme(&self) -> Option<Scheme> {
        self.scheme.as_ref().ok().copied()
    }

    /// What it says about a certificate; `None` where that is another issuer's or beyond its
    /// scope.
    pub fn about(&self, certificate: &Certificate) -> Result<Option<Statement>, VerifyError> {
        if certificate.issuer() != self.issuer || !self.scope.covers(certificate) {
            return Ok(None);
        }
        Ok(Some(Statement {
            status: self.status(certificate.serial())?,
            this_update: self.this_update,
            next_update: self.next_update,
            speaks_of_expired_since: self.speaks_of_expired_since,
        }))
    }

    /// Whether `authority`'s key signed it.
    pub fn is_signed_by(&self, authority: &Certificate) -> bool {
        self.issuer == authority.subject()
            && authority.may_sign_lists()
            && signed(&self.scheme, authority, self.tbs, self.signature)
    }

    fn status(&self, serial: &[u8]) -> Result<Status, VerifyError> {
        let mut status = Status::Good;
        self.walk(|listed, rest| {
            if listed != serial {
                return Ok(true);
            }
            let (at, reason) = revoked(rest)?;
            status = Status::Revoked { at, reason };
            Ok(false)
        })?;
        Ok(status)
    }

    /// Goes from entry to entry, with each one's serial number (a DER INTEGER) and what follows it,
    /// for as long as `visit` wants more.
    fn walk(
        &self,
        mut visit: impl FnMut(&[u8], Elements<'a>) -> Result<bool, VerifyError>,
    ) -> Result<(), VerifyError> {
        let Some(revoked) = self.revoked else {
            return Ok(());
        };
        let mut list = Elements::of(SEQUENCE, revoked, "revocation list")?;
        while !list.is_finished() {
            let mut entry = list.inside(SEQUENCE)?;
            let serial = entry.next(INTEGER)?;
            if !visit(serial, entry)? {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Since when and why a certificate is revoked, from what follows its serial number.
fn revoked(
    mut entry: Elements<'_>,
) -> Result<(OffsetDateTime, Option<RevocationReason>), VerifyError> {
    let at = instant(entry.any()?)?;
    let mut why = None;
    if let Some(extensions) = entry.optional(SEQUENCE)? {
        let mut extensions = Elements::of(SEQUENCE, extensions, "revocation list")?;
        while !extensions.is_finished() {
            let (id, _, value) = decode::extension(&mut extensions)?;
            if id == oid::CRL_REASON {
                why = reason(value);
            }
        }
    }
    Ok((at, why))
}

impl Scope {
    fn read(value: &[u8]) -> Result<Self, VerifyError> {
        let point = IssuingDistributionPoint::from_der(value)
            .map_err(|_| PkiError::Malformed("issuing distribution point"))?;
        if point.indirect_crl
            || point.only_contains_attribute_certs
            || point.only_some_reasons.is_some()
        {
            return Err(VerifyError::Unsupported(
                "a list of several issuers, of some reasons or of attributes".into(),
            ));
        }
        let points: Vec<_> = match point.distribution_point {
            None => Vec::new(),
            Some(DistributionPointName::FullName(names)) => {
                names.iter().filter_map(certificate::uri).collect()
            }
            Some(DistributionPointName::NameRelativeToCRLIssuer(_)) => {
                let what = "a list for a point with a relative name";
                return Err(VerifyError::Unsupported(what.into()));
            }
        };
        Ok(Self {
            only_users: point.only_contains_user_certs,
            only_authorities: point.only_contains_ca_certs,
            points,
        })
    }

    /// RFC 5280 §6.3.3 (b).
    fn covers(&self, certificate: &Certificate) -> bool {
        let kind = match certificate.is_authority() {
            true => !self.only_users,
            false => !self.only_authorities,
        };
        let named = certificate.distribution_points();
        kind && (self.points.is_empty() || self.points.iter().any(|point| named.contains(point)))
    }
}

fn signed(
    scheme: &Result<Scheme, VerifyError>,
    certificate: &Certificate,
    message: &[u8],
    signature: &[u8],
) -> bool {
    scheme.as_ref().is_ok_and(|scheme| {
        let key = certificate.public_key_info();
        scheme
            .verify(key, Signed::Message(message), signature)
            .is_ok()
    })
}

fn key_bits(certificate: &Certificate) -> Option<&[u8]> {
    decode::public_key_bits(certificate.public_key_info()).ok()
}

fn instant(element: &[u8]) -> Result<OffsetDateTime, PkiError> {
    let time = Time::from_der(element).map_err(|_| PkiError::Malformed("time"))?;
    Ok(decode::instant(time))
}

/// CRLReason; `None` where it is none that RFC 5280 §5.3.1 lists.
fn reason(element: &[u8]) -> Option<RevocationReason> {
    match decode::content(ENUMERATED, element)? {
        [number] => RevocationReason::of_number((*number).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode;

    #[test]
    fn reasons_are_read_as_they_are_written() {
        let written = encode::enumerated(1);
        assert_eq!(reason(&written), Some(RevocationReason::KeyCompromise));
        assert_eq!(reason(&encode::enumerated(7)), None);
    }
}
