//! DER that was made to break readers, handed in at every door: each refuses it, soon, and none
//! falls over. Time is bounded by the length of what comes in, whatever it claims.

use std::time::{Duration, Instant};

use crypto::SystemEntropy;
use pki::CertificateFacts;
use pki::ocsp::{self, Refusal};
use pki::tsa::client;
use pki::verify::{
    Certificate, Container, OcspResponse, RevocationList, verify_detached, verify_time_stamp,
};

use crate::AUTHORITIES;

/// Longer than all that any door takes in.
const LEN: usize = 256 * 1024;

/// Far above what a quarter of a megabyte needs even on a busy machine, unoptimised, and far
/// below what work that multiplies would take.
const PATIENCE: Duration = Duration::from_secs(5);

/// One element of DER.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let length = match len {
        0..0x80 => vec![len as u8],
        0x80..0x100 => vec![0x81, len as u8],
        0x100..0x1_0000 => vec![0x82, (len >> 8) as u8, len as u8],
        _ => vec![0x83, (len >> 16) as u8, (len >> 8) as u8, len as u8],
    };
    [&[tag][..], &length, content].concat()
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// `content` inside of so many elements of this tag.
fn nested(tag: u8, depth: usize, content: &[u8]) -> Vec<u8> {
    (0..depth).fold(content.to_vec(), |inner, _| tlv(tag, &inner))
}

/// ContentInfo around SignedData with these fields.
fn container(fields: &[&[u8]]) -> Vec<u8> {
    const SIGNED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
    sequence(&[SIGNED_DATA, &tlv(0xa0, &sequence(fields))])
}

fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    const VERSION: &[u8] = b"\x02\x01\x01";
    const SHA256: &[u8] = b"\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01";
    const DATA: &[u8] = b"\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
    let digests = tlv(0x31, SHA256);
    let crowd = |tag, one: &[u8]| tlv(tag, &one.repeat(LEN / one.len()));
    vec![
        ("nothing", Vec::new()),
        ("a tag alone", b"\x30".to_vec()),
        ("a length of no digits", b"\x30\x80".to_vec()),
        ("a length without its digits", b"\x30\x84\x01".to_vec()),
        (
            "4 GiB that are not there",
            b"\x30\x84\xff\xff\xff\xff".to_vec(),
        ),
        (
            "a length beyond any machine",
            [&b"\x30\xff"[..], &[0xff; 127]].concat(),
        ),
        (
            "a length after many zeros",
            [&b"\x30\xfe"[..], &[0; 125], &[3, 2, 1, 1]].concat(),
        ),
        (
            "a tag that never ends",
            [&b"\x3f"[..], &vec![0xff; LEN]].concat(),
        ),
        ("deep sequences", nested(0x30, LEN / 8, b"")),
        ("deep explicit tags", nested(0xa0, LEN / 8, b"")),
        ("deep strings in pieces", nested(0x24, LEN / 8, b"")),
        (
            "indefinite lengths all the way down",
            b"\x30\x80".repeat(LEN / 2),
        ),
        (
            "strings in pieces all the way down",
            b"\x24\x80".repeat(LEN / 2),
        ),
        ("a crowd of nulls", crowd(0x30, b"\x05\x00")),
        ("a crowd of empty sequences", crowd(0x30, b"\x30\x00")),
        ("a crowd of ends", vec![0; LEN]),
        (
            "an enormous number",
            sequence(&[&tlv(0x02, &vec![0x7f; LEN])]),
        ),
        (
            "an enormous name for an algorithm",
            sequence(&[&tlv(0x06, &vec![0xff; LEN])]),
        ),
        ("another type", b"\x04\x04\x30\x02\x05\x00".to_vec()),
        ("something behind the end", b"\x30\x00\x05\x00".to_vec()),
        ("text", b"-----BEGIN CERTIFICATE-----\n".repeat(1000)),
        (
            "a container of nobody",
            container(&[VERSION, &digests, DATA, &tlv(0x31, b"")]),
        ),
        (
            "a container with a crowd of certificates",
            container(&[
                VERSION,
                &digests,
                DATA,
                &crowd(0xa0, b"\x30\x03\x02\x01\x01"),
                &tlv(0x31, b""),
            ]),
        ),
        (
            "a container with a crowd of digests",
            container(&[VERSION, &crowd(0x31, SHA256), DATA, &tlv(0x31, b"")]),
        ),
        (
            "a container with a crowd of signers",
            container(&[
                VERSION,
                &digests,
                DATA,
                &crowd(0x31, &sequence(&[VERSION, &sequence(&[]), SHA256])),
            ]),
        ),
        (
            "containers inside one another",
            (0..40).fold(container(&[]), |inner, _| {
                container(&[VERSION, &digests, &sequence(&[&tlv(0xa0, &inner)])])
            }),
        ),
    ]
}

