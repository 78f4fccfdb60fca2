//! How a certificate stands to revocation (RFC 5280 §4.2.1.13 and §4.2.2.1, RFC 9608, EN 319 412-1
//! §5.2.2, EN 319 412-2 §4.3.11 and §4.4.1).

use const_oid::ObjectIdentifier;
use der::Decode;
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{AuthorityInfoAccessSyntax, CrlDistributionPoints};

use super::Lint;
use crate::{encode, oid};

/// The longest time that a revocation may take to be published (EN 319 411-1 §6.2.4), in seconds.
const LONGEST_REVOCATION: u64 = 24 * 60 * 60;

impl Lint<'_> {
    /// Rules for any certificate.
    pub(super) fn revocation(&mut self) {
        let lists = self.certificate.get_extension::<CrlDistributionPoints>();
        self.expect(
            match &lists {
                Ok(Some((critical, lists))) => !critical && lists.0.iter().any(is_over_http),
                Ok(None) => true,
                Err(_) => false,
            },
            "EN 319 412-2 §4.3.11",
            "a revocation list must be pointed to over HTTP, in an extension that is not critical",
        );
        let access = self.extension(oid::AUTHORITY_INFO_ACCESS);
        self.expect(
            access.is_none_or(|(critical, value)| {
                !critical && AuthorityInfoAccessSyntax::from_der(value).is_ok()
            }),
            "RFC 5280 §4.2.2.1",
            "authority information access must be readable and not be critical",
        );
        self.short_term();
    }

    /// A certificate that is not revoked says so, in both ways that there are, and points nowhere.
    fn short_term(&mut self) {
        let no_answers = self.extension(oid::NO_REV_AVAIL);
        let assured = self.extension(oid::VALIDITY_ASSURED_SHORT_TERM);
        let says_so = |found: Option<(bool, &[u8])>| {
            found.is_none_or(|(critical, value)| !critical && value == encode::NULL)
        };
        self.expect(
            says_so(no_answers),
            "RFC 9608 §2",
            "noRevAvail must hold NULL and not be critical",
        );
        self.expect(
            says_so(assured),
            "EN 319 412-1 §5.2.2",
            "the extension of short-term certificates must hold NULL and not be critical",
        );
        self.expect(
            no_answers.is_some() == assured.is_some(),
            "Avouch",
            "a short-term certificate must say so as RFC 9608 and as EN 319 412-1 want it",
        );
        let pointed_to = self.has_extension(oid::CRL_DISTRIBUTION_POINTS)
            || self.has_extension(oid::FRESHEST_CRL)
            || self.points(oid::ACCESS_OCSP);
        self.expect(
            no_answers.is_none() || !pointed_to,
            "RFC 9608 §3",
            "a certificate for which there are no revocation answers must not point to any",
        );
        self.expect(
            no_answers.is_none() || self.basic_constraints().is_none_or(|(_, found)| !found.ca),
            "RFC 9608 §3",
            "an authority must be revocable",
        );
        let validity = self.certificate.validity();
        let lasting = validity
            .not_after
            .to_unix_duration()
            .saturating_sub(validity.not_before.to_unix_duration());
        self.expect(
            no_answers.is_none() || lasting.as_secs() <= LONGEST_REVOCATION,
            "EN 319 411-1 §3.1",
            "a short-term certificate must end before a revocation would have to be published",
        );
    }

    /// What people's and organisations' certificates point to.
    pub(super) fn access_pointers(&mut self) {
        self.expect(
            self.points(oid::ACCESS_CA_ISSUERS),
            "EN 319 412-2 §4.4.1",
            "the issuer's certificate must be pointed to over HTTP",
        );
        self.expect(
            self.points(oid::ACCESS_OCSP) || self.has_extension(oid::NO_REV_AVAIL),
            "EN 319 412-2 §4.4.1",
            "the issuer's OCSP responder must be pointed to over HTTP",
        );
    }

    fn points(&self, method: ObjectIdentifier) -> bool {
        let access = self
            .certificate
            .get_extension::<AuthorityInfoAccessSyntax>()
            .ok()
            .flatten();
        access.is_some_and(|(_, access)| {
            access.0.iter().any(|entry| {
                entry.access_method == method && is_web_address(&entry.access_location)
            })
        })
    }
}

fn is_web_address(name: &GeneralName) -> bool {
    matches!(name, GeneralName::UniformResourceIdentifier(uri)
        if uri.as_str().starts_with("http://") || uri.as_str().starts_with("https://"))
}

fn is_over_http(point: &DistributionPoint) -> bool {
    matches!(&point.distribution_point, Some(DistributionPointName::FullName(names))
        if names.iter().any(is_web_address))
}
