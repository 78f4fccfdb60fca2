//! The security store: in the signature's own revision, complete, and nothing twice.

use std::fs;

use pades::{SecurityStore, SignatureSpec};

use crate::{
    judges,
    raw::{FORM, PAGE, PAGES, file},
    signer::{SIGNER, corpus, spec},
};

fn items<const N: usize>(items: [&str; N]) -> Vec<Vec<u8>> {
    items.map(|item| item.as_bytes().to_vec()).to_vec()
}

fn with(security_store: SecurityStore) -> SignatureSpec {
    SignatureSpec {
        security_store,
        ..spec()
    }
}

fn count(pdf: &[u8], what: &[u8]) -> usize {
    memchr::memmem::find_iter(pdf, what).count()
}

#[test]
fn the_store_comes_with_the_signature_and_holds_nothing_twice() {
    let first = SecurityStore {
        certificates: items(["certificate A", "certificate B", "certificate A"]),
        ocsp_responses: items(["answer A"]),
        revocation_lists: Vec::new(),
    };
    let second = SecurityStore {
        certificates: items(["certificate B", "certificate C"]),
        ocsp_responses: items(["answer A"]),
        revocation_lists: items(["list A"]),
    };
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (name, base) in corpus("") {
        let before = pades::security_store(&base).unwrap();
        assert!(before.is_empty(), "{name}");
        let once = SIGNER.sign(&base, &with(first.clone()));
        let held = pades::security_store(&once).unwrap();
        assert_eq!(
            held,
            SecurityStore {
                certificates: items(["certificate A", "certificate B"]),
                ..first.clone()
            },
            "{name}"
        );
        assert_eq!(
            count(&once, b"startxref"),
            count(&base, b"startxref") + 1,
            "{name}: one revision"
        );
        let twice = SIGNER.sign(&once, &with(second.clone()));
        let held = pades::security_store(&twice).unwrap();
        assert_eq!(
            held,
            SecurityStore {
                certificates: items(["certificate A", "certificate B", "certificate C"]),
                ocsp_responses: items(["answer A"]),
                revocation_lists: items(["list A"]),
            },
            "{name}"
        );
        let thrice = SIGNER.sign(&twice, &with(second.clone()));
        assert_eq!(pades::security_store(&thrice).unwrap(), held, "{name}");
        if !name.starts_with("encrypted") {
            let added = &thrice[twice.len()..];
            assert_eq!(count(added, b"stream\ncertificate"), 0, "{name}");
        }
        let path = folder.path().join(format!("{name}.pdf"));
        fs::write(&path, &thrice).unwrap();
        let verdicts = judges::pdfsig(&path);
        assert!(verdicts.iter().all(|(valid, _)| *valid), "{name}");
        if !judges::UNREADABLE_TO_PYHANKO.contains(&name.as_str()) {
            paths.push(path);
        }
    }
    for (path, opinions) in paths.iter().zip(judges::pyhanko(&SIGNER.root(), &paths)) {
        for opinion in &opinions {
            assert!(
                opinion.sound && opinion.unmodified,
                "{path:?}: {opinions:?}"
            );
        }
    }
}

#[test]
fn what_a_file_keeps_in_its_own_way_stays() {
    let catalog = "<</Type/Catalog/Pages 2 0 R/AcroForm 4 0 R/DSS<</Certs 5 0 R/OCSPs[7 0 R]\
                   /VRI<</0123456789012345678901234567890123456789<</Cert[6 0 R]>>>>>>>>";
    let stream = |text: &str| {
        let length = text.len();
        format!("<</Length {length}>>\nstream\n{text}\nendstream")
    };
    let (certificate, answer) = (stream("certificate A"), stream("answer A"));
    // An entry that leads nowhere is not ours to remove.
    let objects = [
        catalog,
        PAGES,
        PAGE,
        FORM,
        "[6 0 R 99 0 R]",
        &certificate,
        &answer,
    ];
    let base = file(&objects, "<</Size 8/Root 1 0 R>>");
    let store = SecurityStore {
        certificates: items(["certificate A", "certificate B"]),
        ocsp_responses: items(["answer A"]),
        revocation_lists: items(["list A"]),
    };
    let signed = SIGNER.sign(&base, &with(store.clone()));
    assert_eq!(pades::security_store(&signed).unwrap(), store);
    let tail = String::from_utf8_lossy(&signed[base.len()..]);
    assert!(tail.contains("[6 0 R 99 0 R 9 0 R]"), "{tail}");
    assert!(tail.contains("/VRI <</0123"), "{tail}");
}

#[test]
fn files_before_pdf_2_0_say_once_that_they_use_what_pades_defines() {
    let (_, base) = corpus("reportlab").swap_remove(0);
    let once = SIGNER.sign(&base, &spec());
    let extension = b"/ESIC <</BaseVersion /1.7/ExtensionLevel 1>>";
    assert_eq!(count(&once, extension), 1);
    let twice = SIGNER.sign(&once, &spec());
    assert_eq!(count(&twice[once.len()..], b"/Extensions"), 0);

    let (_, base) = corpus("pypdf-2.0").swap_remove(0);
    let once = SIGNER.sign(&base, &spec());
    assert_eq!(count(&once[base.len()..], b"/Extensions"), 0);

    let (_, base) = corpus("empty-field").swap_remove(0);
    assert_eq!(count(&SIGNER.sign(&base, &spec()), b"/Type /Catalog"), 3);
}
