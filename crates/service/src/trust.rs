//! The CA, its OCSP responders and the TSA, generation by generation, as the use cases see them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use model::{Clock, Entropy};
use pki::cms::TimeStamper;
use pki::establish::{Authorities, Entity};
use pki::issuance::{Draft, Issuer, Recorded, Validity};
use pki::ocsp::{self, Refusal, Responder};
use pki::profile::natural_person::{self, NaturalPerson, Qualification, Terms};
use pki::tsa::Tsa;
use pki::{AuthorityUrls, CertificateFacts, PkiError};
use store::CertificateState;
use time::OffsetDateTime;

use crate::case::Case;
use crate::{Error, Service};

/// Our authorities. A newer generation takes its place while others still work with the one that
/// they hold.
pub struct TrustAnchors(RwLock<Arc<Anchors>>);

impl TrustAnchors {
    /// Joins what was established with where it is published now.
    ///
    /// # Errors
    ///
    /// [`PkiError`] when certificates and keys do not belong together, or when one of the
    /// authorities is missing.
    pub fn new(
        authorities: impl Into<Authorities>,
        urls: &AuthorityUrls,
    ) -> Result<Self, PkiError> {
        let anchors = Anchors::new(authorities.into(), urls)?;
        Ok(Self(RwLock::new(Arc::new(anchors))))
    }

    pub(crate) fn now(&self) -> Arc<Anchors> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, others: TrustAnchors) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = others.now();
    }
}

/// The authorities at one time.
pub(crate) struct Anchors {
    root: Vec<u8>,
    root_responder: Responder,
    /// The oldest first.
    generations: Vec<Generation>,
    /// The last of them, which issues now.
    issuing: usize,
    tsa: Tsa,
    time_stamping: Vec<u8>,
    /// Serial numbers of the authorities' own certificates.
    established: Vec<String>,
}

/// An issuing authority and what belongs to it.
struct Generation {
    issuer: Issuer,
    /// What leads from an end entity towards the root, which is not sent along.
    chain: Vec<Vec<u8>>,
    responder: Responder,
}

impl Generation {
    fn issued(&self, facts: &CertificateFacts) -> bool {
        let key = hex::encode(self.issuer.key_identifier());
        facts.authority_key_identifier == Some(key)
    }
}

impl Anchors {
    fn new(authorities: Authorities, urls: &AuthorityUrls) -> Result<Self, PkiError> {
        let Authorities {
            root,
            issuing,
            time_stamping,
            responders,
        } = authorities;
        let everybody = issuing.iter().chain(&time_stamping).chain(&responders);
        let established = everybody
            .map(|entity| Ok(CertificateFacts::read(&entity.certificate)?.serial))
            .collect::<Result<_, PkiError>>()?;
        let generation = |entity: Entity| {
            let responder = responder_of(&entity.certificate, &responders)?;
            Ok(Generation {
                chain: vec![entity.certificate.clone()],
                issuer: Issuer::new(entity.certificate, entity.key, urls.issuing_pointers())?,
                responder,
            })
        };
        let generations: Vec<_> = issuing
            .into_iter()
            .map(generation)
            .collect::<Result<_, PkiError>>()?;
        let missing = PkiError::Mismatch("an installation needs an issuing CA and a TSA");
        let (Some(issuing), Some(unit)) = (
            generations.len().checked_sub(1),
            time_stamping.into_iter().last(),
        ) else {
            return Err(missing);
        };
        let facts = CertificateFacts::read(&unit.certificate)?;
        let chain = generations
            .iter()
            .find(|one| one.issued(&facts))
            .map_or(&[][..], |one| &one.chain);
        Ok(Self {
            root_responder: responder_of(&root, &responders)?,
            tsa: Tsa::new(&unit.certificate, chain, unit.key)?,
            time_stamping: unit.certificate,
            root,
            generations,
            issuing,
            established,
        })
    }

    fn current(&self) -> &Generation {
        &self.generations[self.issuing]
    }

    /// The authority that issues now.
    pub(crate) fn issuer(&self) -> &Issuer {
        &self.current().issuer
    }

    /// What leads from a certificate that is issued now towards the root.
    pub(crate) fn chain(&self) -> &[Vec<u8>] {
        &self.current().chain
    }

    /// What leads from a certificate (DER) that we issued, whenever, towards the root.
    pub(crate) fn chain_of(&self, certificate: &[u8]) -> Result<&[Vec<u8>], PkiError> {
        let facts = CertificateFacts::read(certificate)?;
        Ok(&self.generation_of(&facts)?.chain)
    }