/// Says whether what came in was taken.
type Door = fn(&[u8]) -> bool;

fn doors() -> [(&'static str, Door); 11] {
    [
        ("certificate", |der| CertificateFacts::read(der).is_ok()),
        ("others' certificate", |der| Certificate::read(der).is_ok()),
        ("certification request", |der| {
            pki::pkcs10::Request::parse(der).is_ok()
        }),
        ("lint", |der| pki::lint::check(der).is_empty()),
        ("container", |der| {
            let a = &*AUTHORITIES;
            verify_detached(der, &[0; 32], &a.roots(), a.now).is_ok()
        }),
        ("others' container", |der| {
            let container = Container::read(der);
            container.is_ok_and(|container| {
                let data = container.signed_data();
                data.is_ok_and(|data| data.only_signer().is_ok())
            })
        }),
        ("time-stamp", |der| {
            verify_time_stamp(der, &[0; 32], &AUTHORITIES.roots()).is_ok()
        }),
        ("time-stamp answer", |der| {
            let a = &*AUTHORITIES;
            let request = client::Request::new([0; 32], [1; 8]);
            request.accept(der, &a.roots(), a.now).is_ok()
        }),
        ("OCSP answer", |der| OcspResponse::read(der).is_ok()),
        ("revocation list", |der| RevocationList::read(der).is_ok()),
        ("OCSP request", |der| ocsp::Request::parse(der).is_ok()),
    ]
}

#[test]
fn whatever_comes_in_is_refused_soon() {
    for (what, der) in hostile() {
        for (door, taken) in doors() {
            let start = Instant::now();
            assert!(!taken(&der), "the door for a {door} took {what}");
            let time = start.elapsed();
            assert!(time < PATIENCE, "{door}: {what} took {time:?}");
        }
    }
}

#[test]
fn every_time_stamp_request_gets_an_answer_that_says_why() {
    let a = &*AUTHORITIES;
    let tsa = a.tsa();
    for (what, der) in hostile() {
        let answer = tsa.respond(&der, a.now, &SystemEntropy).unwrap();
        // PKIStatusInfo with rejection, words and badDataFormat, and no token.
        assert_eq!(answer[4..7], *b"\x02\x01\x02", "{what}: {answer:02x?}");
        assert!(answer.len() < 100, "{what}: {answer:02x?}");
    }
}

#[test]
fn ocsp_requests_are_refused_for_what_is_wrong_with_them() {
    let sha1 = b"\x30\x07\x06\x05\x2b\x0e\x03\x02\x1a";
    let hash = tlv(0x04, &[0; 20]);
    let question = |serial: &[u8]| {
        let certificate = sequence(&[sha1, &hash, &hash, &tlv(0x02, serial)]);
        sequence(&[&certificate])
    };
    let asking =
        |questions: &[u8], more: &[u8]| sequence(&[&sequence(&[&tlv(0x30, questions), more])]);
    let refusal = |der: &[u8]| ocsp::Request::parse(der).err();
    let one = question(b"\x01");
    assert_eq!(refusal(&asking(&one, b"")), None);
    let nonce = |value: &[u8]| {
        let id = b"\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x02";
        tlv(0xa2, &sequence(&[&sequence(&[id, &tlv(0x04, value)])]))
    };
    assert_eq!(
        refusal(&asking(&one, &nonce(&tlv(0x04, b"12345678")))),
        None
    );
    for (what, der) in [
        ("no question", asking(b"", b"")),
        ("a serial number of no digits", asking(&question(b""), b"")),
        (
            "a padded serial number",
            asking(&question(b"\0\0\x01"), b""),
        ),
        ("more behind the question", asking(&one, b"\x05\x00")),
        (
            "another version",
            sequence(&[&sequence(&[b"\xa0\x03\x02\x01\x01", &tlv(0x30, &one)])]),
        ),
        (
            "extensions that are none",
            asking(&one, b"\xa2\x02\x05\x00"),
        ),
        ("extensions cut off", asking(&one, b"\xa2\x08\x30\x03")),
    ] {
        assert_eq!(refusal(&der), Some(Refusal::MalformedRequest), "{what}");
    }
}
