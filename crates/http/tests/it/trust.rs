//! The doors of the PKI, judged by OpenSSL in the tests of the crate behind them; here only that
//! bytes pass unharmed.

use axum::body::Body;
use axum::http::{Method, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::house::House;

/// `openssl ocsp -issuer CERTIFICATE -serial 0xABCDEF01 -no_nonce -reqout`, for an authority that is
/// not ours.
const OCSP_REQUEST: &str = "MEYwRDBCMEAwPjAJBgUrDgMCGgUABBSnSTVI4qTfzoaUeweGK0X8r85clgQU\
VBOXSTHAn+uElwlBW0o5GfC6Q6UCBQCrze8B";

#[tokio::test]
async fn certificates_in_both_forms() {
    let house = House::build().await;
    for name in ["root", "issuing"] {
        let der = house.get(&format!("/pki/{name}.crt")).await;
        assert_eq!(der.header("content-type"), "application/pkix-cert");
        let pem = house.get(&format!("/pki/{name}.pem/")).await;
        let text = String::from_utf8(pem.content).unwrap();
        let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
        assert_eq!(STANDARD.decode(body).unwrap(), der.content);
    }
    let root = house.get("/pki/root.crt").await.content;
    assert_eq!(root, house.service.root_certificate());
}

#[tokio::test]
async fn ocsp_by_post_and_get() {
    let house = House::build().await;
    let der = STANDARD.decode(OCSP_REQUEST).unwrap();
    let posted = house.call(Method::POST, "/ocsp", der).await;
    assert_eq!(posted.status, 200);
    assert_eq!(posted.header("content-type"), "application/ocsp-response");
    // unauthorized(6): not for us to answer.
    assert_eq!(posted.content, [0x30, 0x03, 0x0a, 0x01, 0x06]);
    let escaped = OCSP_REQUEST.replace('=', "%3D").replace('+', "%2B");
    for path in [
        escaped.clone(),
        escaped.replace('/', "%2F"),
        format!("/{escaped}"),
    ] {
        let got = house.get(&format!("/ocsp/{path}")).await;
        assert_eq!(got.content, posted.content, "{path}");
    }
    // malformedRequest(1).
    for path in ["/ocsp/!!!", "/ocsp/%ff"] {
        assert_eq!(
            house.get(path).await.content,
            [0x30, 0x03, 0x0a, 0x01, 0x01],
            "{path}"
        );
    }
    let malformed = house.call(Method::POST, "/ocsp/", "no DER").await;
    assert_eq!(malformed.content, [0x30, 0x03, 0x0a, 0x01, 0x01]);
}

#[tokio::test]
async fn time_stamps() {
    let house = House::build().await;
    // TimeStampReq { version 1, messageImprint { sha256, 32 zero bytes } }
    let mut query = vec![
        0x30, 0x36, 0x02, 0x01, 0x01, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
        0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
    ];
    query.extend([0; 32]);
    let reply = house.call(Method::POST, "/tsa/", query).await;
    assert_eq!(reply.header("content-type"), "application/timestamp-reply");
    // PKIStatusInfo { granted(0) }, and a token behind it whose length varies with its signature.
    assert_eq!(reply.content[4..9], [0x30, 0x03, 0x02, 0x01, 0x00]);
    assert_eq!(reply.content[9..11], [0x30, 0x82]);
    let refused = house.call(Method::POST, "/tsa", "no DER").await;
    assert!(
        refused.status == 200 && refused.content.len() < 200,
        "a rejection in DER"
    );

    let large = Request::post("/tsa")
        .header("content-length", 1 << 20)
        .body(Body::empty());
    let large = house.send(large.unwrap()).await;
    assert_eq!(large.status, 413);
    assert_eq!(large.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn the_revocation_list_is_published() {
    let house = House::build().await;
    let list = house.get("/pki/issuing.crl").await;
    assert_eq!(list.status, 200);
    assert_eq!(list.header("content-type"), "application/pkix-crl");
    assert_eq!(list.header("cache-control"), "no-cache");
    assert_eq!(list.content.first(), Some(&0x30));
}
