//! Signatures over content of which only the digest was ever here.

use crypto::{Digest, KeyAlgorithm, SystemEntropy};
use model::DigestAlgorithm::{self, Sha256, Sha384, Sha512};
use pki::cms::{CmsSigner, HashAttributes, HashedContent, TimeStamper};
use pki::profile::natural_person::{Posture, Qualification};
use pki::{ObjectIdentifier, PkiError, attributes};
use testkit::{ToolOutput, openssl};

use crate::{AUTHORITIES, Fixed, Person, specimen, text};

const CONTENT: &[u8] = b"what never left the client";

/// An arc for examples (RFC 5612).
const DESCRIPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.2.1");

fn signer(person: &Person) -> CmsSigner<'_> {
    let chain = [AUTHORITIES.made.issuing.certificate.clone()];
    CmsSigner::new(person.key.as_ref(), person.signed.certificate(), &chain).unwrap()
}

/// OpenSSL's word on a container; as CAdES where it has signed attributes.
fn judged(name: &str, cms: &[u8], content: &[u8], cades: bool) -> ToolOutput {
    let a = &*AUTHORITIES;
    let (cms, content) = (
        a.file(&format!("{name}.p7m"), cms),
        a.file(&format!("{name}.content"), content),
    );
    let root = a.path("root.pem");
    let mut arguments = vec!["cms", "-verify", "-binary", "-inform", "DER"];
    arguments.extend(cades.then_some("-cades"));
    arguments.extend(["-in", text(&cms), "-content", text(&content)]);
    arguments.extend(["-CAfile", text(&root), "-purpose", "any"]);
    arguments.extend(["-out", "/dev/null"]);
    openssl(arguments, b"")
}

#[test]
fn openssl_verifies_every_digest_with_every_key() {
    let a = &*AUTHORITIES;
    let (tsa, clock) = (a.tsa(), Fixed(a.now));
    let stamper = tsa.stamper(&clock, &SystemEntropy);
    let described = [attributes::opaque(&DESCRIPTION, b"order 4711")];
    let everything = HashAttributes {
        signing_time: Some(a.now),
        others: &described,
    };
    for (key, algorithm) in [
        ("ec", KeyAlgorithm::EcdsaP256),
        ("rsa", KeyAlgorithm::Rsa2048),
    ] {
        let person = a.issue_as(
            &specimen(),
            &Qualification::None,
            algorithm,
            Posture::Classic,
        );
        let signer = signer(&person);
        for (digest_name, digest) in [("256", Sha256), ("384", Sha384), ("512", Sha512)] {
            for (form, attributes, stamped) in [
                ("bare", None, false),
                ("bare-t", None, true),
                ("few", Some(HashAttributes::default()), false),
                ("all-t", Some(everything), true),
            ] {
                let name = format!("hash-{key}-{digest_name}-{form}");
                let content = HashedContent {
                    digest: &Digest::of(digest, CONTENT),
                    attributes,
                };
                let stamper = stamped.then_some(&stamper as &dyn TimeStamper);
                let cms = signer.sign_hash(&content, stamper).unwrap();
                let cades = attributes.is_some();
                judged(&name, &cms, CONTENT, cades).must_accept();
                judged(&name, &cms, b"something else", cades).must_refuse();
            }
        }
    }
}

#[test]
fn openssl_sees_what_was_asked_for() {
    let a = &*AUTHORITIES;
    let person = a.issue(&specimen(), &Qualification::None);
    let shown = |attributes| {
        let content = HashedContent {
            digest: &Digest::of(Sha384, CONTENT),
            attributes,
        };
        let cms = signer(&person).sign_hash(&content, None).unwrap();
        let arguments = ["cms", "-cmsout", "-print", "-noout", "-inform", "DER"];
        let shown = openssl(arguments, &cms).must_accept().text();
        // What stands before it is the certificates.
        let at = shown.find("signerInfos:").unwrap();
        shown[at..].to_owned()
    };
    let described = [attributes::opaque(&DESCRIPTION, b"order 4711")];
    let everything = shown(Some(HashAttributes {
        signing_time: Some(a.now),
        others: &described,
    }));
    let expected = [
        "contentType",
        "messageDigest",
        "SigningCertificateV2",
        "signingTime",
        "1.3.6.1.4.1.32473.2.1",
        "algorithm: sha384",
        "algorithm: ecdsa-with-SHA384",
    ];
    for expected in expected {
        assert!(
            everything.to_lowercase().contains(&expected.to_lowercase()),
            "{expected}: {everything}"
        );
    }
    assert_eq!(everything.matches("object: ").count(), 5, "{everything}");
    let few = shown(Some(HashAttributes::default()));
    assert_eq!(few.matches("object: ").count(), 3, "{few}");
    let bare = shown(None);
    assert_eq!(bare.matches("object: ").count(), 0, "{bare}");
}

#[test]
fn what_a_client_may_not_sign_is_refused() {
    let person = AUTHORITIES.issue(&specimen(), &Qualification::None);
    let metadata = attributes::opaque(&DESCRIPTION, b"order 4711");
    let sign = |others: &[Vec<u8>], digest: DigestAlgorithm| {
        let content = HashedContent {
            digest: &Digest::of(digest, CONTENT),
            attributes: Some(HashAttributes {
                signing_time: None,
                others,
            }),
        };
        let signer = signer(&person).with_attributes(vec![metadata.clone()]);
        signer.unwrap().sign_hash(&content, None)
    };
    assert!(sign(&[], Sha256).is_ok());
    let digest = attributes::opaque(&pki::oid::ATTRIBUTE_MESSAGE_DIGEST, &[0; 32]);
    for others in [
        vec![digest],
        vec![metadata.clone()],
        vec![b"rubbish".to_vec()],
    ] {
        let refused = sign(&others, Sha256).unwrap_err();
        assert!(matches!(refused, PkiError::Value { .. }), "{refused}");
    }
}
