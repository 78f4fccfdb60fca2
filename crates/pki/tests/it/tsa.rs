use crypto::SystemEntropy;
use pki::cms::TimeStamper;
use pki::verify::{VerifyError, verify_time_stamp};
use proptest::prelude::*;
use testkit::openssl;

use crate::{AUTHORITIES, Fixed, text};

const DATA: &[u8] = b"what is stamped";

/// A query as OpenSSL makes it.
fn query(name: &str, options: &[&str]) -> Vec<u8> {
    let a = &*AUTHORITIES;
    let (data, query) = (
        a.file(&format!("{name}.data"), DATA),
        a.path(&format!("{name}.tsq")),
    );
    let mut arguments = vec!["ts", "-query", "-data", text(&data), "-out", text(&query)];
    arguments.extend(options);
    openssl(arguments, b"").must_accept();
    std::fs::read(query).unwrap()
}

fn respond(request: &[u8]) -> Vec<u8> {
    AUTHORITIES
        .tsa()
        .respond(request, AUTHORITIES.now, &SystemEntropy)
        .unwrap()
}

fn shown(name: &str, response: &[u8]) -> String {
    let file = AUTHORITIES.file(&format!("{name}.tsr"), response);
    openssl(["ts", "-reply", "-in", text(&file), "-text"], b"")
        .must_accept()
        .text()
}

#[test]
fn openssl_verifies_responses() {
    let a = &*AUTHORITIES;
    for (name, options) in [
        ("ts-256", &["-sha256", "-cert"][..]),
        ("ts-384", &["-sha384", "-cert"]),
        ("ts-512", &["-sha512", "-cert", "-no_nonce"]),
        (
            "ts-policy",
            &["-sha256", "-cert", "-tspolicy", "0.4.0.2023.1.1"],
        ),
        ("ts-bare", &["-sha256"]),
    ] {
        let response = respond(&query(name, options));
        let shown = shown(name, &response);
        assert!(shown.contains("Status: Granted."), "{shown}");
        assert!(shown.contains("Policy OID: 0.4.0.2023.1.1"), "{shown}");
        assert!(shown.contains("Accuracy: 0x01 seconds"), "{shown}");
        let [query, reply, root, issuing, tsa] = [
            &format!("{name}.tsq"),
            &format!("{name}.tsr"),
            "root.pem",
            "issuing.pem",
            "tsa.pem",
        ]
        .map(|name| a.path(name));
        let mut arguments = vec![
            "ts",
            "-verify",
            "-queryfile",
            text(&query),
            "-in",
            text(&reply),
            "-CAfile",
            text(&root),
            "-untrusted",
        ];
        // Without certReq the token carries no certificate, so the verifier brings them.
        let both = a.file(
            &format!("{name}-chain.pem"),
            [
                std::fs::read(&issuing).unwrap(),
                std::fs::read(&tsa).unwrap(),
            ]
            .concat(),
        );
        arguments.push(text(if name == "ts-bare" { &both } else { &issuing }));
        openssl(arguments, b"").must_accept();
    }
}

#[test]
fn openssl_notices_a_response_to_other_data() {
    let a = &*AUTHORITIES;
    let response = respond(&query("ts-other", &["-sha256", "-cert"]));
    let reply = a.file("ts-other.tsr", response);
    let (data, root) = (
        a.file("ts-other.changed", b"something else"),
        a.path("root.pem"),
    );
    let issuing = a.path("issuing.pem");
    let arguments = [
        "ts",
        "-verify",
        "-data",
        text(&data),
        "-in",
        text(&reply),
        "-CAfile",
        text(&root),
        "-untrusted",
        text(&issuing),
    ];
    openssl(arguments, b"").must_refuse();
}

#[test]
fn refusals_say_why() {
    for (name, options, failure) in [
        (
            "ts-sha1",
            &["-sha1"][..],
            "unrecognized or unsupported algorithm identifier",
        ),
        (
            "ts-foreign",
            &["-sha256", "-tspolicy", "1.2.3"],
            "the requested TSA policy is not",
        ),
    ] {
        let shown = shown(name, &respond(&query(name, options)));
        assert!(shown.contains("Status: Rejected."), "{shown}");
        assert!(shown.contains(failure), "{shown}");
        assert!(shown.contains("TST info:\nNot included."), "{shown}");
    }
    let rubbish = shown("ts-rubbish", &respond(b"rubbish"));
    assert!(
        rubbish.contains("the data submitted has the wrong format"),
        "{rubbish}"
    );
    let short = [
        &b"\x30\x1b\x02\x01\x01\x30\x16\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"[..],
        b"\x04\x07\x00\x00\x00\x00\x00\x00\x00",
    ]
    .concat();
    let short = shown("ts-short", &respond(&short));
    assert!(
        short.contains("the data submitted has the wrong format"),
        "{short}"
    );
}

#[test]
fn extensions_are_refused() {
    let mut request = query("ts-extension", &["-sha256", "-no_nonce"]);
    // [0] IMPLICIT Extensions with one extension 1.2.3 that holds an empty string.
    let extension = b"\xa0\x08\x30\x06\x06\x02\x2a\x03\x04\x00";
    request[1] += extension.len() as u8;
    request.extend_from_slice(extension);
    let shown = shown("ts-extension", &respond(&request));
    assert!(
        shown.contains("the requested extension is not supported"),
        "{shown}"
    );
}

#[test]
fn our_verifier_agrees() {
    let a = &*AUTHORITIES;
    let tsa = a.tsa();
    let imprint = crypto::sha256(DATA);
    let clock = Fixed(a.now);
    let token = tsa
        .stamper(&clock, &SystemEntropy)
        .time_stamp(&imprint)
        .unwrap();
    assert_eq!(verify_time_stamp(&token, &imprint, &a.roots()), Ok(a.now));
    let other = crypto::sha256(b"something else");
    assert_eq!(
        verify_time_stamp(&token, &other, &a.roots()),
        Err(VerifyError::Content)
    );
    let strangers = vec![a.made.issuing_ocsp.certificate.clone()];
    let untrusted = verify_time_stamp(&token, &imprint, &strangers);
    assert!(
        matches!(untrusted, Err(VerifyError::Untrusted(_))),
        "{untrusted:?}"
    );
}

#[test]
fn no_token_is_longer_than_announced() {
    let a = &*AUTHORITIES;
    let (tsa, clock) = (a.tsa(), Fixed(a.now));
    let stamper = tsa.stamper(&clock, &SystemEntropy);
    let longest = (0..64)
        .map(|_| stamper.time_stamp(&[7; 32]).unwrap().len())
        .max()
        .unwrap();
    let most = stamper.max_token_len();
    assert!(longest <= most && most - longest < 8, "{longest} of {most}");
}

proptest! {
    /// No input makes the parser panic; the answer is a response in any case.
    #[test]
    fn damaged_requests_are_answered(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        static VALID: std::sync::LazyLock<Vec<u8>> =
            std::sync::LazyLock::new(|| query("ts-damaged", &["-sha256", "-cert"]));
        let mut request = VALID.clone();
        let at = at.index(request.len());
        request[at] = byte;
        prop_assert!(respond(&request).starts_with(&[0x30]));
        prop_assert!(respond(&VALID[..at]).starts_with(&[0x30]));
    }
}
