use crypto::{KeyAlgorithm, SystemEntropy, sha256};
use pki::cms::CmsSigner;
use pki::profile::natural_person::{Posture, Qualification};
use pki::verify::{VerifyError, verify_detached};
use pki::{ObjectIdentifier, attributes};
use proptest::prelude::*;
use testkit::{ToolOutput, openssl};
use time::Duration;

use crate::{AUTHORITIES, Fixed, Person, specimen, text};

const CONTENT: &[u8] = b"the two ranges of a document";

fn signed(person: &Person, stamped: bool) -> Vec<u8> {
    let a = &*AUTHORITIES;
    let chain = [a.made.issuing.certificate.clone()];
    let signer = CmsSigner::new(person.key.as_ref(), person.signed.certificate(), &chain).unwrap();
    let (tsa, clock) = (a.tsa(), Fixed(a.now));
    let stamper = tsa.stamper(&clock, &SystemEntropy);
    signer
        .sign(
            &sha256(CONTENT),
            if stamped { Some(&stamper) } else { None },
        )
        .unwrap()
}

fn judged(name: &str, cms: &[u8], content: &[u8]) -> ToolOutput {
    let a = &*AUTHORITIES;
    let (cms, content) = (
        a.file(&format!("{name}.cms"), cms),
        a.file(&format!("{name}.content"), content),
    );
    let root = a.path("root.pem");
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
        text(&root),
        "-purpose",
        "any",
        "-out",
        "/dev/null",
    ];
    openssl(arguments, b"")
}

#[test]
fn openssl_verifies_with_and_without_time_stamp() {
    let person = AUTHORITIES.issue(&specimen(), &Qualification::None);
    for (name, stamped) in [("cms-b", false), ("cms-t", true)] {
        let cms = signed(&person, stamped);
        judged(name, &cms, CONTENT).must_accept();
        judged(name, &cms, b"something else").must_refuse();
    }
}

#[test]
fn openssl_sees_the_attributes_of_pades_and_no_others() {
    let person = AUTHORITIES.issue(&specimen(), &Qualification::None);
    let cms = signed(&person, true);
    let shown = openssl(
        ["cms", "-cmsout", "-print", "-noout", "-inform", "DER"],
        &cms,
    )
    .must_accept()
    .text();
    let (_, signed) = shown.split_once("signedAttrs:").unwrap();
    let (signed, unsigned) = signed.split_once("unsignedAttrs:").unwrap();
    for expected in [
        "object: contentType",
        "object: messageDigest",
        "SigningCertificateV2",
    ] {
        assert!(
            signed.to_lowercase().contains(&expected.to_lowercase()),
            "{expected}: {signed}"
        );
    }
    assert_eq!(signed.matches("object: ").count(), 3, "{signed}");
    assert!(
        unsigned.contains("id-smime-aa-timeStampToken"),
        "{unsigned}"
    );
    assert!(shown.contains("eContent: <ABSENT>"), "{shown}");
}

#[test]
fn openssl_verifies_the_embedded_time_stamp() {
    let a = &*AUTHORITIES;
    let cms = signed(&a.issue(&specimen(), &Qualification::None), true);
    // The token is the last thing in the container, the signature the OCTET STRING before it.
    let attribute = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x0e\x31";
    let at = cms
        .windows(attribute.len())
        .position(|window| window == attribute)
        .unwrap();
    let start = at + attribute.len() + 3;
    let token = a.file("cms-token.tst", &cms[start..]);
    let head = &cms[..at];
    let octets = (40..=72).find_map(|len| {
        // Between signature and attribute stand the tags [1] and SEQUENCE with two-byte lengths.
        let begin = head.len() - 8 - len;
        (head[begin - 2..begin] == [0x04, len as u8]).then(|| &head[begin..begin + len])
    });
    let signature = a.file("cms-token.signature", octets.unwrap());
    let (root, issuing) = (a.path("root.pem"), a.path("issuing.pem"));
    let arguments = [
        "ts",
        "-verify",
        "-token_in",
        "-in",
        text(&token),
        "-data",
        text(&signature),
        "-CAfile",
        text(&root),
        "-untrusted",
        text(&issuing),
    ];
    openssl(arguments, b"").must_accept();
}

#[test]
fn our_verifier_tells_what_is_wrong() {
    let a = &*AUTHORITIES;
    let person = a.issue(&specimen(), &Qualification::None);
    let (plain, stamped) = (signed(&person, false), signed(&person, true));
    let digest = sha256(CONTENT);
    let later = a.now + Duration::days(2);

    let verified = verify_detached(&plain, &digest, &a.roots(), a.now).unwrap();
    assert_eq!(verified.signer.common_name, "Carmen Española Española");
    assert_eq!(verified.time_stamp, None);
    let padded = [&stamped[..], &[0; 500]].concat();
    // The certificate has expired by then; the time-stamp proves that it was in time.
    let verified = verify_detached(&padded, &digest, &a.roots(), later).unwrap();
    assert_eq!(verified.time_stamp, Some(a.now));
    assert_eq!(verified.certificate, person.signed.certificate());

    let verdict = |cms: &[u8], digest: &[u8; 32], roots: &[Vec<u8>], at| {
        verify_detached(cms, digest, roots, at).unwrap_err()
    };
    let expired = verdict(&plain, &digest, &a.roots(), later);
    assert!(matches!(expired, VerifyError::Validity { .. }), "{expired}");
    let changed = verdict(&plain, &sha256(b"something else"), &a.roots(), a.now);
    assert_eq!(changed, VerifyError::Content);
    let untrusted = verdict(&plain, &digest, &[], a.now);
    assert!(
        matches!(untrusted, VerifyError::Untrusted(_)),
        "{untrusted}"
    );
    let trailing = verdict(&[&plain[..], b"x"].concat(), &digest, &a.roots(), a.now);
    assert!(matches!(trailing, VerifyError::Unreadable(_)), "{trailing}");

    let tsa = &a.made.time_stamping;
    let chain = [a.made.issuing.certificate.clone()];
    let misused = CmsSigner::new(tsa.key.as_ref(), &tsa.certificate, &chain).unwrap();
    let misused = verdict(
        &misused.sign(&digest, None).unwrap(),
        &digest,
        &a.roots(),
        a.now,
    );
    assert!(matches!(misused, VerifyError::Purpose { .. }), "{misused}");
}

