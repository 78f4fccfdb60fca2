use crypto::{CryptoError, KeyAlgorithm, SigningKey, SoftwareKey, SystemEntropy};
use pki::{PkiError, pkcs8};
use testkit::openssl;

use crate::{AUTHORITIES, text};

const PASSPHRASE: &str = "contraseña larga";

#[test]
fn a_key_under_a_passphrase_opens_in_openssl_and_here() {
    let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let pem = pkcs8::encrypt(&key, PASSPHRASE, &SystemEntropy).unwrap();
    let file = AUTHORITIES.file("root.key.pem", &pem);
    let passphrase = format!("pass:{PASSPHRASE}");
    let arguments = ["pkey", "-in", text(&file), "-passin", &passphrase];
    let public = arguments.into_iter().chain(["-pubout", "-outform", "DER"]);
    let public = openssl(public, b"").must_accept();
    assert_eq!(public.stdout, key.public_key_info());
    let again = pkcs8::decrypt(&pem, PASSPHRASE).unwrap();
    assert_eq!(again.public_key_info(), key.public_key_info());
}

#[test]
fn what_openssl_encrypts_the_same_way_opens_here() {
    let arguments = [
        "genpkey",
        "-algorithm",
        "EC",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    ];
    let plain = openssl(arguments, b"").must_accept().stdout;
    let passphrase = format!("pass:{PASSPHRASE}");
    let arguments = [
        "pkcs8",
        "-topk8",
        "-v2",
        "aes256",
        "-v2prf",
        "hmacWithSHA256",
    ];
    let options = ["-iter", "5000", "-passout", &passphrase];
    let pem = openssl(arguments.into_iter().chain(options), &plain).must_accept();
    let key = pkcs8::decrypt(&pem.text(), PASSPHRASE).unwrap();
    let arguments = ["pkey", "-pubout", "-outform", "DER"];
    let public = openssl(arguments, &plain).must_accept();
    assert_eq!(public.stdout, key.public_key_info());
}

#[test]
fn wrong_passphrases_and_other_files_are_told_apart() {
    let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let pem = pkcs8::encrypt(&key, PASSPHRASE, &SystemEntropy).unwrap();
    for wrong in ["", "contrasena larga"] {
        let error = pkcs8::decrypt(&pem, wrong).unwrap_err();
        // One wrong key in 256 leaves a padding that looks right.
        let expected = [CryptoError::Password, CryptoError::PrivateKey].map(PkiError::Crypto);
        assert!(expected.contains(&error), "{error}");
    }
    let certificate = pki::facts::to_pem(&AUTHORITIES.made.root.certificate).unwrap();
    let unencrypted = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
    let half: String = pem.chars().take(100).collect();
    for other in ["", "no PEM", &certificate, unencrypted, &half] {
        let error = pkcs8::decrypt(other, PASSPHRASE).unwrap_err();
        assert!(matches!(error, PkiError::Malformed(_)), "{other}: {error}");
    }
}
