use model::certificate::RevocationReason;
use pki::ocsp::{MAX_QUESTIONS, Refusal, Request, Responder, Status};
use pki::profile::natural_person::Qualification;
use proptest::prelude::*;
use testkit::{openssl, run};
use time::Duration;

use crate::{AUTHORITIES, specimen, text};

/// A request as OpenSSL makes it, about certificates of the issuing authority.
fn request(name: &str, serials: &[&str], options: &[&str]) -> Vec<u8> {
    let a = &*AUTHORITIES;
    let (issuing, file) = (a.path("issuing.pem"), a.path(&format!("{name}.req")));
    let mut arguments = vec!["ocsp"];
    arguments.extend(options);
    arguments.extend(["-issuer", text(&issuing), "-reqout", text(&file)]);
    let serials: Vec<_> = serials.iter().map(|serial| format!("0x{serial}")).collect();
    for serial in &serials {
        arguments.extend(["-serial", serial]);
    }
    openssl(arguments, b"").must_accept();
    std::fs::read(file).unwrap()
}

/// What OpenSSL says about an answer. Identifiers are looked up by the hash that they were asked
/// by; `-no_nonce` keeps it from adding a second nonce to the request that it reads.
fn judged(name: &str, response: &[u8], serials: &[&str], hash: &str) -> testkit::ToolOutput {
    let a = &*AUTHORITIES;
    let (issuing, root) = (a.path("issuing.pem"), a.path("root.pem"));
    let request = a.path(&format!("{name}.req"));
    let response = a.file(&format!("{name}.resp"), response);
    let mut arguments = vec![
        "ocsp",
        "-no_nonce",
        hash,
        "-issuer",
        text(&issuing),
        "-CAfile",
        text(&root),
        "-verify_other",
        text(&issuing),
        "-reqin",
        text(&request),
        "-respin",
        text(&response),
    ];
    let serials: Vec<_> = serials.iter().map(|serial| format!("0x{serial}")).collect();
    for serial in &serials {
        arguments.extend(["-serial", serial]);
    }
    openssl(arguments, b"")
}

#[test]
fn openssl_believes_good_revoked_and_unknown() {
    let a = &*AUTHORITIES;
    let [good, revoked, held, bare] =
        [(); 4].map(|()| a.issue(&specimen(), &Qualification::None).signed);
    let serials = [
        good.serial(),
        revoked.serial(),
        held.serial(),
        bare.serial(),
        "0badcafe",
    ];
    for options in [
        ["-sha1", "-nonce"],
        ["-sha256", "-nonce"],
        ["-sha1", "-no_nonce"],
    ] {
        let name = format!("ocsp-statuses{}", options.concat());
        let der = request(&name, &serials, &options);
        let request = Request::parse(&der).unwrap();
        assert_eq!(request.serials().collect::<Vec<_>>(), serials);
        let lookup = |serial: &str| match serial {
            serial if serial == good.serial() => Status::Good,
            serial if serial == revoked.serial() => Status::Revoked {
                at: a.now - Duration::HOUR,
                reason: Some(RevocationReason::KeyCompromise),
            },
            serial if serial == held.serial() => Status::Revoked {
                at: a.now - Duration::HOUR,
                reason: Some(RevocationReason::CertificateHold),
            },
            serial if serial == bare.serial() => Status::Revoked {
                at: a.now - Duration::HOUR,
                reason: Some(RevocationReason::Unspecified),
            },
            _ => Status::Unknown,
        };
        let response = a.responder().respond(&request, lookup, a.now).unwrap();
        let output = judged(&name, &response, &serials, options[0]).must_accept();
        assert!(
            output.stderr.contains("Response verify OK"),
            "{}",
            output.transcript()
        );
        assert!(
            !output.stderr.contains("WARNING"),
            "{}",
            output.transcript()
        );
        let shown = output.text();
        assert!(
            shown.contains(&format!("0x{}: good", good.serial())),
            "{shown}"
        );
        assert!(
            shown.contains(&format!("0x{}: revoked", revoked.serial())),
            "{shown}"
        );
        assert!(shown.contains("Reason: keyCompromise"), "{shown}");
        assert!(shown.contains("Reason: certificateHold"), "{shown}");
        assert_eq!(shown.matches("Reason: ").count(), 2, "{shown}");
        assert_eq!(shown.matches(": revoked").count(), 3, "{shown}");
        assert!(shown.contains("0x0badcafe: unknown"), "{shown}");
        let file = a.path(&format!("{name}.resp"));
        run(
            "lint_ocsp_response",
            ["lint", "--severity", "NOTICE", text(&file)],
            b"",
        )
        .must_accept();
    }
}

#[test]
fn openssl_and_pkilint_believe_what_was_answered_before_anybody_asked() {
    let a = &*AUTHORITIES;
    let [good, revoked] = [(); 2].map(|()| a.issue(&specimen(), &Qualification::None).signed);
    let at = Status::Revoked {
        at: a.now - Duration::HOUR,
        reason: Some(RevocationReason::KeyCompromise),
    };
    for (name, serial, status, said) in [
        ("ahead-good", good.serial(), Status::Good, ": good"),
        ("ahead-revoked", revoked.serial(), at, "keyCompromise"),
    ] {
        request(name, &[serial], &["-no_nonce"]);
        let answer = a.responder().answer_about(serial, status, a.now).unwrap();
        let output = judged(name, &answer, &[serial], "-sha1").must_accept();
        let told = output.transcript();
        assert!(
            told.contains("Response verify OK") && told.contains(said),
            "{told}"
        );
        let file = a.path(&format!("{name}.resp"));
        let lint = ["lint", "--severity", "NOTICE", text(&file)];
        run("lint_ocsp_response", lint, b"").must_accept();
    }
    let none = a.responder().answer_about("no number", Status::Good, a.now);
    assert!(matches!(none, Err(pki::PkiError::Malformed(_))));
}

