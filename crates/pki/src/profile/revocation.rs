//! Where a certificate says how it stands to revocation. One value decides about all of these
//! extensions, so that a certificate cannot both point to answers and say that there are none (RFC
//! 9608 §3).

use model::Posture;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{AccessDescription, AuthorityInfoAccessSyntax};

use super::{ascii, encoded};
use crate::issuance::{Issuer, Pointers};
use crate::{PkiError, encode, oid};

/// How relying parties learn whether a certificate was revoked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Revocation {
    /// From an OCSP responder.
    Answers,
    /// From an OCSP responder, or from the revocation list, if the issuer publishes one: for what
    /// lasts.
    AnswersAndList,
    /// From an OCSP responder, or from the list that the issuer publishes about authorities, if it
    /// does.
    AnswersAndAuthorityList,
    /// They need not ask: it is over before a revocation could take effect.
    NotAvailable,
}

impl From<Posture> for Revocation {
    fn from(posture: Posture) -> Self {
        match posture {
            Posture::Classic => Revocation::Answers,
            Posture::ShortTerm => Revocation::NotAvailable,
        }
    }
}

impl Revocation {
    /// The extensions that say so, for the certificate of a key. The issuer's certificate is pointed to in any case (EN 319 412-2
    /// GEN-4.4.1-3); RFC 9608 §3 has nothing against that.
    pub(super) fn extensions(
        self,
        issuer: &Issuer,
        public_key_info: &[u8],
    ) -> Result<Vec<Vec<u8>>, PkiError> {
        let pointers = issuer.pointers();
        let mut extensions = Vec::new();
        match self {
            Revocation::Answers => extensions.push(access(Some(&pointers.ocsp), pointers)?),
            Revocation::AnswersAndList => {
                extensions.push(access(Some(&pointers.ocsp), pointers)?);
                if let Some(lists) = &pointers.lists {
                    let shard = lists.shard_for(public_key_info)?;
                    extensions.push(revocation_list(&lists.address(shard))?);
                }
            }
            Revocation::AnswersAndAuthorityList => {
                extensions.push(access(Some(&pointers.ocsp), pointers)?);
                if let Some(address) = &pointers.authority_list {
                    extensions.push(revocation_list(address)?);
                }
            }
            Revocation::NotAvailable => {
                extensions.push(access(None, pointers)?);
                for id in [oid::NO_REV_AVAIL, oid::VALIDITY_ASSURED_SHORT_TERM] {
                    extensions.push(encode::extension(&id, false, &encode::NULL));
                }
            }
        }
        Ok(extensions)
    }
}

fn access(ocsp: Option<&str>, pointers: &Pointers) -> Result<Vec<u8>, PkiError> {
    let entry = |access_method, address: &str| {
        let address = ascii("the address of the authority", address)?;
        Ok::<_, PkiError>(AccessDescription {
            access_method,
            access_location: GeneralName::UniformResourceIdentifier(address),
        })
    };
    let ocsp = ocsp.map(|address| entry(oid::ACCESS_OCSP, address));
    let issuer = entry(oid::ACCESS_CA_ISSUERS, &pointers.certificate);
    let entries = ocsp.into_iter().chain([issuer]).collect::<Result<_, _>>()?;
    let value = encoded(&AuthorityInfoAccessSyntax(entries))?;
    Ok(encode::extension(
        &oid::AUTHORITY_INFO_ACCESS,
        false,
        &value,
    ))
}

/// CRLDistributionPoints with one point of one address (RFC 5280 §4.2.1.13).
fn revocation_list(address: &str) -> Result<Vec<u8>, PkiError> {
    let address = ascii("the address of the revocation list", address)?;
    let full_name = encoded(&GeneralName::UniformResourceIdentifier(address))?;
    let point = encode::context(0, &encode::context(0, &full_name));
    let value = encode::sequence(&[&encode::sequence(&[&point])]);
    Ok(encode::extension(
        &oid::CRL_DISTRIBUTION_POINTS,
        false,
        &value,
    ))
}
