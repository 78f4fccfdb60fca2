use std::sync::LazyLock;

use crypto::CryptoError;
use pki::PkiError;
use pki::issuance::Validity;
use pki::pkcs10::{MAX_LEN, Request};
use pki::profile::natural_person::{self, Posture};
use pki::profile::{Qualification, Terms};
use proptest::prelude::*;
use testkit::{openssl, run};

use crate::{AUTHORITIES, specimen, text};

/// A request and its key as OpenSSL makes them: the request in `form`, the public key as DER.
fn request(name: &str, key: &[&str], form: &str, options: &[&str]) -> (Vec<u8>, Vec<u8>) {
    let a = &*AUTHORITIES;
    let (secret, file) = (
        a.path(&format!("{name}.key")),
        a.path(&format!("{name}.csr")),
    );
    let mut arguments = vec!["req", "-new", "-nodes", "-subj", "/CN=whoever", "-newkey"];
    arguments.extend(key);
    arguments.extend([
        "-keyout",
        text(&secret),
        "-outform",
        form,
        "-out",
        text(&file),
    ]);
    arguments.extend(options);
    openssl(arguments, b"").must_accept();
    let arguments = ["pkey", "-in", text(&secret), "-pubout", "-outform", "DER"];
    let public = openssl(arguments, b"").must_accept().stdout;
    (std::fs::read(file).unwrap(), public)
}

const P256: [&str; 3] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

#[test]
fn requests_of_openssl_show_their_key() {
    for (name, key) in [
        ("csr-p256", &P256[..]),
        ("csr-rsa2048", &["rsa:2048"]),
        ("csr-rsa3072", &["rsa:3072"]),
    ] {
        for (form, options) in [
            ("DER", &[][..]),
            ("PEM", &["-addext", "keyUsage=keyCertSign"]),
            ("PEM", &["-newhdr"]),
        ] {
            let (csr, public) = request(name, key, form, options);
            let request = Request::parse(&csr).unwrap();
            assert_eq!(request.public_key_info(), public, "{name} {form}");
        }
    }
}

#[test]
fn requests_of_java_show_their_key() {
    let store = AUTHORITIES.path("csr-java.p12");
    let store = [
        "-keystore",
        text(&store),
        "-storepass",
        "changeit",
        "-alias",
        "one",
    ];
    let generate = ["-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1"];
    let name = ["-dname", "CN=whoever"];
    run(
        "keytool",
        generate.into_iter().chain(name).chain(store),
        b"",
    )
    .must_accept();
    let csr = run("keytool", ["-certreq"].into_iter().chain(store), b"").must_accept();
    assert!(Request::parse(&csr.stdout).is_ok(), "{}", csr.transcript());
}

#[test]
fn a_key_that_was_asked_for_is_certified() {
    let a = &*AUTHORITIES;
    let (root, issuing) = (a.path("root.pem"), a.path("issuing.pem"));
    let (csr, public) = request("csr-issue", &["rsa:2048"], "DER", &[]);
    let request = Request::parse(&csr).unwrap();
    let terms = Terms {
        validity: Validity::starting(a.now, Validity::ONE_DAY),
        qualification: &Qualification::None,
        policy: None,
        practice_statement: None,
    };
    let key = request.public_key_info();
    let draft = natural_person::draft(
        &a.issuer,
        &specimen(),
        &terms,
        Posture::Classic,
        key,
        &crypto::SystemEntropy,
    )
    .unwrap();
    let signed = draft
        .lint()
        .unwrap()
        .record()
        .unwrap()
        .sign(&a.issuer)
        .unwrap();
    let pem = pki::facts::to_pem(signed.certificate()).unwrap();
    let file = a.file("csr-issued.pem", pem);
    let arguments = ["x509", "-in", text(&file), "-noout", "-pubkey"];
    let shown = openssl(arguments, b"").must_accept().stdout;
    let back = openssl(["pkey", "-pubin", "-outform", "DER"], &shown).must_accept();
    assert_eq!(back.stdout, public);
    let arguments = [
        "verify",
        "-x509_strict",
        "-CAfile",
        text(&root),
        "-untrusted",
    ];
    openssl(
        arguments.into_iter().chain([text(&issuing), text(&file)]),
        b"",
    )
    .must_accept();
}

#[test]
fn keys_and_signatures_of_other_kinds_are_refused() {
    let refusal = |name: &str, key: &[&str], options: &[&str]| {
        Request::parse(&request(name, key, "DER", options).0).unwrap_err()
    };
    let p384 = ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"];
    let crypto = |error| matches!(error, PkiError::Crypto(_));
    assert!(crypto(refusal("csr-p384", &p384, &[])));
    assert!(crypto(refusal("csr-rsa1024", &["rsa:1024"], &[])));
    let value = |error| matches!(error, PkiError::Value { .. });
    assert!(value(refusal("csr-ed25519", &["ed25519"], &[])));
    assert!(value(refusal("csr-sha1", &["rsa:2048"], &["-sha1"])));
    assert!(value(refusal("csr-sha512", &["rsa:2048"], &["-sha512"])));
}

#[test]
fn a_request_that_another_key_signed_is_refused() {
    let (csr, public) = request("csr-own", &P256, "DER", &[]);
    let (_, other) = request("csr-other", &P256, "DER", &[]);
    let at = csr
        .windows(public.len())
        .position(|window| window == public)
        .unwrap();
    let mut changed = csr;
    changed[at..at + other.len()].copy_from_slice(&other);
    assert_eq!(
        Request::parse(&changed),
        Err(PkiError::Crypto(CryptoError::Signature))
    );
}

#[test]
fn what_is_no_request_is_refused() {
    let long = vec![b'-'; MAX_LEN + 1];
    let long = Request::parse(&long).unwrap_err().to_string();
    assert_eq!(long, "the certificate request has more than 16384 bytes");
    let certificate = &AUTHORITIES.made.root.certificate;
    let pem = pki::facts::to_pem(certificate).unwrap();
    for other in [&b""[..], b"rubbish", certificate, pem.as_bytes()] {
        let refused = Request::parse(other);
        assert_eq!(refused, Err(PkiError::Malformed("certificate request")));
    }
}

static VALID: LazyLock<Vec<u8>> = LazyLock::new(|| request("csr-damaged", &P256, "DER", &[]).0);
static PEM: LazyLock<Vec<u8>> = LazyLock::new(|| request("csr-torn", &P256, "PEM", &[]).0);

proptest! {
    /// No input makes the parser panic, and no changed request is accepted.
    #[test]
    fn damaged_requests_are_refused(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut der = VALID.clone();
        let at = at.index(der.len());
        prop_assume!(der[at] != byte);
        der[at] = byte;
        prop_assert!(Request::parse(&der).is_err());
        prop_assert!(Request::parse(&VALID[..at]).is_err());
    }

    #[test]
    fn torn_and_hostile_text_never_panics(
        at in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let mut text = PEM.clone();
        let at = at.index(text.len());
        text.splice(at..at, bytes.iter().copied());
        let _ = Request::parse(&text);
        prop_assert!(Request::parse(&bytes).is_err());
    }
}