    pub(crate) fn root_certificate(&self) -> &[u8] {
        &self.root
    }

    pub(crate) fn time_stamping_certificate(&self) -> &[u8] {
        &self.time_stamping
    }

    /// The certificate (DER), signed by the authority for which it was drawn up: after a crash,
    /// that may be an older one.
    pub(crate) fn sign(&self, recorded: Recorded) -> Result<Vec<u8>, PkiError> {
        let issuer = self.issuer_of(&recorded);
        Ok(recorded.sign(issuer)?.into_certificate())
    }

    /// The authority for which a certificate was drawn up.
    pub(crate) fn issuer_of(&self, recorded: &Recorded) -> &Issuer {
        let mut issuers = self.generations.iter().map(|one| &one.issuer);
        let found = issuers.find(|issuer| issuer.drew_up(recorded));
        found.unwrap_or(self.issuer())
    }

    /// OCSP answers for a certificate of ours (DER) that is good now, and for its issuer.
    pub(crate) fn answers_for(
        &self,
        certificate: &[u8],
        now: OffsetDateTime,
    ) -> Result<Vec<Vec<u8>>, PkiError> {
        let facts = CertificateFacts::read(certificate)?;
        let generation = self.generation_of(&facts)?;
        let issuer = CertificateFacts::read(generation.issuer.certificate())?;
        let good = ocsp::Status::Good;
        Ok(vec![
            generation
                .responder
                .answer_about(&facts.serial, good, now)?,
            self.root_responder
                .answer_about(&issuer.serial, good, now)?,
        ])
    }

    pub(crate) fn stamper<'a>(
        self: &Arc<Self>,
        clock: &'a dyn Clock,
        entropy: &'a dyn Entropy,
    ) -> Stamper<'a> {
        Stamper {
            anchors: Arc::clone(self),
            clock,
            entropy,
        }
    }

    fn generation_of(&self, facts: &CertificateFacts) -> Result<&Generation, PkiError> {
        let found = self.generations.iter().find(|one| one.issued(facts));
        found.ok_or(PkiError::Mismatch("the certificate is of another issuer"))
    }

    fn responders(&self) -> impl Iterator<Item = &Responder> {
        let issuing = self.generations.iter().map(|one| &one.responder);
        issuing.chain([&self.root_responder])
    }
}

/// Our own TSA, which stays what it was while somebody holds it.
pub(crate) struct Stamper<'a> {
    anchors: Arc<Anchors>,
    clock: &'a dyn Clock,
    entropy: &'a dyn Entropy,
}

impl TimeStamper for Stamper<'_> {
    fn time_stamp(&self, imprint: &[u8; 32]) -> Result<Vec<u8>, PkiError> {
        let stamper = self.anchors.tsa.stamper(self.clock, self.entropy);
        stamper.time_stamp(imprint)
    }

    fn max_token_len(&self) -> usize {
        let stamper = self.anchors.tsa.stamper(self.clock, self.entropy);
        stamper.max_token_len()
    }
}

/// Who answers now for what `issuer` (DER) issued: the last one whom it appointed.
fn responder_of(issuer: &[u8], responders: &[Entity]) -> Result<Responder, PkiError> {
    let key = CertificateFacts::read(issuer)?.key_identifier;
    for entity in responders.iter().rev() {
        let facts = CertificateFacts::read(&entity.certificate)?;
        if facts.authority_key_identifier.as_ref() == Some(&key) {
            let Entity { certificate, key } = entity.clone();
            return Responder::new(issuer, certificate, key);
        }
    }
    Err(PkiError::Mismatch("an authority has no OCSP responder"))
}

impl Service {
    /// The root's certificate, DER.
    pub fn root_certificate(&self) -> Vec<u8> {
        self.anchors().root.clone()
    }

    /// The issuing CA's certificate, DER.
    pub fn issuing_certificate(&self) -> Vec<u8> {
        self.anchors().issuer().certificate().to_vec()
    }

    /// From now on the authorities are these: what is under way ends with those it began with.
    pub fn replace_authorities(&self, anchors: TrustAnchors) {
        self.inner.parts.anchors.replace(anchors);
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
        let Some(responder) = anchors.responders().find(|one| one.serves(&request)) else {
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
        let anchors = self.anchors();
        let issuer = anchors.issuer();
        let (posture, entropy) = (self.policy().posture, self.entropy());
        natural_person::draft(issuer, &person, &terms, posture, public_key_info, entropy)
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
