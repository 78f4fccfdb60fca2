//! Asking others for time-stamps: OpenSSL reads our questions and answers them.

use std::sync::LazyLock;

use crypto::{SystemEntropy, sha256};
use model::Entropy;
use pki::oid;
use pki::tsa::client::{MAX_SKEW, Request, TokenError};
use pki::verify::VerifyError;
use proptest::prelude::*;
use testkit::openssl;
use time::Duration;

use crate::{AUTHORITIES, Person, machine_time, text};

const DATA: &[u8] = b"what is stamped";

fn request() -> Request {
    let mut nonce = [0; 8];
    SystemEntropy.fill(&mut nonce);
    Request::new(sha256(DATA), nonce)
}

fn answered(request: &Request) -> Vec<u8> {
    let a = &*AUTHORITIES;
    a.tsa()
        .respond(&request.to_der(), a.now, &SystemEntropy)
        .unwrap()
}

/// A time-stamping unit of OpenSSL's, of an authority of its own: its root, and what it answers.
struct OpensslUnit {
    root: Vec<u8>,
}

impl OpensslUnit {
    fn new() -> Self {
        let a = &*AUTHORITIES;
        let folder = text(a.folder.path());
        let configuration = format!(
            "[req]\ndistinguished_name = none\n[none]\n\
             [tsa]\ndefault_tsa = unit\n\
             [unit]\nserial = {folder}/outside-serial\nsigner_cert = {folder}/outside.pem\n\
             signer_key = {folder}/outside.key\ncerts = {folder}/outside-root.pem\n\
             signer_digest = sha256\n\
             default_policy = 1.3.6.1.4.1.32473.3.1\nother_policies = 1.3.6.1.4.1.32473.3.2\n\
             digests = sha256\naccuracy = secs:1\ntsa_name = yes\ness_cert_id_chain = no\n\
             ess_cert_id_alg = sha256\nclock_precision_digits = 3\n\
             [ca]\nbasicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign\n\
             [stamping]\nextendedKeyUsage = critical, timeStamping\n\
             keyUsage = critical, digitalSignature\n"
        );
        a.file("outside.cnf", configuration);
        a.file("outside-serial", "01");
        let [cnf, root, root_key, csr, unit, unit_key] = [
            "outside.cnf",
            "outside-root.pem",
            "outside-root.key",
            "outside.csr",
            "outside.pem",
            "outside.key",
        ]
        .map(|name| a.path(name));
        let common = ["-newkey", "rsa:2048", "-nodes", "-config", text(&cnf)];
        let mut arguments = vec!["req", "-x509", "-extensions", "ca", "-days", "2"];
        arguments.extend(common);
        arguments.extend(["-subj", "/C=ES/O=Other/CN=Outside Root"]);
        arguments.extend(["-keyout", text(&root_key), "-out", text(&root)]);
        openssl(arguments, b"").must_accept();
        let mut arguments = vec!["req", "-subj", "/C=ES/O=Other/CN=Outside Unit"];
        arguments.extend(common);
        arguments.extend(["-keyout", text(&unit_key), "-out", text(&csr)]);
        openssl(arguments, b"").must_accept();
        let arguments = [
            "x509",
            "-req",
            "-in",
            text(&csr),
            "-CA",
            text(&root),
            "-CAkey",
            text(&root_key),
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            text(&cnf),
            "-extensions",
            "stamping",
            "-out",
            text(&unit),
        ];
        openssl(arguments, b"").must_accept();
        let arguments = ["x509", "-in", text(&root), "-outform", "DER"];
        let root = openssl(arguments, b"").must_accept().stdout;
        Self { root }
    }

    fn answer(&self, name: &str, request: &Request) -> Vec<u8> {
        let a = &*AUTHORITIES;
        let cnf = a.path("outside.cnf");
        let query = a.file(&format!("{name}.tsq"), request.to_der());
        let reply = a.path(&format!("{name}.tsr"));
        let arguments = [
            "ts",
            "-reply",
            "-config",
            text(&cnf),
            "-queryfile",
            text(&query),
            "-out",
            text(&reply),
        ];
        openssl(arguments, b"").must_accept();
        std::fs::read(reply).unwrap()
    }
}

static OUTSIDE: LazyLock<OpensslUnit> = LazyLock::new(OpensslUnit::new);

