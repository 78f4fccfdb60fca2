//! Keys in SoftHSM, judged by OpenSSL.

use std::fs;
use std::sync::Arc;

use crypto::{CryptoError, Digest, KeyAlgorithm, KeyVault, SigningKey, VaultError};
use hsm::{HsmError, Settings, Token};
use model::DigestAlgorithm;
use testkit::{SoftHsm, in_token, openssl, run};

fn settings() -> Settings {
    Settings {
        module: SoftHsm::module(),
        token: Some(SoftHsm::LABEL.to_owned()),
        serial: None,
        pin: SoftHsm::PIN.to_owned().into(),
        sessions: 4,
    }
}

fn open() -> Token {
    Token::open(settings()).unwrap()
}

/// What OpenSSL says of a signature of `key` over `message`.
fn openssl_accepts(key: &dyn SigningKey, digest: &str, message: &[u8], signature: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("key.der"), key.public_key_info()).unwrap();
    fs::write(path("signature"), signature).unwrap();
    fs::write(path("message"), message).unwrap();
    let arguments = format!(
        "dgst -{digest} -keyform DER -verify {} -signature {} {}",
        path("key.der"),
        path("signature"),
        path("message"),
    );
    openssl(arguments.split(' ').map(str::to_owned), b"").accepted()
}

#[test]
fn keys_of_every_kind_sign_digests_of_every_kind_and_openssl_accepts() {
    if !in_token("keys_of_every_kind_sign_digests_of_every_kind_and_openssl_accepts") {
        return;
    }
    let token = open();
    for algorithm in KeyAlgorithm::ALL {
        let key = token
            .generate(algorithm, &format!("{algorithm:?}"))
            .unwrap();
        assert_eq!(key.algorithm(), algorithm);
        for (name, digest) in [
            ("sha256", DigestAlgorithm::Sha256),
            ("sha384", DigestAlgorithm::Sha384),
            ("sha512", DigestAlgorithm::Sha512),
        ] {
            // Many, since a number's first byte decides the form of an ECDSA signature.
            for message in 0..8_u8 {
                let signature = key.sign_digest(&Digest::of(digest, &[message])).unwrap();
                assert!(signature.len() <= algorithm.max_signature_len());
                assert!(
                    openssl_accepts(&key, name, &[message], &signature),
                    "{algorithm:?} {name}"
                );
                assert!(!openssl_accepts(&key, name, b"else", &signature));
            }
        }
    }
}

#[test]
fn a_reference_finds_the_key_again_until_it_is_destroyed() {
    if !in_token("a_reference_finds_the_key_again_until_it_is_destroyed") {
        return;
    }
    let made = KeyVault::generate(&open(), KeyAlgorithm::EcdsaP256, "one, of two; 100 %").unwrap();
    assert_eq!(
        made.reference,
        "pkcs11:token=avouch%20test;object=one%2C%20of%20two%3B%20100%20%25;type=private"
    );
    let token = open();
    let found = token.find(&made.reference).unwrap();
    assert_eq!(found.public_key_info(), made.key.public_key_info());
    let signature = found.sign(b"message").unwrap();
    assert!(openssl_accepts(
        &*made.key, "sha256", b"message", &signature
    ));

    let listed = token.list("one, ").unwrap();
    assert_eq!(
        listed,
        [("one, of two; 100 %".to_owned(), made.reference.clone())]
    );
    assert!(token.list("two").unwrap().is_empty());

    token.destroy(&made.reference).unwrap();
    token.destroy(&made.reference).unwrap();
    assert!(matches!(
        token.find(&made.reference),
        Err(VaultError::Missing(_))
    ));
    assert_eq!(made.key.sign(b"message"), Err(CryptoError::Unreachable));
    assert!(token.list("").unwrap().is_empty());
}

#[test]
fn keys_do_not_leave_the_token() {
    if !in_token("keys_do_not_leave_the_token") {
        return;
    }
    open().generate(KeyAlgorithm::EcdsaP256, "kept").unwrap();
    let module = SoftHsm::module();
    let arguments = [
        "--module",
        module.to_str().unwrap(),
        "--token-label",
        SoftHsm::LABEL,
    ];
    let listing = ["--login", "--pin", SoftHsm::PIN, "--list-objects"];
    let listed = run("pkcs11-tool", arguments.into_iter().chain(listing), b"").must_accept();
    let text = listed.text();
    let private = text
        .split_once("Private Key Object; EC")
        .expect("it is listed")
        .1;
    assert!(private.contains("label:      kept"), "{text}");
    assert!(
        private.contains("sensitive, always sensitive, never extractable, local"),
        "{text}"
    );
}

#[test]
fn what_is_another_tokens_is_refused() {
    if !in_token("what_is_another_tokens_is_refused") {
        return;
    }
    let token = open();
    for reference in [
        "pkcs11:token=other;object=key;type=private",
        "pkcs11:token=avouch%20test",
        "key",
    ] {
        assert!(
            matches!(token.find(reference), Err(VaultError::Reference(_))),
            "{reference}"
        );
    }
    token.generate(KeyAlgorithm::EcdsaP256, "key").unwrap();
    let again = token.generate(KeyAlgorithm::EcdsaP256, "key");
    assert!(matches!(again, Err(HsmError::Taken(_))));
}

#[test]
fn whoever_misnames_the_token_or_its_pin_is_told_and_nothing_locks() {
    if !in_token("whoever_misnames_the_token_or_its_pin_is_told_and_nothing_locks") {
        return;
    }
    let refused = |settings| Token::open(settings).unwrap_err();
    let error = refused(Settings {
        module: "/nowhere/module.so".into(),
        ..settings()
    });
    assert!(
        error
            .to_string()
            .starts_with("the PKCS #11 module /nowhere/module.so does not load")
    );
    let error = refused(Settings {
        token: Some("other".into()),
        ..settings()
    });
    assert!(matches!(error, HsmError::Absent));
    let error = refused(Settings {
        pin: "987654".to_owned().into(),
        ..settings()
    });
    assert!(matches!(error, HsmError::Pin));
    assert!(!format!("{error} {error:?}").contains("987654"));
    open();
}

#[test]
fn more_threads_than_sessions_take_turns() {
    if !in_token("more_threads_than_sessions_take_turns") {
        return;
    }
    let key = Arc::new(open().generate(KeyAlgorithm::EcdsaP256, "busy").unwrap());
    let threads: Vec<_> = (0..16_u8)
        .map(|number| {
            let key = key.clone();
            std::thread::spawn(move || {
                for _ in 0..20 {
                    let signature = key.sign(&[number]).unwrap();
                    crypto::verify(key.public_key_info(), &[number], &signature).unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}
