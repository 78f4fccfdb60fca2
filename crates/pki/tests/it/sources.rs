use pki::verify::{Certificate, Sources, ocsp_request};
use testkit::openssl;

use crate::{AUTHORITIES, text};

/// A certificate of OpenSSL's that names where it can be asked about.
fn certificate(name: &str, extensions: &str) -> Vec<u8> {
    let a = &*AUTHORITIES;
    let settings = a.file(
        &format!("{name}.cnf"),
        format!("[req]\ndistinguished_name = none\n[none]\n[own]\n{extensions}"),
    );
    let (key, der) = (
        a.path(&format!("{name}.key")),
        a.path(&format!("{name}.der")),
    );
    let arguments = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=Anybody",
        "-outform",
        "DER",
        "-extensions",
        "own",
        "-config",
        text(&settings),
        "-keyout",
        text(&key),
        "-out",
        text(&der),
    ];
    openssl(arguments, b"").must_accept();
    std::fs::read(der).unwrap()
}

fn sources(name: &str, extensions: &str) -> Sources {
    Sources::of(&Certificate::read(&certificate(name, extensions)).unwrap())
}

#[test]
fn a_certificate_names_responders_and_lists_in_its_own_order() {
    let found = sources(
        "sources-many",
        "authorityInfoAccess = caIssuers;URI:http://a.example/ca.crt, \
         OCSP;URI:http://a.example/ocsp, OCSP;DNS:ocsp.example, OCSP;URI:http://b.example/ocsp\n\
         crlDistributionPoints = first, URI:ldap://c.example/list\n\
         [first]\nfullname = URI:http://c.example/1.crl, URI:http://d.example/1.crl\n",
    );
    assert_eq!(
        found.responders,
        ["http://a.example/ocsp", "http://b.example/ocsp"],
        "neither the issuer's certificate nor what is no address"
    );
    assert_eq!(
        found.lists,
        [
            "http://c.example/1.crl",
            "http://d.example/1.crl",
            "ldap://c.example/list"
        ]
    );
}

#[test]
fn a_certificate_that_names_nobody_has_no_sources() {
    for extensions in [
        "basicConstraints = CA:FALSE\n",
        "authorityInfoAccess = caIssuers;URI:http://a.example/ca.crt\n",
    ] {
        assert_eq!(sources("sources-none", extensions), Sources::default());
    }
}

#[test]
fn the_question_is_the_one_that_openssl_asks() {
    let a = &*AUTHORITIES;
    let issuing = Certificate::read(&a.made.issuing.certificate).unwrap();
    let unit = Certificate::read(&a.made.time_stamping.certificate).unwrap();
    let (issuer, asked_about, request) = (
        a.path("issuing.pem"),
        a.path("tsa.pem"),
        a.path("sources.req"),
    );
    let arguments = [
        "ocsp",
        "-sha1",
        "-no_nonce",
        "-issuer",
        text(&issuer),
        "-cert",
        text(&asked_about),
        "-reqout",
        text(&request),
    ];
    openssl(arguments, b"").must_accept();
    let own = ocsp_request(&unit, &issuing).unwrap();
    assert_eq!(own, std::fs::read(request).unwrap());
}