#[test]
fn the_root_has_a_responder_of_its_own() {
    let a = &*AUTHORITIES;
    let (root, issuing) = (a.path("root.pem"), a.path("issuing.pem"));
    let (query, answer) = (a.path("ocsp-root.req"), a.path("ocsp-root.resp"));
    let arguments = [
        "ocsp",
        "-issuer",
        text(&root),
        "-cert",
        text(&issuing),
        "-reqout",
        text(&query),
    ];
    openssl(arguments, b"").must_accept();
    let request = Request::parse(&std::fs::read(&query).unwrap()).unwrap();
    let unit = &a.made.root_ocsp;
    let responder = Responder::new(
        &a.made.root.certificate,
        unit.certificate.clone(),
        unit.key.clone(),
    )
    .unwrap();
    assert!(responder.serves(&request));
    std::fs::write(
        &answer,
        responder
            .respond(&request, |_| Status::Good, a.now)
            .unwrap(),
    )
    .unwrap();
    let arguments = [
        "ocsp",
        "-no_nonce",
        "-issuer",
        text(&root),
        "-cert",
        text(&issuing),
        "-CAfile",
        text(&root),
        "-reqin",
        text(&query),
        "-respin",
        text(&answer),
    ];
    let output = openssl(arguments, b"").must_accept();
    assert!(
        output.stderr.contains("Response verify OK"),
        "{}",
        output.transcript()
    );
    assert!(output.text().contains(": good"));

    // The issuing authority's responder has nothing to say about the root's certificates.
    assert!(!a.responder().serves(&request));
    let refused = a
        .responder()
        .respond(&request, |_| Status::Good, a.now)
        .unwrap();
    assert_eq!(refused, Refusal::Unauthorized.response());
}

#[test]
fn nonces_are_echoed() {
    let a = &*AUTHORITIES;
    let nonce = |option: &str, file: &str| {
        let file = a.path(file);
        let arguments = [
            "ocsp",
            option,
            text(&file),
            "-req_text",
            "-resp_text",
            "-noverify",
        ];
        let shown = openssl(arguments, b"").must_accept().text();
        let (_, nonce) = shown.split_once("OCSP Nonce: \n")?;
        Some(nonce.split_whitespace().next().unwrap().to_owned())
    };
    for (name, options) in [
        ("ocsp-with-nonce", &["-nonce"]),
        ("ocsp-without", &["-no_nonce"]),
    ] {
        let request = Request::parse(&request(name, &["01"], options)).unwrap();
        let answer = a
            .responder()
            .respond(&request, |_| Status::Good, a.now)
            .unwrap();
        a.file(&format!("{name}.resp"), answer);
        let asked = nonce("-reqin", &format!("{name}.req"));
        assert_eq!(asked.is_some(), name == "ocsp-with-nonce");
        assert_eq!(nonce("-respin", &format!("{name}.resp")), asked);
    }
}

#[test]
fn openssl_reads_our_refusals() {
    let a = &*AUTHORITIES;
    for (refusal, words) in [
        (Refusal::MalformedRequest, "malformedrequest"),
        (Refusal::InternalError, "internalerror"),
        (Refusal::TryLater, "trylater"),
        (Refusal::Unauthorized, "unauthorized"),
    ] {
        let file = a.file(&format!("refusal-{words}.resp"), refusal.response());
        let output = openssl(["ocsp", "-respin", text(&file), "-noverify"], b"");
        let shown = output.transcript();
        assert!(
            shown.contains(&format!("Responder Error: {words}")),
            "{shown}"
        );
    }
}

#[test]
fn requests_beyond_the_bounds_are_refused() {
    let refusal = |der: &[u8]| Request::parse(der).err();
    assert_eq!(refusal(b""), Some(Refusal::MalformedRequest));
    assert_eq!(refusal(&[0x30; 9000]), Some(Refusal::MalformedRequest));
    let serials: Vec<_> = (0x10..=0x10 + MAX_QUESTIONS)
        .map(|n| format!("{n:x}"))
        .collect();
    let serials: Vec<_> = serials.iter().map(String::as_str).collect();
    assert_eq!(
        refusal(&request("ocsp-many", &serials, &[])),
        Some(Refusal::MalformedRequest)
    );
    let most = &serials[..MAX_QUESTIONS];
    assert!(Request::parse(&request("ocsp-most", most, &[])).is_ok());
    let exotic = request("ocsp-exotic", &["01"], &["-sha512"]);
    assert_eq!(refusal(&exotic), Some(Refusal::Unauthorized));
}

proptest! {
    /// No input makes the parser panic, and what it takes is answered.
    #[test]
    fn damaged_requests_are_refused_or_answered(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        static VALID: std::sync::LazyLock<Vec<u8>> =
            std::sync::LazyLock::new(|| request("ocsp-damaged", &["0badcafe"], &[]));
        let mut der = VALID.clone();
        let at = at.index(der.len());
        der[at] = byte;
        if let Ok(request) = Request::parse(&der) {
            let a = &*AUTHORITIES;
            a.responder().respond(&request, |_| Status::Unknown, a.now).unwrap();
        }
        prop_assert!(Request::parse(&VALID[..at]).is_err());
    }
}
