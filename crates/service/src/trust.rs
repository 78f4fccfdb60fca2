//! The CA, its OCSP responders and the TSA, generation by generation, as the use cases see them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use model::{Clock, Entropy};
use pki::cms::TimeStamper;
use pki::establish::{Authorities, Entity, Role};
use pki::issuance::{Draft, Issuer, Recorded, Validity};
use pki::ocsp::{self, Responder};
use pki::profile::natural_person::{self, NaturalPerson, Qualification, Terms};
use pki::tsa::Tsa;
use pki::verify::Horizon;
use pki::{AuthorityUrls, CertificateFacts, PkiError};
use time::{Duration, OffsetDateTime};

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

    pub(crate) fn replace(&self, others: TrustAnchors) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = others.now();
    }
}

/// How long an answer about an authority's certificate goes into signatures before a new one does.
const KEPT: Duration = Duration::MINUTE;

/// Answers about authorities' certificates, which many signatures carry: by serial number, and when
/// each was made.
#[derive(Default)]
struct Kept(Mutex<HashMap<String, (OffsetDateTime, Vec<u8>)>>);

impl Kept {
    fn answer(
        &self,
        responder: &Responder,
        serial: &str,
        now: OffsetDateTime,
    ) -> Result<Vec<u8>, PkiError> {
        let kept = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, answer)) = kept().get(serial)
            && (*at..*at + KEPT).contains(&now)
        {
            return Ok(answer.clone());
        }
        let answer = responder.answer_about(serial, ocsp::Status::Good, now)?;
        kept().insert(serial.to_owned(), (now, answer.clone()));
        Ok(answer)
    }
}

/// The authorities at one time.
pub(crate) struct Anchors {
    root: Vec<u8>,
    root_responder: Arc<Responder>,
    /// The oldest first.
    generations: Vec<Generation>,
    /// The last of them, which issues now.
    issuing: usize,
    tsa: Tsa,
    time_stamping: Vec<u8>,
    time_stamping_until: OffsetDateTime,
    answers_hold_until: OffsetDateTime,
    kept: Kept,
    root_key: String,
    /// The authorities' own certificates, the root's included.
    established: Vec<Appointed>,
}

/// A certificate of one of the authorities themselves.
pub(crate) struct Appointed {
    pub(crate) office: &'static str,
    pub(crate) facts: CertificateFacts,
    pub(crate) der: Vec<u8>,
    /// Whether it is in use: the last of its office, of responders the last of each issuer, and
    /// every issuing authority but those that another has replaced.
    pub(crate) current: bool,
}

impl Appointed {
    fn new(office: &'static str, der: &[u8]) -> Result<Self, PkiError> {
        Ok(Self {
            office,
            facts: CertificateFacts::read(der)?,
            der: der.to_vec(),
            current: false,
        })
    }

    /// The identifier of its issuer's key.
    pub(crate) fn issuer(&self) -> &str {
        let facts = &self.facts;
        let issuer = facts.authority_key_identifier.as_deref();
        issuer.unwrap_or(&facts.key_identifier)
    }
}

/// Where a certificate stands among those issued.
pub(crate) struct Listing {
    /// Its issuer's key identifier.
    pub(crate) issuer: String,
    /// The shard of the issuer's revocation lists that it points to.
    pub(crate) shard: Option<i64>,
}

/// An issuing authority and what belongs to it.
struct Generation {
    issuer: Issuer,
    /// The identifier of its key, in hexadecimal.
    key: String,
    /// The serial number of its certificate.
    serial: String,
    /// What leads from an end entity towards the root, which is not sent along.
    chain: Vec<Vec<u8>>,
    responder: Arc<Responder>,
}

