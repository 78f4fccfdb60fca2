//! PAdES B-T as the service makes it: our own authority, CMS and time-stamps, and a container of
//! exactly the size that is needed.

use std::fs;

use crypto::{KeyAlgorithm, SigningKey, SoftwareKey, SystemEntropy};
use model::Clock;
use pades::SignatureSpec;
use pki::{
    AuthorityNames, AuthorityUrls,
    cms::CmsSigner,
    establish,
    issuance::{Issuer, Validity},
    profile::natural_person::{self, NaturalPerson, Posture, Qualification, Terms},
    tsa::Tsa,
};
use time::{Duration, OffsetDateTime};

use crate::{
    judges::{self, Opinion},
    signer::{corpus, spec},
};

#[test]
fn two_people_sign_with_time_stamps_and_exact_containers() {
    let now = machine_time();
    let names = AuthorityNames {
        country: "ES".into(),
        organisation: "Ejemplo S.L.".into(),
        organisation_identifier: Some("VATES-B00000000".into()),
        prefix: "Avouch Test".into(),
    };
    let urls = AuthorityUrls::at("http://pki.example.com");
    let made = establish(&names, &urls, now, &SystemEntropy).unwrap();
    let chain = [made.issuing.certificate.clone()];
    let issuer = made.issuing.issuer(&urls).unwrap();
    let unit = &made.time_stamping;
    let tsa = Tsa::new(&unit.certificate, &chain, unit.key.clone()).unwrap();
    let clock = Fixed(now);
    let stamper = tsa.stamper(&clock, &SystemEntropy);

    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.pem");
    fs::write(&root, pki::facts::to_pem(&made.root.certificate).unwrap()).unwrap();
    let mut files = Vec::new();
    for name in ["reportlab", "object-streams", "hybrid", "pdf-a-2b"] {
        let mut pdf = corpus(name).swap_remove(0).1;
        for given_name in ["Carmen", "Ramón"] {
            let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
            let certificate = certify(&issuer, given_name, &key, now);
            let signer = CmsSigner::new(&key, &certificate, &chain).unwrap();
            let spec = SignatureSpec {
                signing_time: now,
                reserve: signer.max_size(Some(&stamper)),
                ..spec()
            };
            let prepared = pades::prepare(&pdf, &spec).unwrap();
            let cms = signer.sign(&prepared.digest(), Some(&stamper)).unwrap();
            pdf = prepared.embed(&pdf, &cms).unwrap();
            assert_eq!(pades::signatures(&pdf).unwrap().pop().unwrap().cms, cms);
        }
        let path = folder.path().join(format!("{name}.pdf"));
        fs::write(&path, pdf).unwrap();
        judges::qpdf(&path);
        assert_eq!(
            judges::pdfsig(&path),
            [(true, false), (true, true)],
            "{name}"
        );
        files.push(path);
    }
    let opinion = |field: &str, whole| Opinion {
        field: field.into(),
        sound: true,
        trusted: true,
        unmodified: true,
        stamped: true,
        whole,
    };
    for opinions in judges::pyhanko(&root, &files) {
        assert_eq!(
            opinions,
            [opinion("Signature", false), opinion("Signature_2", true)]
        );
    }
}

fn certify(issuer: &Issuer, given_name: &str, key: &SoftwareKey, now: OffsetDateTime) -> Vec<u8> {
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
        validity: Validity::starting(now, Validity::ONE_DAY),
        qualification: &Qualification::None,
        policy: None,
        practice_statement: None,
    };
    let draft = natural_person::draft(
        issuer,
        &person,
        &terms,
        Posture::Classic,
        key.public_key_info(),
        &SystemEntropy,
    );
    let signed = draft
        .unwrap()
        .lint()
        .unwrap()
        .record()
        .unwrap()
        .sign(issuer)
        .unwrap();
    signed.into_certificate()
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
