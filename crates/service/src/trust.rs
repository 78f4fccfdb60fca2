//! The CA, its OCSP responders and the TSA, as the use cases see them.

use std::collections::HashMap;

use model::Clock;
use model::Entropy;
use pki::establish::Established;
use pki::issuance::{Draft, Issuer, Validity};
use pki::ocsp::{self, Refusal, Responder};
use pki::profile::natural_person::{self, NaturalPerson, Qualification, Terms};
use pki::tsa::{Stamper, Tsa};
use pki::{AuthorityUrls, PkiError};
use store::CertificateState;

use crate::case::Case;
use crate::{Error, Service};

/// Our authorities: certificates and keys.
pub struct TrustAnchors {
    root_certificate: Vec<u8>,
    issuer: Issuer,
    /// What leads from an end entity towards the root, which is not sent along.
    chain: Vec<Vec<u8>>,
    tsa: Tsa,
    issuing_responder: Responder,
    root_responder: Responder,
    /// Serial numbers of what was issued at establishment and stands in no database.
    established: Vec<String>,
}

impl TrustAnchors {
    /// Joins what was established once with where it is published now.
    ///
    /// # Errors
    ///
    /// [`PkiError`] when certificates and keys do not belong together.
    pub fn new(established: Established, urls: &AuthorityUrls) -> Result<Self, PkiError> {
        let Established {
            root,
            issuing,
            time_stamping,
            issuing_ocsp,
            root_ocsp,
        } = established;
        let serials =
            [&issuing, &time_stamping, &issuing_ocsp, &root_ocsp].map(|entity| &entity.certificate);
        let established = serials
            .into_iter()
            .map(|der| Ok(pki::CertificateFacts::read(der)?.serial))
            .collect::<Result<_, PkiError>>()?;
        let chain = vec![issuing.certificate.clone()];
        Ok(Self {
            tsa: Tsa::new(&time_stamping.certificate, &chain, time_stamping.key)?,
            issuing_responder: Responder::new(
                &issuing.certificate,
                issuing_ocsp.certificate,
                issuing_ocsp.key,
            )?,
            root_responder: Responder::new(
                &root.certificate,
                root_ocsp.certificate,
                root_ocsp.key,
            )?,
            issuer: Issuer::new(issuing.certificate, issuing.key, urls.issuing_pointers())?,
            root_certificate: root.certificate,
            chain,
            established,
        })
    }

    pub(crate) fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    pub(crate) fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    pub(crate) fn stamper<'a>(
        &'a self,
        clock: &'a dyn Clock,
        entropy: &'a dyn Entropy,
    ) -> Stamper<'a> {
        self.tsa.stamper(clock, entropy)
    }
}

impl Service {
    /// The root's certificate, DER.
    pub fn root_certificate(&self) -> &[u8] {
        &self.anchors().root_certificate
    }

    /// The issuing CA's certificate, DER.
    pub fn issuing_certificate(&self) -> &[u8] {
        self.anchors().issuer.certificate()
    }

    /// Answers an OCSP request (RFC 6960), DER for DER. What cannot be answered is refused in
    /// the protocol's own words.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn ocsp(&self, request: &[u8]) -> Result<Vec<u8>, Error> {
        let request = match ocsp::Request::parse(request) {
            Ok(request) => request,
            Err(refusal) => return Ok(refusal.response()),
        };
        let anchors = self.anchors();
        let responders = [&anchors.issuing_responder, &anchors.root_responder];
        let Some(responder) = responders.into_iter().find(|one| one.serves(&request)) else {
            return Ok(Refusal::Unauthorized.response());
        };
        let mut known = HashMap::new();
        let mut reader = self.store().read().await?;
        for serial in request.serials() {
            known.insert(serial.to_owned(), self.standing(&mut reader, serial).await?);
        }
        drop(reader);
        let lookup = |serial: &str| known.get(serial).copied().unwrap_or(ocsp::Status::Unknown);
        responder
            .respond(&request, lookup, self.now())
            .map_err(issuing)
    }

    async fn standing(
        &self,
        reader: &mut store::Reader,
        serial: &str,
    ) -> Result<ocsp::Status, Error> {
        if self
            .anchors()
            .established
            .iter()
            .any(|known| known == serial)
        {
            return Ok(ocsp::Status::Good);
        }
        let Some(row) = store::certificates::get(reader, serial).await? else {
            return Ok(ocsp::Status::Unknown);
        };
        Ok(match row.state {
            CertificateState::Recorded => ocsp::Status::Unknown,
            CertificateState::Valid => ocsp::Status::Good,
            CertificateState::Suspended | CertificateState::Revoked => ocsp::Status::Revoked {
                at: row.revoked_at.unwrap_or(row.not_before),
                reason: row.reason,
            },
        })
    }

    /// Answers a time-stamp request (RFC 3161), DER for DER.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only: what cannot be granted is refused in the protocol's own words.
    pub fn time_stamp(&self, request: &[u8]) -> Result<Vec<u8>, Error> {
        self.anchors()
            .tsa
            .respond(request, self.now(), self.entropy())
            .map_err(issuing)
    }

    /// The one-time certificate that a signer will have.
    pub(crate) fn draft_for_signer(
        &self,
        case: &Case,
        public_key_info: &[u8],
        validity: Validity,
    ) -> Result<Draft, Error> {
        let subject = &case.subject;
        let incomplete = || {
            let lacking = case
                .profile()
                .map(|profile| profile.missing(subject))
                .unwrap_or_default();
            Error::IncompleteSubject {
                request: case.pk(),
                fields: lacking.into_iter().map(str::to_owned).collect(),
            }
        };
        let person = NaturalPerson {
            given_name: subject.given_name.clone().ok_or_else(incomplete)?,
            surname: subject.surnames(),
            common_name: subject.full_name(),
            country: subject.country().to_string(),
            semantic_serial_number: subject.semantic_serial_number().ok_or_else(incomplete)?,
            email: Some(subject.email.as_str().to_owned()),
            organisation: None,
        };
        let qualification = match &self.policy().qualification {
            Qualification::Qualified { disclosures, .. } if case.profile()?.is_qualified() => {
                Qualification::Qualified {
                    qscd: case.profile()?.wants_qscd(),
                    disclosures: disclosures.clone(),
                }
            }
            _ => Qualification::None,
        };
        let terms = Terms {
            validity,
            qualification: &qualification,
            policy: None,
            practice_statement: None,
        };
        let issuer = self.anchors().issuer();
        natural_person::draft(issuer, &person, &terms, public_key_info, self.entropy())
            .map_err(|error| refused(case, error))
    }
}

/// A value that cannot stand in a certificate is the subject's; all else is ours.
pub(crate) fn refused(case: &Case, error: PkiError) -> Error {
    match error {
        PkiError::Value { field, .. } => Error::IncompleteSubject {
            request: case.pk(),
            fields: vec![field.to_owned()],
        },
        other => issuing(other),
    }
}

pub(crate) fn issuing(error: PkiError) -> Error {
    Error::Internal(format!("public key infrastructure: {error}"))
}
