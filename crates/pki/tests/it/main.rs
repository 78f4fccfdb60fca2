//! Everything that this room makes, judged by OpenSSL and pkilint.

mod authority_list;
mod bad_input;
mod certificates;
mod cms;
mod crl;
mod hashes;
mod issuance;
mod ocsp;
mod pkcs10;
mod pkcs12;
mod pkcs8;
mod rsa;
mod short_term;
mod sources;
mod subscribers;
mod tls;
mod tsa;
mod tsa_client;

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use crypto::{KeyAlgorithm, SigningKey, SoftwareKey, SystemEntropy};
use model::Clock;
use pki::issuance::{Issuer, Signed, Validity};
use pki::ocsp::Responder;
use pki::profile::natural_person::{self, NaturalPerson, Posture};
use pki::profile::{Disclosure, Qualification, Terms};
use pki::tsa::Tsa;
use pki::{AuthorityNames, AuthorityUrls, Established, establish};
use testkit::pkilint_etsi;
use time::{Duration, OffsetDateTime};

/// One installation for all tests.
static AUTHORITIES: LazyLock<Authorities> = LazyLock::new(Authorities::new);

struct Authorities {
    made: Established,
    issuer: Issuer,
    now: OffsetDateTime,
    folder: tempfile::TempDir,
}

impl Authorities {
    fn new() -> Self {
        let names = AuthorityNames {
            country: "ES".into(),
            organisation: "Ejemplo Ñandú S.L.".into(),
            organisation_identifier: Some("VATES-B00000000".into()),
            prefix: "Avouch Test".into(),
        };
        let urls = AuthorityUrls::at("http://pki.example.com");
        let now = machine_time();
        let made = establish(&names, &urls, now, &SystemEntropy).unwrap();
        let issuer = made.issuing.issuer(&urls).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let authorities = Self {
            made,
            issuer,
            now,
            folder,
        };
        for (name, certificate) in [
            ("root.pem", &authorities.made.root.certificate),
            ("issuing.pem", &authorities.made.issuing.certificate),
            ("tsa.pem", &authorities.made.time_stamping.certificate),
            (
                "issuing_ocsp.pem",
                &authorities.made.issuing_ocsp.certificate,
            ),
            ("root_ocsp.pem", &authorities.made.root_ocsp.certificate),
        ] {
            authorities.file(name, pki::facts::to_pem(certificate).unwrap());
        }
        authorities
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder that all tests share; names must differ.
    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn tsa(&self) -> Tsa {
        let unit = &self.made.time_stamping;
        Tsa::new(
            &unit.certificate,
            std::slice::from_ref(&self.made.issuing.certificate),
            unit.key.clone(),
        )
        .unwrap()
    }

    fn responder(&self) -> Responder {
        let unit = &self.made.issuing_ocsp;
        Responder::new(
            &self.made.issuing.certificate,
            unit.certificate.clone(),
            unit.key.clone(),
        )
        .unwrap()
    }

    fn roots(&self) -> Vec<Vec<u8>> {
        vec![self.made.root.certificate.clone()]
    }

    fn issue(&self, person: &NaturalPerson, qualification: &Qualification) -> Person {
        let algorithm = KeyAlgorithm::EcdsaP256;
        self.issue_as(person, qualification, algorithm, Posture::Classic)
    }

    fn issue_as(
        &self,
        person: &NaturalPerson,
        qualification: &Qualification,
        algorithm: KeyAlgorithm,
        posture: Posture,
    ) -> Person {
        let key = Arc::new(SoftwareKey::generate(algorithm).unwrap());
        let terms = Terms {
            validity: Validity::starting(self.now, Validity::ONE_DAY),
            qualification,
            policy: Some(pki::ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1.1")),
            practice_statement: Some("https://pki.example.com/cps"),
        };
        let signed = natural_person::draft(
            &self.issuer,
            person,
            &terms,
            posture,
            key.public_key_info(),
            &SystemEntropy,
        )
        .and_then(|draft| draft.lint()?.record()?.sign(&self.issuer))
        .unwrap();
        Person { signed, key }
    }
}

struct Person {
    signed: Signed,
    key: Arc<SoftwareKey>,
}

fn specimen() -> NaturalPerson {
    NaturalPerson {
        given_name: "Carmen".into(),
        surname: "Española Española".into(),
        common_name: "Carmen Española Española".into(),
        country: "ES".into(),
        semantic_serial_number: "IDCES-99999999R".into(),
        email: Some("carmen@example.com".into()),
        organisation: None,
    }
}

fn disclosures() -> Vec<Disclosure> {
    vec![Disclosure {
        url: "https://pki.example.com/pds-en.pdf".into(),
        language: "en".into(),
    }]
}

/// pkilint's word on certificates under their policies. What it only takes note of counts too,
/// except for the pointer to the practice statement, which RFC 5280 §4.2.1.4 allows and operators
/// want, for numbers of an installation's own scheme, and for the warnings that EN 319 412-2
/// §4.3.2 has for keys that log in besides.
fn pkilint_must_accept(certificates: &[(&str, PathBuf)]) {
    let noted = [
        "pkix.certificate_policies_policy_has_qualifier",
        "etsi.en_319_412_1.nat-5.1.3.national_identifier_scheme_detected",
        "etsi.en_319_412_2.nat-4.3.2-1.mixed_key_usage_setting",
        "etsi.en_319_412_2.nat-4.3.2-3.non_preferred_content_commitment_setting",
        "etsi.en_319_412_3.leg-4.3.1-4.non_preferred_content_commitment_setting",
    ];
    let asked: Vec<_> = certificates
        .iter()
        .map(|(kind, file)| (*kind, file.as_path()))
        .collect();
    for ((kind, file), mut findings) in asked.iter().zip(pkilint_etsi(&asked)) {
        findings.retain(|one| one.severity == "ERROR" || !noted.contains(&one.code.as_str()));
        assert_eq!(findings, [], "{} as {kind}", file.display());
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
    reason = "OpenSSL judges by the machine's own clock"
)]
fn machine_time() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc() - Duration::SECOND;
    now.replace_nanosecond(0).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
