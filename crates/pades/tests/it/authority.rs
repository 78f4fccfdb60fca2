//! An authority of our own for tests: one signer, its time-stamps, and what a validator needs.

use std::path::{Path, PathBuf};
use std::{fs, slice};

use crypto::{KeyAlgorithm, SigningKey, SoftwareKey, SystemEntropy};
use model::Clock;
use pades::{SecurityStore, SignatureSpec, TimeStampSpec};
use pki::cms::{CmsSigner, TimeStamper};
use pki::issuance::{Issuer, Validity};
use pki::ocsp::{Responder, Status};
use pki::profile::natural_person::{self, NaturalPerson, Posture, Qualification, Terms};
use pki::tsa::Tsa;
use pki::{AuthorityNames, AuthorityUrls, CertificateFacts, Established, establish};
use time::{Duration, OffsetDateTime};

/// Root, issuing authority, time-stamping unit and responders, made anew.
pub struct Authority {
    made: Established,
    issuer: Issuer,
    tsa: Tsa,
    clock: Fixed,
}

/// A person's certificate and key.
pub struct Person {
    key: SoftwareKey,
    certificate: Vec<u8>,
}

impl Authority {
    pub fn new() -> Self {
        let names = AuthorityNames {
            country: "ES".into(),
            organisation: "Ejemplo S.L.".into(),
            organisation_identifier: Some("VATES-B00000000".into()),
            prefix: "Avouch Test".into(),
        };
        let urls = AuthorityUrls::at("http://pki.example.com");
        let clock = Fixed(machine_time());
        let made = establish(&names, &urls, clock.now(), &SystemEntropy).unwrap();
        let (authority, unit) = (&made.issuing, &made.time_stamping);
        let chain = slice::from_ref(&authority.certificate);
        Self {
            issuer: authority.issuer(&urls).unwrap(),
            tsa: Tsa::new(&unit.certificate, chain, unit.key.clone()).unwrap(),
            made,
            clock,
        }
    }

    /// Writes the root where judges can read it.
    pub fn root(&self, folder: &Path) -> PathBuf {
        let path = folder.join("root.pem");
        let pem = pki::facts::to_pem(&self.made.root.certificate).unwrap();
        fs::write(&path, pem).unwrap();
        path
    }

    pub fn person(&self, given_name: &str) -> Person {
        let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let person = NaturalPerson {
            given_name: given_name.into(),
            surname: "Española".into(),
            common_name: format!("{given_name} Española"),
            country: "ES".into(),
            semantic_serial_number: "IDCES-99999999R".into(),
            email: None,
            organisation: None,
        };
        let terms = Terms {
            validity: Validity::starting(self.clock.now(), Validity::ONE_DAY),
            qualification: &Qualification::None,
            policy: None,
            practice_statement: None,
        };
        let draft = natural_person::draft(
            &self.issuer,
            &person,
            &terms,
            Posture::Classic,
            key.public_key_info(),
            &SystemEntropy,
        );
        let recorded = draft.unwrap().lint().unwrap().record().unwrap();
        let certificate = recorded.sign(&self.issuer).unwrap().into_certificate();
        Person { key, certificate }
    }

    /// Signs with a time-stamp, in a container of exactly the size that is needed.
    pub fn sign(
        &self,
        pdf: &[u8],
        person: &Person,
        spec: SignatureSpec,
    ) -> Result<Vec<u8>, pades::PdfError> {
        let chain = slice::from_ref(&self.made.issuing.certificate);
        let signer = CmsSigner::new(&person.key, &person.certificate, chain).unwrap();
        let stamper = self.tsa.stamper(&self.clock, &SystemEntropy);
        let spec = SignatureSpec {
            signing_time: self.clock.now(),
            reserve: signer.max_size(Some(&stamper)),
            ..spec
        };
        let prepared = pades::prepare(pdf, &spec)?;
        let cms = signer.sign(&prepared.digest(), Some(&stamper)).unwrap();
        let signed = prepared.embed(pdf, &cms)?;
        assert!(
            signed.starts_with(pdf),
            "every byte of the original is kept"
        );
        assert!(
            pades::signatures(&signed)?.iter().any(|one| one.cms == cms),
            "the container is found again"
        );
        Ok(signed)
    }

    /// Adds an archive time-stamp (B-LTA).
    pub fn archive(&self, pdf: &[u8]) -> Result<Vec<u8>, pades::PdfError> {
        let stamper = self.tsa.stamper(&self.clock, &SystemEntropy);
        let spec = TimeStampSpec {
            security_store: SecurityStore::default(),
            reserve: stamper.max_token_len(),
        };
        let prepared = pades::prepare_time_stamp(pdf, &spec)?;
        let token = self
            .tsa
            .token(&prepared.digest(), self.clock.now(), &SystemEntropy)
            .unwrap();
        prepared.embed(pdf, &token)
    }

    /// Everything that a validator needs for this person's signatures and their time-stamps.
    pub fn security_store(&self, person: &Person) -> SecurityStore {
        let made = &self.made;
        let responder = |issuer: &pki::establish::Entity, unit: &pki::establish::Entity| {
            let certificate = unit.certificate.clone();
            Responder::new(&issuer.certificate, certificate, unit.key.clone()).unwrap()
        };
        let issuing = responder(&made.issuing, &made.issuing_ocsp);
        let root = responder(&made.root, &made.root_ocsp);
        let good = |responder: &Responder, certificate: &[u8]| {
            let facts = CertificateFacts::read(certificate).unwrap();
            responder
                .answer_about(&facts.serial, Status::Good, self.clock.now())
                .unwrap()
        };
        SecurityStore {
            certificates: vec![
                made.root.certificate.clone(),
                made.issuing.certificate.clone(),
                made.time_stamping.certificate.clone(),
                person.certificate.clone(),
            ],
            ocsp_responses: vec![
                good(&issuing, &person.certificate),
                good(&issuing, &made.time_stamping.certificate),
                good(&root, &made.issuing.certificate),
            ],
            revocation_lists: Vec::new(),
        }
    }
}

struct Fixed(OffsetDateTime);

impl Clock for Fixed {
    fn now(&self) -> OffsetDateTime {
        self.0
    }
}

/// A second ago, so that nothing lies in the future of a judge that is asked at once.
#[expect(
    clippy::disallowed_methods,
    reason = "the judges go by the machine's own clock"
)]
fn machine_time() -> OffsetDateTime {
    (OffsetDateTime::now_utc() - Duration::SECOND)
        .replace_nanosecond(0)
        .unwrap()
}