#[test]
fn openssl_reads_our_questions() {
    let policy = pki::ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.3.2");
    let request = Request::new(sha256(DATA), [0x8f; 8]).under(policy);
    let file = AUTHORITIES.file("client-question.tsq", request.to_der());
    let arguments = ["ts", "-query", "-in", text(&file), "-text"];
    let shown = openssl(arguments, b"").must_accept().text();
    for expected in [
        "Version: 1",
        "Hash Algorithm: sha256",
        "Policy OID: 1.3.6.1.4.1.32473.3.2",
        "Nonce: 0x8F8F8F8F8F8F8F8F",
        "Certificate required: yes",
        "Extensions:\n",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
}

#[test]
fn tokens_of_openssl_and_of_ours_are_taken() {
    let a = &*AUTHORITIES;
    let ours = request();
    let token = ours.accept(&answered(&ours), &a.roots(), a.now).unwrap();
    assert_eq!(
        pki::verify::verify_time_stamp(&token, &sha256(DATA), &a.roots()),
        Ok(a.now)
    );
    let outside = &*OUTSIDE;
    let policy = pki::ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.3.2");
    for (name, request) in [
        ("outside", request()),
        ("outside-policy", request().under(policy)),
    ] {
        let answer = outside.answer(name, &request);
        let roots = [outside.root.clone()];
        request.accept(&answer, &roots, machine_time()).unwrap();
    }
}

#[test]
fn what_was_not_asked_for_is_not_taken() {
    let a = &*AUTHORITIES;
    let asked = request();
    let answer = answered(&asked);
    let verdict = |request: &Request, roots: &[Vec<u8>], now| {
        request.accept(&answer, roots, now).unwrap_err()
    };
    let other = |what| TokenError::Other(what);
    assert_eq!(
        verdict(&request(), &a.roots(), a.now),
        other("answers another request")
    );
    let imprint = Request::new(sha256(b"something else"), [1; 8]);
    assert_eq!(
        verdict(&imprint, &a.roots(), a.now),
        other("is about another imprint")
    );
    let policy = asked.clone().under(oid::ANY_POLICY);
    assert_eq!(
        verdict(&policy, &a.roots(), a.now),
        other("is under another policy")
    );
    let late = a.now + MAX_SKEW + Duration::SECOND;
    assert_eq!(
        verdict(&asked, &a.roots(), late),
        other("is of a time that is not now")
    );
    let untrusted = verdict(&asked, &[], a.now);
    assert!(
        matches!(untrusted, TokenError::Invalid(VerifyError::Untrusted(_))),
        "{untrusted}"
    );
    assert_eq!(
        asked.accept(b"rubbish", &a.roots(), a.now),
        Err(TokenError::Unreadable)
    );
}

#[test]
fn a_refusal_is_told_in_the_units_words() {
    let a = &*AUTHORITIES;
    let asked = request().under(oid::ANY_POLICY);
    let refused = asked.accept(&answered(&asked), &a.roots(), a.now);
    let said = refused.unwrap_err().to_string();
    assert_eq!(
        said,
        "the unit refused: the policy is not supported (this unit does not issue under that policy)"
    );
    let request = request().under(oid::ANY_POLICY);
    let answer = OUTSIDE.answer("outside-refusal", &request);
    let roots = [OUTSIDE.root.clone()];
    let refused = request.accept(&answer, &roots, machine_time());
    let said = refused.unwrap_err().to_string();
    assert!(said.contains("the policy is not supported"), "{said}");
}

#[test]
fn a_key_for_something_else_does_not_stamp() {
    let a = &*AUTHORITIES;
    // What a signer's own key says about the time is no time-stamp.
    let Person { signed, key } = a.issue(&crate::specimen(), &Default::default());
    let chain = [a.made.issuing.certificate.clone()];
    let tsa = pki::tsa::Tsa::new(signed.certificate(), &chain, key).unwrap();
    let asked = request();
    let answer = tsa.respond(&asked.to_der(), a.now, &SystemEntropy).unwrap();
    let refused = asked.accept(&answer, &a.roots(), a.now).unwrap_err();
    assert!(
        matches!(refused, TokenError::Invalid(VerifyError::Purpose { .. })),
        "{refused}"
    );
}

proptest! {
    /// Whatever is changed in an answer, it is refused or is still the same time-stamp.
    #[test]
    fn damaged_answers_are_refused(at in any::<prop::sample::Index>(), flip in 1..=255u8) {
        static ASKED: LazyLock<(Request, Vec<u8>)> = LazyLock::new(|| {
            let request = request();
            let answer = answered(&request);
            (request, answer)
        });
        let a = &*AUTHORITIES;
        let (request, answer) = &*ASKED;
        let mut damaged = answer.clone();
        let at = at.index(damaged.len());
        damaged[at] ^= flip;
        if let Ok(token) = request.accept(&damaged, &a.roots(), a.now) {
            let time = pki::verify::verify_time_stamp(&token, &sha256(DATA), &a.roots());
            prop_assert_eq!(time, Ok(a.now));
        }
        prop_assert!(request.accept(&answer[..at], &a.roots(), a.now).is_err());
    }
}
