//! Every kind of PDF, signed twice, under the eyes of all judges.

use std::fs;

use pades::Coverage;

use crate::{
    judges::{self, Opinion},
    signer::{SIGNER, corpus, spec},
};

/// qpdf complains of these files themselves; signing leaves their old bytes as they are.
const FLAWED: [&str; 2] = ["cr", "incremental"];

#[test]
fn every_kind_of_file_is_signed_twice_and_both_signatures_hold() {
    let folder = tempfile::tempdir().unwrap();
    let mut judged = Vec::new();
    for (name, base) in corpus("") {
        let already = pades::signatures(&base).unwrap().len();
        let once = SIGNER.sign(&base, &spec());
        let twice = SIGNER.sign(&once, &spec());

        let found = pades::signatures(&twice).unwrap();
        let covers: Vec<_> = found.iter().map(|signature| signature.covers).collect();
        let (last, earlier) = covers.split_last().unwrap();
        assert_eq!(*last, Coverage::WholeFile, "{name}");
        assert!(
            earlier.iter().all(|covers| *covers == Coverage::Revision),
            "{name}: {covers:?}"
        );
        assert_eq!(found.len(), already + 2, "{name}");
        assert_eq!(
            pades::inspect(&twice).unwrap().signatures,
            already + 2,
            "{name}"
        );
        let ours = &found[already + 1];
        assert_eq!(ours.name, spec().name);
        assert_eq!(ours.reason, spec().reason);
        assert_eq!(ours.claimed_time, Some(spec().signing_time));
        assert_eq!(ours.sub_filter, "ETSI.CAdES.detached");

        for (times, pdf) in [(1, &once), (2, &twice)] {
            let path = folder.path().join(format!("{name}-{times}.pdf"));
            fs::write(&path, pdf).unwrap();
            if !FLAWED.contains(&name.as_str()) {
                judges::qpdf(&path);
            }
            let verdicts = judges::pdfsig(&path);
            assert_eq!(verdicts.len(), already + times, "{name}: {verdicts:?}");
            assert!(
                verdicts.iter().all(|(valid, _)| *valid),
                "{name}: {verdicts:?}"
            );
            assert!(verdicts.last().unwrap().1, "{name}: the last one signs all");
        }
        if !judges::UNREADABLE_TO_PYHANKO.contains(&name.as_str()) {
            let path = folder.path().join(format!("{name}-2.pdf"));
            judged.push((
                path,
                found.into_iter().map(|signature| signature.field_name),
            ));
        }
    }

    let (paths, names): (Vec<_>, Vec<_>) = judged.into_iter().unzip();
    for ((path, opinions), names) in paths
        .iter()
        .zip(judges::pyhanko(&SIGNER.root(), &paths))
        .zip(names)
    {
        let count = opinions.len();
        assert_eq!(names.len(), count, "{path:?}: {opinions:?}");
        for (index, (opinion, name)) in opinions.into_iter().zip(names).enumerate() {
            let expected = Opinion {
                sound: true,
                unmodified: true,
                stamped: false,
                whole: index + 1 == count,
                // Signatures that were there before are somebody else's.
                trusted: !name.starts_with("Theirs"),
                field: name,
            };
            assert_eq!(opinion, expected, "{path:?}");
        }
    }
}

#[test]
fn the_form_of_cross_reference_data_is_kept() {
    for (name, base) in corpus("") {
        let prepared = pades::prepare(&base, &spec()).unwrap();
        let tail = prepared.seal(&[]).unwrap();
        let has = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|part| part == what);
        let streams = match name.as_str() {
            "hybrid" => false,
            _ => has(&base, b"/XRef"),
        };
        assert_eq!(has(&tail, b"/XRef"), streams, "{name}");
        assert_eq!(has(&tail, b"\nxref\n"), !streams, "{name}");
        let repaired = name.starts_with("repair-")
            || ["table-from-1", "header-offset-absolute"].contains(&name.as_str());
        assert_eq!(has(&tail, b"/Prev"), !repaired, "{name}");
    }
}

#[test]
fn field_names_are_unique_and_existing_fields_stay() {
    for (file, expected) in [
        ("form", vec!["Signature", "agree", "Signature_2"]),
        ("empty-field", vec!["Signature", "Signature_2"]),
        ("annotations-shared-with-form", vec!["name", "Signature"]),
        ("annotations-indirect", vec!["name", "Signature"]),
    ] {
        let (_, base) = corpus(file).swap_remove(0);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signed.pdf");
        fs::write(&path, SIGNER.sign(&base, &spec())).unwrap();
        let output = testkit::run("qpdf", [path.as_os_str(), "--json".as_ref()], &[]);
        let json: serde_json::Value = serde_json::from_slice(&output.must_accept().stdout).unwrap();
        let fields = json["acroform"]["fields"].as_array().unwrap();
        let names: Vec<_> = fields
            .iter()
            .map(|field| field["fullname"].as_str().unwrap())
            .collect();
        assert_eq!(names, expected, "{file}");
        assert!(
            fields
                .iter()
                .all(|field| field["annotation"]["annotationflags"] != 2
                    && field["pageposfrom1"] == 1),
            "{file}: every field is on the page and none is hidden"
        );
    }
}

#[test]
fn facts_are_those_of_the_file() {
    let facts = |name: &str| pades::inspect(&corpus(name)[0].1).unwrap();
    assert_eq!(facts("pypdf-2.0").version, (2, 0));
    assert_eq!(facts("reportlab").pages, 2);
    assert_eq!(facts("pdf-a-2b").pdf_a.as_deref(), Some("2B"));
    assert_eq!(facts("reportlab").pdf_a, None);
    assert_eq!(facts("signed").signatures, 1);
    assert_eq!(
        facts("certified-form-filling").certification,
        Some(pades::Certification::FormFilling)
    );
    assert_eq!(
        facts("certified-annotations").certification,
        Some(pades::Certification::Annotations)
    );
    assert_eq!(facts("empty-field").signatures, 0);
}

#[test]
fn a_prepared_signature_survives_storage() {
    let (_, base) = corpus("reportlab").swap_remove(0);
    let prepared = pades::prepare(&base, &spec()).unwrap();
    let stored = serde_json::to_string(&prepared).unwrap();
    assert!(
        stored.len() < 20_000,
        "bytes are stored as text, not as numbers"
    );
    let restored = serde_json::from_str(&stored).unwrap();
    assert_eq!(prepared, restored);
    let signed = SIGNER.sign_prepared(restored, &base);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signed.pdf");
    fs::write(&path, signed).unwrap();
    assert_eq!(judges::pdfsig(&path), [(true, true)]);
}

#[test]
fn pdf_a_stays_pdf_a_as_far_as_a_widget_goes() {
    let (_, base) = corpus("pdf-a-2b").swap_remove(0);
    let signed = SIGNER.sign(&base, &spec());
    assert_eq!(
        pades::inspect(&signed).unwrap().pdf_a.as_deref(),
        Some("2B")
    );
    let tail = String::from_utf8_lossy(&signed[base.len()..]);
    // ISO 19005-2, 6.3.2: Print set; ISO 19005-1, 6.9: an appearance, though nothing is seen.
    assert!(tail.contains("/F 132/Rect [0 0 0 0]"), "{tail}");
    assert!(tail.contains("/AP <</N "), "{tail}");
    // ISO 19005-2, 6.1.3: the trailer keeps the first half of its identifier.
    assert!(
        tail.contains("/ID [<00112233445566778899AABBCCDDEEFF> <"),
        "{tail}"
    );
}