#[test]
fn our_verifier_reads_what_openssl_signs() {
    let a = &*AUTHORITIES;
    let (key, cert) = (a.path("foreign.key"), a.path("foreign.pem"));
    let (content, out) = (a.file("foreign.content", CONTENT), a.path("foreign.cms"));
    let arguments = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        text(&key),
        "-out",
        text(&cert),
        "-subj",
        "/C=ES/CN=RSA signer",
        "-days",
        "2",
        "-addext",
        "keyUsage=critical,digitalSignature",
    ];
    openssl(arguments, b"").must_accept();
    let arguments = [
        "cms",
        "-sign",
        "-cades",
        "-binary",
        "-md",
        "sha256",
        "-signer",
        text(&cert),
        "-inkey",
        text(&key),
        "-in",
        text(&content),
        "-outform",
        "DER",
        "-out",
        text(&out),
        "-noattr",
    ];
    // CAdES needs signed attributes, which -noattr would drop; so it is not given.
    openssl(&arguments[..arguments.len() - 1], b"").must_accept();
    let der = openssl(["x509", "-in", text(&cert), "-outform", "DER"], b"")
        .must_accept()
        .stdout;
    let cms = std::fs::read(out).unwrap();
    let at = a.now + Duration::MINUTE;
    let verified = verify_detached(&cms, &sha256(CONTENT), &[der], at).unwrap();
    assert_eq!(verified.signer.common_name, "RSA signer");
}

#[test]
fn no_container_is_longer_than_announced() {
    let a = &*AUTHORITIES;
    let chain = [a.made.issuing.certificate.clone()];
    let (tsa, clock) = (a.tsa(), Fixed(a.now));
    let stamper = tsa.stamper(&clock, &SystemEntropy);
    for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::Rsa3072] {
        let none = Qualification::None;
        let person = a.issue_as(&specimen(), &none, algorithm, Posture::Classic);
        let signer =
            CmsSigner::new(person.key.as_ref(), person.signed.certificate(), &chain).unwrap();
        let described = attributes::opaque(&DESCRIPTION, &[7; 300]);
        let plain = signer.max_size(None);
        let signer = signer.with_attributes(vec![described.clone()]).unwrap();
        assert!(signer.max_size(None) >= plain + described.len());
        for stamper in [None, Some(&stamper as &dyn pki::cms::TimeStamper)] {
            let longest = (0..64)
                .map(|_| signer.sign(&[7; 32], stamper).unwrap().len())
                .max()
                .unwrap();
            let most = signer.max_size(stamper);
            assert!(
                longest <= most && most - longest < 16,
                "{longest} of {most}"
            );
        }
    }
}

#[test]
fn further_attributes_are_signed() {
    let a = &*AUTHORITIES;
    let person = a.issue(&specimen(), &Qualification::None);
    let chain = [a.made.issuing.certificate.clone()];
    let described = attributes::opaque(&DESCRIPTION, b"contract 4711");
    let signer = CmsSigner::new(person.key.as_ref(), person.signed.certificate(), &chain)
        .unwrap()
        .with_attributes(vec![described])
        .unwrap();
    let cms = signer.sign(&sha256(CONTENT), None).unwrap();
    judged("cms-described", &cms, CONTENT).must_accept();
    let at = cms
        .windows(13)
        .position(|window| window == b"contract 4711")
        .unwrap();
    let mut changed = cms;
    changed[at] ^= 1;
    judged("cms-described-otherwise", &changed, CONTENT).must_refuse();
}

/// An arc for examples (RFC 5612).
const DESCRIPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.2.1");

proptest! {
    /// Whatever byte is changed, the container is refused or still says the same.
    #[test]
    fn no_changed_container_says_anything_else(
        at in any::<prop::sample::Index>(),
        flip in 1..=255u8,
    ) {
        static VALID: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
            signed(&AUTHORITIES.issue(&specimen(), &Qualification::None), true)
        });
        let a = &*AUTHORITIES;
        let mut cms = VALID.clone();
        let at = at.index(cms.len());
        cms[at] ^= flip;
        let judge = |cms: &[u8]| verify_detached(cms, &sha256(CONTENT), &a.roots(), a.now);
        let original = judge(&VALID).unwrap();
        if let Ok(verified) = judge(&cms) {
            prop_assert_eq!(verified.certificate, original.certificate);
            prop_assert!(verified.time_stamp.is_none_or(|time| Some(time) == original.time_stamp));
        }
        prop_assert!(judge(&VALID[..at]).is_err());
    }
}