impl Generation {
    fn issued(&self, facts: &CertificateFacts) -> bool {
        facts.authority_key_identifier.as_ref() == Some(&self.key)
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
        let mut established = vec![Appointed::new(Role::Root.name(), &root)?];
        for (office, holders) in [
            (Role::Issuing.name(), &issuing),
            (Role::TimeStamping.name(), &time_stamping),
            ("ocsp", &responders),
        ] {
            for holder in holders {
                established.push(Appointed::new(office, &holder.certificate)?);
            }
        }
        let generation = |entity: Entity| {
            let responder = responder_of(&entity.certificate, &responders)?;
            let facts = CertificateFacts::read(&entity.certificate)?;
            Ok(Generation {
                key: facts.key_identifier,
                serial: facts.serial,
                issuer: entity.issuer(urls)?,
                chain: vec![entity.certificate],
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
        let (root_responder, root_key) = (
            responder_of(&root, &responders)?,
            CertificateFacts::read(&root)?.key_identifier,
        );
        let responding = generations.iter().map(|one| &one.responder);
        let used: Vec<_> = responding
            .chain([&root_responder])
            .map(|responder| responder.certificate())
            .chain(generations.last().map(|one| one.issuer.certificate()))
            .chain([root.as_slice(), &unit.certificate])
            .collect();
        for one in &mut established {
            one.current = used.contains(&one.der.as_slice());
        }
        let mut made = Self {
            time_stamping_until: facts.not_after,
            answers_hold_until: facts.not_after,
            kept: Kept::default(),
            root_responder,
            root_key,
            tsa: Tsa::new(&unit.certificate, chain, unit.key)?,
            time_stamping: unit.certificate,
            root,
            generations,
            issuing,
            established,
        };
        made.answers_hold_until = made.earliest_end()?;
        Ok(made)
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

    /// OCSP answers for certificates of ours (DER) that are good now, and for their issuers, each
    /// once. A certificate that says that nothing will be known about it has none of its own.
    pub(crate) fn answers_for(
        &self,
        certificates: &[&[u8]],
        now: OffsetDateTime,
    ) -> Result<Vec<Vec<u8>>, PkiError> {
        let mut answers = Vec::with_capacity(certificates.len() + 1);
        let mut issuers = BTreeSet::new();
        for certificate in certificates {
            let own = self.established.iter().find(|one| one.der == *certificate);
            let read;
            let facts = match own {
                Some(own) => &own.facts,
                None => {
                    read = CertificateFacts::read(certificate)?;
                    &read
                }
            };
            let generation = self.generation_of(facts)?;
            if !facts.no_revocation_available {
                let (responder, serial) = (&generation.responder, &facts.serial);
                answers.push(match own {
                    Some(_) => self.kept.answer(responder, serial, now)?,
                    None => responder.answer_about(serial, ocsp::Status::Good, now)?,
                });
            }
            if issuers.insert(&generation.serial) {
                let (responder, serial) = (&self.root_responder, &generation.serial);
                answers.push(self.kept.answer(responder, serial, now)?);
            }
        }
        Ok(answers)
    }

    /// Until when signatures that are made now can be validated with what answers for them: the
    /// earliest end among those who give the answers, and among the algorithms of all who are in
    /// office.
    pub(crate) fn answers_hold_until(&self) -> OffsetDateTime {
        self.answers_hold_until
    }

    /// The last second of our own time-stamping unit's certificate.
    pub(crate) fn time_stamping_until(&self) -> OffsetDateTime {
        self.time_stamping_until
    }

    fn earliest_end(&self) -> Result<OffsetDateTime, PkiError> {
        let mut end = CertificateFacts::read(self.root_responder.certificate())?.not_after;
        for generation in &self.generations {
            let facts = CertificateFacts::read(generation.responder.certificate())?;
            // An older authority's responder matters while that authority's certificates do.
            if generation.issuer.not_after() >= self.issuer().not_after() {
                end = end.min(facts.not_after);
            }
        }
        for one in self.established.iter().filter(|one| one.current) {
            if let Some(horizon) = Horizon::of_certificate(&one.der)? {
                end = end.min(horizon.end);
            }
        }
        Ok(end)
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

    /// Whether this is the serial number of one of the authorities' own certificates.
    pub(crate) fn established(&self, issuer: &str, serial: &str) -> bool {
        let mut own = self.established.iter();
        own.any(|one| one.facts.serial == serial && one.issuer() == issuer)
    }

    /// The authorities' own certificates.
    pub(crate) fn appointed(&self) -> &[Appointed] {
        &self.established
    }

    /// Who answers what is asked about one issuer's certificates, and that issuer's key identifier.
    pub(crate) fn responder_for(&self, request: &ocsp::Request) -> Option<(&str, &Arc<Responder>)> {
        let issuing = self.generations.iter();
        let mut all = issuing
            .map(|one| (one.key.as_str(), &one.responder))
            .chain([(self.root_key.as_str(), &self.root_responder)]);
        all.find(|(_, responder)| responder.serves(request))
    }

    /// The key identifier of the first issuing authority, whose certificates point to addresses
    /// without one.
    pub(crate) fn first_issuer(&self) -> &str {
        let first = self.generations.first();
        &first.unwrap_or(self.current()).key
    }

    /// The issuing authority with that key identifier.
    pub(crate) fn issuer_with(&self, key: &str) -> Option<&Issuer> {
        let found = self.generations.iter().find(|one| one.key == key);
        found.map(|one| &one.issuer)
    }

    /// The key identifiers of the authorities that still sign lists, and in how many shards.
    pub(crate) fn publishing(&self, now: OffsetDateTime) -> Vec<(String, u16)> {
        let alive = self.generations.iter();
        alive
            .filter(|one| now <= one.issuer.not_after())
            .map(|one| {
                let lists = one.issuer.pointers().lists.as_ref();
                (one.key.clone(), lists.map_or(0, |lists| lists.shards.get()))
            })
            .collect()
    }

    /// Where the revocation lists of each issuing authority are, by its key identifier.
    pub(crate) fn list_folders(&self) -> impl Iterator<Item = (&str, &str)> {
        self.generations.iter().filter_map(|one| {
            let lists = one.issuer.pointers().lists.as_ref()?;
            Some((one.key.as_str(), lists.folder.as_str()))
        })
    }

    /// Where a certificate stands that is on record.
    pub(crate) fn listing(&self, recorded: &Recorded) -> Listing {
        let issuer = self.issuer_of(recorded);
        let lists = issuer.pointers().lists.as_ref();
        Listing {
            issuer: hex::encode(issuer.key_identifier()),
            shard: lists.and_then(|lists| recorded.shard(lists)).map(i64::from),
        }
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
fn responder_of(issuer: &[u8], responders: &[Entity]) -> Result<Arc<Responder>, PkiError> {
    let key = CertificateFacts::read(issuer)?.key_identifier;
    for entity in responders.iter().rev() {
        let facts = CertificateFacts::read(&entity.certificate)?;
        if facts.authority_key_identifier.as_ref() == Some(&key) {
            let Entity { certificate, key } = entity.clone();
            return Responder::new(issuer, certificate, key).map(Arc::new);
        }
    }
    Err(PkiError::Mismatch("an authority has no OCSP responder"))
}

impl Service {
    /// The root's certificate, DER.
    pub fn root_certificate(&self) -> Vec<u8> {
        self.anchors().root.clone()
    }

    /// The certificate of the issuing authority with that key identifier, or of the first one, DER.
    pub fn issuing_certificate(&self, issuer: Option<&str>) -> Option<Vec<u8>> {
        let anchors = self.anchors();
        let issuer = anchors.issuer_with(issuer.unwrap_or(anchors.first_issuer()))?;
        Some(issuer.certificate().to_vec())
    }

    /// Answers a time-stamp request (RFC 3161), DER for DER.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only: what cannot be granted is refused in the protocol's own words.
    pub async fn time_stamp(&self, request: &[u8]) -> Result<Vec<u8>, Error> {
        let (anchors, request) = (self.anchors(), request.to_vec());
        self.at_light_work_if(anchors.tsa.may_block(), move |service| {
            let (now, entropy) = (service.now(), service.entropy());
            anchors.tsa.respond(&request, now, entropy)
        })
        .await?
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
    match error {
        // A token that is away says when to come back.
        PkiError::Crypto(error) => error.into(),
        other => Error::Internal(format!("public key infrastructure: {other}")),
    }
}
