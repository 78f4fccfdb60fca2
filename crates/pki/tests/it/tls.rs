use crypto::{KeyAlgorithm, SigningKey, SoftwareKey, SystemEntropy};
use pki::PkiError;
use pki::issuance::{Draft, Validity};
use pki::profile::{Unit, tls};
use testkit::{ToolOutput, openssl, run};
use time::Duration;

use crate::{AUTHORITIES, text};

fn validity() -> Validity {
    Validity::starting(AUTHORITIES.now, Duration::days(365))
}

fn server(names: &[&str]) -> Result<Draft, PkiError> {
    let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    let spki = key.public_key_info();
    tls::server_draft(
        &AUTHORITIES.issuer,
        &names,
        spki,
        validity(),
        &SystemEntropy,
    )
}

fn client(common_name: &str) -> Result<Draft, PkiError> {
    let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let unit = Unit {
        country: "ES",
        organisation: "Ejemplo S.L.",
        organisation_identifier: None,
        common_name,
    };
    let spki = key.public_key_info();
    tls::client_draft(&AUTHORITIES.issuer, &unit, spki, validity(), &SystemEntropy)
}

fn issued(draft: Draft) -> Vec<u8> {
    let recorded = draft.lint().and_then(|linted| linted.record()).unwrap();
    recorded
        .sign(&AUTHORITIES.issuer)
        .unwrap()
        .into_certificate()
}

fn verified(name: &str, certificate: &[u8], options: &[&str]) -> ToolOutput {
    let a = &*AUTHORITIES;
    let (root, issuing) = (a.path("root.pem"), a.path("issuing.pem"));
    let file = a.file(name, pki::facts::to_pem(certificate).unwrap());
    let mut arguments = vec!["verify", "-x509_strict", "-CAfile", text(&root)];
    arguments.extend(["-untrusted", text(&issuing)]);
    arguments.extend(options);
    arguments.push(text(&file));
    openssl(arguments, b"")
}

#[test]
fn openssl_takes_servers_and_clients_for_what_they_are() {
    let server = issued(server(&["api.example.com", "127.0.0.1", "::1"]).unwrap());
    let client = issued(client("api-user-1").unwrap());
    for (name, certificate, good, bad) in [
        ("tls-server.pem", &server, "sslserver", "sslclient"),
        ("tls-client.pem", &client, "sslclient", "sslserver"),
    ] {
        verified(name, certificate, &["-purpose", good]).must_accept();
        verified(name, certificate, &["-purpose", bad]).must_refuse();
        let file = AUTHORITIES.path(name);
        let arguments = ["lint", "--severity", "NOTICE", text(&file)];
        run("lint_pkix_cert", arguments, b"").must_accept();
    }
}

#[test]
fn openssl_finds_a_server_under_each_of_its_names() {
    let names = ["api.example.com", "*.ra.example.com", "127.0.0.1", "::1"];
    let certificate = issued(server(&names).unwrap());
    for known in [
        ["-verify_hostname", "api.example.com"],
        ["-verify_hostname", "one.ra.example.com"],
        ["-verify_ip", "127.0.0.1"],
        ["-verify_ip", "::1"],
    ] {
        verified("tls-names.pem", &certificate, &known).must_accept();
    }
    for unknown in [
        ["-verify_hostname", "example.com"],
        ["-verify_ip", "127.0.0.2"],
    ] {
        verified("tls-names.pem", &certificate, &unknown).must_refuse();
    }
}

#[test]
fn only_clients_point_to_the_revocation_list() {
    let points = |certificate: &[u8]| {
        let arguments = ["x509", "-inform", "DER", "-noout", "-text"];
        let shown = openssl(arguments, certificate).must_accept().text();
        shown.contains(".crl")
    };
    assert!(points(&issued(client("api-user-2").unwrap())));
    assert!(!points(&issued(server(&["localhost"]).unwrap())));
}

#[test]
fn weak_keys_are_not_certified() {
    let draft = |bits: &str| {
        let arguments = ["genpkey", "-algorithm", "RSA", "-pkeyopt", bits];
        let key = openssl(arguments, b"").must_accept().stdout;
        let public = openssl(["pkey", "-pubout", "-outform", "DER"], &key).must_accept();
        let unit = Unit {
            country: "ES",
            organisation: "Ejemplo S.L.",
            organisation_identifier: None,
            common_name: "api-user-3",
        };
        let (issuer, spki) = (&AUTHORITIES.issuer, &public.stdout);
        tls::client_draft(issuer, &unit, spki, validity(), &SystemEntropy).and_then(Draft::lint)
    };
    assert!(draft("rsa_keygen_bits:2048").is_ok());
    let weak = draft("rsa_keygen_bits:1024").unwrap_err().to_string();
    assert!(
        weak.contains("an RSA key must have 2048 to 8192 bits"),
        "{weak}"
    );
}

#[test]
fn names_that_are_none_are_refused() {
    let label = "x".repeat(64);
    for bad in [
        "",
        "a b",
        "-a.example",
        "a..b",
        "a.*.b",
        "exämple.com",
        "http://x",
        label.as_str(),
    ] {
        for names in [vec![bad], vec!["localhost", bad]] {
            let refused = server(&names);
            assert!(matches!(refused, Err(PkiError::Value { .. })), "{names:?}");
        }
    }
    assert!(server(&[]).is_err());
    assert!(client("").is_err());
}
