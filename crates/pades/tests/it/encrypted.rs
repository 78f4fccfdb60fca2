//! Files that are encrypted and open without a password.

use std::{fs, path::Path};

use pades::{FieldTarget, PdfError, SecurityStore, SignatureSpec};

use crate::{
    judges,
    signer::{SIGNER, corpus, spec},
};

/// What qpdf finds under `key` of the first signature dictionary once it has decrypted the file.
fn decrypted(path: &Path, key: &str) -> String {
    let output = testkit::run("qpdf", [path.as_os_str(), "--json".as_ref()], &[]);
    let json: serde_json::Value = serde_json::from_slice(&output.must_accept().stdout).unwrap();
    let objects = json["qpdf"][1].as_object().unwrap();
    let signature = objects
        .values()
        .find(|object| object["value"]["/Type"] == "/Sig")
        .unwrap();
    signature["value"][key].as_str().unwrap().to_owned()
}

#[test]
fn what_is_added_is_encrypted_like_the_rest_but_for_the_container() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = b"a certificate in the open".to_vec();
    let order = SignatureSpec {
        security_store: SecurityStore {
            certificates: vec![certificate.clone()],
            ..SecurityStore::default()
        },
        ..spec()
    };
    for (name, base) in corpus("encrypted") {
        let signed = SIGNER.sign(&base, &order);
        let tail = &signed[base.len()..];
        for secret in [&certificate[..], b"Order 7", b"D:2026"] {
            let open = memchr::memmem::find(tail, secret).is_some();
            assert!(!open, "{name}: {}", String::from_utf8_lossy(secret));
        }
        let found = pades::signatures(&signed).unwrap().swap_remove(0);
        assert_eq!(found.reason, spec().reason, "{name}");
        assert_eq!(found.name, spec().name, "{name}");
        assert_eq!(found.cms[0], 0x30, "{name}: the container is plain");
        let path = folder.path().join(format!("{name}.pdf"));
        fs::write(&path, &signed).unwrap();
        let reason = format!("u:{}", spec().reason.unwrap());
        assert_eq!(decrypted(&path, "/Reason"), reason, "{name}");
        let held = pades::security_store(&signed).unwrap();
        assert_eq!(held, order.security_store, "{name}");
        judges::qpdf(&path);
    }
}

#[test]
fn a_plain_claim_in_an_encrypted_file_is_read() {
    let (_, base) = corpus("encrypted-cleartext-metadata").swap_remove(0);
    assert_eq!(pades::inspect(&base).unwrap().pdf_a.as_deref(), Some("2B"));
}

#[test]
fn an_encryption_dictionary_that_is_spread_over_objects_is_put_together() {
    let (_, base) = corpus("encrypted-aes-256").swap_remove(0);
    let find = |what: &[u8]| memchr::memmem::find(&base, what).unwrap();
    let filters = find(b"/CF <<") + 4..find(b" /Filter /Standard");
    let table = find(b"xref\n");
    let spread = [
        &base[..filters.start],
        b"90 0 R",
        &base[filters.end..table],
        b"90 0 obj\n",
        &base[filters],
        b"\nendobj\n",
        &base[table..],
    ]
    .concat();
    let signed = SIGNER.sign(&spread, &spec());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signed.pdf");
    fs::write(&path, signed).unwrap();
    judges::qpdf(&path);
    assert_eq!(judges::pdfsig(&path), [(true, true)]);
}

#[test]
fn where_fields_may_only_be_filled_in_the_empty_one_is_taken() {
    let (_, base) = corpus("once-encrypted-fill-in").swap_remove(0);
    pades::inspect(&base).unwrap();
    let order = SignatureSpec {
        field: FieldTarget::New("Other".into()),
        ..spec()
    };
    let signed = SIGNER.sign(&base, &order);
    let found = pades::signatures(&signed).unwrap();
    assert_eq!(found[0].field_name, "Signature");
    assert_eq!(
        pades::prepare(&signed, &spec()).unwrap_err(),
        PdfError::Protected
    );
    pades::prepare_time_stamp(&signed, &pades::TimeStampSpec::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signed.pdf");
    fs::write(&path, signed).unwrap();
    judges::qpdf(&path);
    assert_eq!(judges::pdfsig(&path), [(true, true)]);
}
