use crypto::{KeyAlgorithm, SoftwareKey, SystemEntropy};
use pki::profile::Qualification;
use pki::{PkiError, pkcs12};
use testkit::{ToolOutput, openssl, run};

use crate::{AUTHORITIES, Person, specimen, text};

fn person() -> Person {
    AUTHORITIES.issue(&specimen(), &Qualification::None)
}

fn file(name: &str, person: &Person, password: &str) -> std::path::PathBuf {
    let a = &*AUTHORITIES;
    let made = pkcs12::build(
        &person.key.to_pkcs8().unwrap(),
        person.signed.certificate(),
        &[
            a.made.issuing.certificate.clone(),
            a.made.root.certificate.clone(),
        ],
        password,
        "Carmen Española",
        &SystemEntropy,
    );
    a.file(name, made.unwrap())
}

fn opened(file: &std::path::Path, password: &str, options: &[&str]) -> ToolOutput {
    let password = format!("pass:{password}");
    let mut arguments = vec!["pkcs12", "-in", text(file), "-passin", &password];
    arguments.extend(options);
    openssl(arguments, b"")
}

#[test]
fn openssl_opens_the_file_with_its_password_alone() {
    let person = person();
    for (name, password) in [
        ("p12-ascii.p12", "correct horse"),
        ("p12-wide.p12", "contraseña Ωμέγα €"),
        ("p12-astral.p12", "clé 🔑"),
        ("p12-long.p12", &"0123456789".repeat(10)),
    ] {
        let file = file(name, &person, password);
        let shown = opened(&file, password, &["-nodes"]).must_accept().text();
        assert_eq!(shown.matches("BEGIN CERTIFICATE").count(), 3, "{shown}");
        assert!(shown.contains("BEGIN PRIVATE KEY"));
        let key = opened(&file, password, &["-nodes", "-nocerts"])
            .must_accept()
            .stdout;
        let key = openssl(["pkey", "-pubout", "-outform", "DER"], &key)
            .must_accept()
            .stdout;
        let own = opened(&file, password, &["-nokeys", "-clcerts"])
            .must_accept()
            .stdout;
        let own = openssl(["x509", "-noout", "-pubkey"], &own)
            .must_accept()
            .stdout;
        let own = openssl(["pkey", "-pubin", "-outform", "DER"], &own)
            .must_accept()
            .stdout;
        assert_eq!(key, own);
        opened(&file, &format!("{password}x"), &["-nodes"]).must_refuse();
        opened(&file, "", &["-nodes"]).must_refuse();
    }
}

#[test]
fn nothing_in_the_file_is_weaker_than_promised() {
    let file = file("p12-info.p12", &person(), "correct horse");
    let shown = opened(&file, "correct horse", &["-info", "-noout"])
        .must_accept()
        .stderr;
    assert!(
        shown.contains("MAC: sha256, Iteration 250000\nMAC length: 32, salt length: 16"),
        "{shown}"
    );
    let strong = "PBES2, PBKDF2, AES-256-CBC, Iteration 250000, PRF hmacWithSHA256";
    assert_eq!(shown.matches(strong).count(), 2, "{shown}");
}

#[test]
fn no_two_files_are_alike() {
    let person = person();
    let [one, two] = ["p12-one.p12", "p12-two.p12"]
        .map(|name| std::fs::read(file(name, &person, "correct horse")).unwrap());
    assert_eq!(one.len(), two.len());
    let alike = one.iter().zip(&two).filter(|(a, b)| a == b).count();
    assert!(alike * 4 < one.len(), "{alike} of {} bytes", one.len());
}

/// Java takes passwords in ASCII only.
#[test]
fn java_lists_the_key_and_its_chain() {
    let file = file("p12-java.p12", &person(), "correct horse");
    let list = |password| {
        let arguments = [
            "-list",
            "-v",
            "-keystore",
            text(&file),
            "-storepass",
            password,
        ];
        run("keytool", arguments, b"")
    };
    let shown = list("correct horse").must_accept().text();
    assert!(shown.contains("Entry type: PrivateKeyEntry"), "{shown}");
    assert!(shown.contains("Certificate chain length: 3"), "{shown}");
    assert!(shown.contains("carmen española"), "{shown}");
    list("wrong horse").must_refuse();
}

#[test]
fn nss_lists_the_key_and_imports_it() {
    let file = file("p12-nss.p12", &person(), "correct horse");
    let list = |password| run("pk12util", ["-l", text(&file), "-W", password], b"");
    let shown = list("correct horse").must_accept().text();
    assert!(shown.contains("Friendly Name: Carmen Espa"), "{shown}");
    assert!(shown.contains("Key(shrouded)"), "{shown}");
    list("wrong horse").must_refuse();

    let folder = tempfile::tempdir().unwrap();
    let database = format!("sql:{}", folder.path().display());
    run("certutil", ["-N", "-d", &database, "--empty-password"], b"").must_accept();
    let import = ["-i", text(&file), "-W", "correct horse", "-d", &database];
    run("pk12util", import, b"").must_accept();
    let keys = run("certutil", ["-K", "-d", &database], b"")
        .must_accept()
        .text();
    assert!(keys.contains("Carmen Espa"), "{keys}");
}

#[test]
fn a_key_goes_out_with_its_own_certificate_only() {
    let stranger = SoftwareKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let certificate = person().signed.into_certificate();
    let build = |key: &[u8], certificate: &[u8]| {
        pkcs12::build(
            key,
            certificate,
            &[],
            "correct horse",
            "name",
            &SystemEntropy,
        )
    };
    let key = stranger.to_pkcs8().unwrap();
    assert!(matches!(
        build(&key, &certificate),
        Err(PkiError::Mismatch(_))
    ));
    assert!(matches!(build(b"", &certificate), Err(PkiError::Crypto(_))));
    assert!(matches!(build(&key, b""), Err(PkiError::Malformed(_))));
}
