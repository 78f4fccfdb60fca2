//! An installation whose every key is RSA.

use std::sync::Arc;

use crypto::{KeyAlgorithm, SigningKey, SoftwareKey, SystemEntropy, sha256};
use pki::cms::{CmsSigner, TimeStamper};
use pki::issuance::{Draft, Issuer, Pointers, Validity};
use pki::ocsp::{Request, Responder, Status};
use pki::profile::natural_person::{self, Posture, Qualification};
use pki::profile::{Terms, Unit, authority, ocsp_responder, time_stamping};
use pki::tsa::Tsa;
use pki::verify::verify_time_stamp;
use pki::{PkiError, crl, facts};
use testkit::{openssl, run};
use time::Duration;

use crate::{AUTHORITIES, Fixed, pkilint_must_accept, specimen, text};

const CONTENT: &[u8] = b"content";

fn unit(common_name: &'static str) -> Unit<'static> {
    Unit {
        country: "ES",
        organisation: "Ejemplo S.L.",
        organisation_identifier: Some("VATES-B00000000"),
        common_name,
    }
}

fn key(algorithm: KeyAlgorithm) -> Arc<SoftwareKey> {
    Arc::new(SoftwareKey::generate(algorithm).unwrap())
}

fn signed(draft: Result<Draft, PkiError>, issuer: &Issuer) -> Vec<u8> {
    draft
        .and_then(|draft| draft.lint()?.record()?.sign(issuer))
        .unwrap()
        .into_certificate()
}

#[test]
fn judges_accept_an_installation_of_rsa_keys() {
    let (a, entropy) = (&*AUTHORITIES, &SystemEntropy);
    let pointers = Pointers {
        ocsp: "http://pki.example.com/ocsp".into(),
        certificate: "http://pki.example.com/issuing.cer".into(),
        lists: None,
        authority_list: None,
    };
    let validity = Validity::starting(a.now, Duration::days(365));
    let root_key = key(KeyAlgorithm::Rsa3072);
    let root = authority::root(&unit("RSA Root"), root_key.as_ref(), validity, entropy)
        .and_then(|draft| draft.lint()?.record()?.sign_self(root_key.as_ref()))
        .unwrap()
        .into_certificate();
    let root_issuer = Issuer::new(root.clone(), root_key, pointers.clone()).unwrap();
    let issuing_key = key(KeyAlgorithm::Rsa2048);
    let spki = issuing_key.public_key_info();
    let issuing = signed(
        authority::issuing(&root_issuer, &unit("RSA Issuing"), spki, validity, entropy),
        &root_issuer,
    );
    let issuer = Issuer::new(issuing.clone(), issuing_key, pointers).unwrap();

    let tsa_key = key(KeyAlgorithm::Rsa2048);
    let spki = tsa_key.public_key_info();
    let tsa_certificate = signed(
        time_stamping::draft(&issuer, &unit("RSA TSU"), spki, validity, entropy),
        &issuer,
    );
    let ocsp_key = key(KeyAlgorithm::Rsa3072);
    let spki = ocsp_key.public_key_info();
    let ocsp_certificate = signed(
        ocsp_responder::draft(&issuer, &unit("RSA OCSP"), spki, validity, entropy),
        &issuer,
    );
    let person_key = key(KeyAlgorithm::Rsa3072);
    let terms = Terms {
        validity: Validity::starting(a.now, Validity::ONE_DAY),
        qualification: &Qualification::None,
        policy: None,
        practice_statement: None,
    };
    let person = signed(
        natural_person::draft(
            &issuer,
            &specimen(),
            &terms,
            Posture::Classic,
            person_key.public_key_info(),
            entropy,
        ),
        &issuer,
    );

    let pem = |name: &str, der: &[u8]| a.file(name, facts::to_pem(der).unwrap());
    let root_file = pem("rsa-root.pem", &root);
    let issuing_file = pem("rsa-issuing.pem", &issuing);
    let person_file = pem("rsa-person.pem", &person);
    let arguments = [
        "verify",
        "-x509_strict",
        "-CAfile",
        text(&root_file),
        "-untrusted",
        text(&issuing_file),
        text(&person_file),
    ];
    openssl(arguments, b"").must_accept();
    pkilint_must_accept(&[("NCP-NATURAL-PERSON-CERTIFICATE", person_file.clone())]);
    for (issuer, subject) in [(&root_file, &issuing_file), (&issuing_file, &person_file)] {
        let arguments = ["lint", text(issuer), text(subject)];
        run("lint_pkix_signer_signee_cert_chain", arguments, b"").must_accept();
    }

    let chain = [issuing.clone()];
    let tsa = Tsa::new(&tsa_certificate, &chain, tsa_key).unwrap();
    let clock = Fixed(a.now);
    let stamper = tsa.stamper(&clock, entropy);
    let token = stamper.time_stamp(&sha256(CONTENT)).unwrap();
    assert!(token.len() <= stamper.max_token_len());
    let roots = [root.clone()];
    assert_eq!(
        verify_time_stamp(&token, &sha256(CONTENT), &roots),
        Ok(a.now)
    );
    let signer = CmsSigner::new(person_key.as_ref(), &person, &chain).unwrap();
    let cms = signer.sign(&sha256(CONTENT), Some(&stamper)).unwrap();
    assert!(cms.len() <= signer.max_size(Some(&stamper)));
    let (cms, content) = (a.file("rsa.cms", cms), a.file("rsa.content", CONTENT));
    let arguments = [
        "cms",
        "-verify",
        "-cades",
        "-binary",
        "-inform",
        "DER",
        "-in",
        text(&cms),
        "-content",
        text(&content),
        "-CAfile",
        text(&root_file),
        "-purpose",
        "any",
        "-out",
        "/dev/null",
    ];
    openssl(arguments, b"").must_accept();

    let request_file = a.path("rsa.req");
    let arguments = [
        "ocsp",
        "-issuer",
        text(&issuing_file),
        "-cert",
        text(&person_file),
        "-reqout",
        text(&request_file),
    ];
    openssl(arguments, b"").must_accept();
    let request = Request::parse(&std::fs::read(&request_file).unwrap()).unwrap();
    let answer = Responder::new(&issuing, ocsp_certificate, ocsp_key)
        .unwrap()
        .respond(&request, |_| Status::Good, a.now)
        .unwrap();
    let answer = a.file("rsa.resp", answer);
    let arguments = [
        "ocsp",
        "-no_nonce",
        "-issuer",
        text(&issuing_file),
        "-cert",
        text(&person_file),
        "-CAfile",
        text(&root_file),
        "-verify_other",
        text(&issuing_file),
        "-respin",
        text(&answer),
    ];
    let judged = openssl(arguments, b"").must_accept();
    assert!(judged.text().contains(": good"), "{}", judged.transcript());

    let list = crl::build(&issuer, 1, a.now, a.now + Duration::DAY, &[], &[]).unwrap();
    let arguments = [
        "crl",
        "-inform",
        "DER",
        "-noout",
        "-CAfile",
        text(&issuing_file),
    ];
    let judged = openssl(arguments, &list).must_accept();
    assert!(
        judged.stderr.contains("verify OK"),
        "{}",
        judged.transcript()
    );
}
