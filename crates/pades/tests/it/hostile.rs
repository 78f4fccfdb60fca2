//! Files made to break readers: they end in an answer, without a panic and without eating memory.

use std::sync::LazyLock;

use miniz_oxide::deflate::compress_to_vec_zlib;
use pades::{ChangeKind, Coverage, EmbeddedSignature, PdfError, SecurityStore, TimeStampSpec};
use proptest::prelude::*;

use crate::{
    raw::{CATALOG, FORM, PAGE, PAGES, TRAILER, file},
    real_files,
    signer::{corpus, spec},
};

const CASES: u32 = 1000;

/// Our own files and the small ones of the world's.
static CORPUS: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let mut files = corpus("");
    files.extend(real_files::small());
    files
});

/// Every door at once. What passes inspection can be signed and archived, the signature is whole,
/// and the archive time-stamp leaves alone what was signed.
fn probe(pdf: &[u8]) -> Result<(), PdfError> {
    let facts = pades::inspect(pdf);
    let _ = pades::signatures(pdf);
    let prepared = pades::prepare(pdf, &spec());
    if facts.is_ok() {
        let prepared = prepared
            .clone()
            .expect("what passes inspection can be signed");
        let digest = prepared.digest();
        let signed = prepared.embed(pdf, b"0\0").unwrap();
        assert!(signed.starts_with(pdf));
        let found = pades::signatures(&signed).unwrap();
        let whole = |one: &&EmbeddedSignature| {
            one.covers == Coverage::WholeFile && one.digest == Some(digest)
        };
        let signature = found.iter().find(whole);
        let signature = signature.unwrap_or_else(|| panic!("half-signed: {found:?}"));
        let archive = TimeStampSpec {
            security_store: SecurityStore::default(),
            reserve: 64,
        };
        let prepared = pades::prepare_time_stamp(&signed, &archive);
        let prepared = prepared.expect("what was signed can be archived");
        let archived = prepared.embed(&signed, b"0\0").unwrap();
        // What neither of them touched may be damaged.
        match pades::changes(&archived, signature) {
            Ok(changes) => assert!(
                changes.most <= Some(ChangeKind::Preservation),
                "the archive time-stamp changes the document: {changes:?}"
            ),
            Err(reason) => assert_ne!(reason, PdfError::SignedAndDamaged),
        }
    }
    prepared.map(drop)
}

fn what(result: Result<(), PdfError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn loops_end() {
    probe(&file(&[CATALOG, PAGES, PAGE, FORM], TRAILER)).unwrap();
    let pages = "<</Type/Pages/Kids[2 0 R 2 0 R]/Count 1>>";
    assert!(what(probe(&file(&[CATALOG, pages, PAGE, FORM], TRAILER))).contains("no page"));
    assert!(what(probe(&file(&[CATALOG, "2 0 R", PAGE, FORM], TRAILER))).contains("circle"));
    let own_kid = "<</Fields[4 0 R 5 0 R]/Kids[4 0 R]/T(a)>>";
    probe(&file(&[CATALOG, PAGES, PAGE, own_kid], TRAILER)).unwrap();
    // A loop of /Prev is damage, which is repaired by leaving the loop out.
    let plain = file(&[CATALOG, PAGES, PAGE, FORM], TRAILER);
    let start = plain.windows(5).position(|part| part == b"xref\n").unwrap();
    let looping = file(
        &[CATALOG, PAGES, PAGE, FORM],
        &format!("<</Size 5/Root 1 0 R/Prev {start}>>"),
    );
    let tail = pades::prepare(&looping, &spec())
        .unwrap()
        .seal(&[])
        .unwrap();
    assert!(!tail.windows(5).any(|part| part == b"/Prev"));
    probe(&looping).unwrap();
}

#[test]
fn what_shares_an_object_with_a_signature_is_not_changed_by_it() {
    let catalog = "<</Type/Catalog/Pages 2 0 R/AcroForm 4 0 R/DSS 6 0 R/Extensions 7 0 R>>";
    let form = "<</Fields 5 0 R>>";
    let widget = "<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/Rect[20 20 120 40]/P 3 0 R>>";
    for owner in [
        "/Contents 5 0 R",
        "/Annots 5 0 R",
        "/Unknown 5 0 R",
        "/Unknown 6 0 R",
        "/Unknown[7 0 R 9 0 R]",
    ] {
        let page = format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]{owner}>>");
        let dss = "<</Certs 9 0 R/OCSPs 9 0 R>>";
        let objects = [
            catalog, PAGES, &page, form, "[8 0 R]", dss, "<<>>", widget, "[]",
        ];
        probe(&file(&objects, "<</Size 10/Root 1 0 R>>")).unwrap();
    }
}

#[test]
fn trees_of_pages_that_make_no_sense_stay_as_they_are() {
    let pages = "<</Type/Pages/Kids[3 0 R 5 0 R]/Count 2>>";
    let kids = "<</Type/Pages/Kids/None>>";
    probe(&file(&[CATALOG, pages, PAGE, FORM, kids], TRAILER)).unwrap();
    let childless = "<</Type/Page/Parent 2 0 R/Kids/None>>";
    probe(&file(&[CATALOG, PAGES, childless, FORM], TRAILER)).unwrap();
    // A page behind two references, which something else leads to, too.
    let pages = "<</Type/Pages/Kids[5 0 R]/Count 1/Unknown 3 0 R>>";
    probe(&file(
        &[CATALOG, pages, PAGE, FORM, "3 0 R"],
        "<</Size 6/Root 1 0 R>>",
    ))
    .unwrap();
}

#[test]
fn nesting_is_bounded() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let page = format!("<</Type/Page/Annots {deep}>>");
    assert!(what(probe(&file(&[CATALOG, PAGES, &page, FORM], TRAILER))).contains("too deeply"));
    let fields: Vec<_> = (5..400)
        .map(|number| format!("<</T(a)/Kids[{} 0 R]>>", number + 1))
        .collect();
    let mut objects = vec![CATALOG, PAGES, PAGE, "<</Fields[5 0 R]>>"];
    objects.extend(fields.iter().map(String::as_str));
    let error = pades::signatures(&file(&objects, TRAILER)).unwrap_err();
    assert!(
        matches!(error, PdfError::Limit { limit: 64, .. }),
        "{error}"
    );
}

#[test]
fn long_names_and_many_locks_do_not_multiply_the_work() {
    let name = "n".repeat(1 << 20);
    let kids = "6 0 R [] ".repeat(1000) + &"<<>>".repeat(100_000);
    let field = format!("<</T({name})/Kids[{kids}]>>");
    let base = file(
        &[CATALOG, PAGES, PAGE, "<</Fields[5 0 R]>>", &field, "<<>>"],
        TRAILER,
    );
    let error = pades::prepare(&base, &spec()).unwrap_err();
    assert!(matches!(error, PdfError::Limit { .. }), "{error}");

    let lock = "<</TransformMethod/FieldMDP/TransformParams<</Action/Include/Fields[(a)(b)]>>>>";
    let signed = format!("<</FT/Sig/T(s)/V<</Reference[{}]>>>>", lock.repeat(1000));
    let base = file(
        &[CATALOG, PAGES, PAGE, "<</Fields[5 0 R]>>", &signed],
        TRAILER,
    );
    let error = pades::prepare(&base, &spec()).unwrap_err();
    assert!(
        matches!(error, PdfError::Limit { limit: 256, .. }),
        "{error}"
    );
}

#[test]
fn bombs_are_refused() {
    // 64 MiB of spaces in 64 KiB.
    let bomb = compress_to_vec_zlib(&vec![b' '; 64 << 20], 1);
    let mut pdf = b"%PDF-1.5\n".to_vec();
    let start = pdf.len();
    let head = format!(
        "1 0 obj\n<</Type/XRef/W[1 4 2]/Size 9/Root 2 0 R/Filter/FlateDecode/Length {}>>\nstream\n",
        bomb.len()
    );
    pdf.extend(head.bytes());
    pdf.extend(&bomb);
    pdf.extend(format!("\nendstream\nendobj\nstartxref\n{start}\n%%EOF\n").bytes());
    assert!(
        matches!(probe(&pdf), Err(PdfError::Limit { .. })),
        "{:?}",
        probe(&pdf)
    );
}

#[test]
fn absurd_sizes_cost_nothing() {
    let trailer = "<</Size 2147483647/Root 1 0 R>>";
    probe(&file(&[CATALOG, PAGES, PAGE, FORM], trailer)).unwrap();
    let tail = pades::prepare(&file(&[CATALOG, PAGES, PAGE, FORM], trailer), &spec())
        .unwrap()
        .seal(&[])
        .unwrap();
    assert!(
        tail.starts_with(b"5 0 obj\n<<"),
        "numbers go on without a gap"
    );
    let huge = b"%PDF-1.7\nxref\n0 18446744073709551615\ntrailer\n<<>>\nstartxref\n9\n%%EOF";
    probe(huge).unwrap_err();
    let highest = "xref\n8388607 1\n0000000009 00000 n \ntrailer\n<</Root 8388607 0 R>>\n";
    probe(format!("%PDF-1.7\n{highest}startxref\n9\n%%EOF").as_bytes()).unwrap_err();
}

#[test]
fn objects_inside_one_another_do_not_multiply_the_work() {
    // Each object's comment holds all later objects: parsing one reads to the end of the file.
    let count = 30_000;
    let mut pdf = b"%PDF-1.7\n".to_vec();
    let mut table = String::from("xref\n0 1\n0000000000 65535 f \n10 30000\n");
    for number in 10..10 + count {
        table += &format!("{:010} 00000 n \n", pdf.len());
        pdf.extend(format!("{number} 0 obj %").bytes());
    }
    pdf.extend(b"\nnull\n");
    let fields: String = (10..10 + count)
        .map(|number| format!("{number} 0 R "))
        .collect();
    let mut own = Vec::new();
    for (number, object) in [
        (1, CATALOG),
        (2, PAGES),
        (3, PAGE),
        (4, &format!("<</Fields[{fields}]>>")),
    ] {
        own.push(format!("{number} 1\n{:010} 00000 n \n", pdf.len()));
        pdf.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
    }
    let start = pdf.len();
    let table = table + &own.concat();
    pdf.extend(format!("{table}trailer\n{TRAILER}\nstartxref\n{start}\n%%EOF\n").bytes());
    let error = pades::prepare(&pdf, &spec()).unwrap_err();
    assert!(matches!(error, PdfError::Limit { .. }), "{error}");
}

#[test]
fn a_file_cut_off_within_its_last_revision_is_not_signed_as_its_earlier_one() {
    for name in [
        "incremental",
        "signed",
        "signed-object-streams",
        "linearized",
    ] {
        let (_, pdf) = corpus(name).swap_remove(0);
        let ends = memchr::memmem::find_iter(&pdf, b"%%EOF").map(|end| end + "%%EOF\n".len());
        let ends: Vec<_> = ends.collect();
        let [.., earlier, last] = ends[..] else {
            panic!("{name} has one revision")
        };
        // From inside the update's second object to inside its `startxref`.
        let second = memchr::memmem::find(&pdf[earlier..], b"endobj").unwrap() + earlier + 6;
        for length in second..last - "99999\n%%EOF\n".len() {
            assert!(
                pades::prepare(&pdf[..length], &spec()).is_err(),
                "{name} cut at {length}"
            );
        }
        assert_eq!(
            pades::prepare(&pdf[..second], &spec()).unwrap_err(),
            PdfError::Truncated,
            "{name}"
        );
    }
}

#[test]
fn a_repair_that_would_lose_something_is_refused() {
    let plain = file(&[CATALOG, PAGES, PAGE, FORM], TRAILER);
    let moved = plain.len() - "9\n%%EOF\n".len();
    let damaged = [&plain[..moved], b"\n%%EOF\n"].concat();
    probe(&damaged).unwrap();
    for lost in [3, 4] {
        let object = format!("{lost} 0 obj\n");
        let at = memchr::memmem::find(&damaged, object.as_bytes()).unwrap();
        let mut less = damaged.clone();
        less[at..at + 3].copy_from_slice(b"% -");
        assert!(
            matches!(probe(&less), Err(PdfError::Broken { .. })),
            "without object {lost}"
        );
    }
}

#[test]
fn every_truncation_ends_in_an_answer() {
    for name in ["object-streams", "hybrid", "signed-object-streams", "crlf"] {
        let (_, pdf) = corpus(name).swap_remove(0);
        for length in 0..pdf.len() {
            let _ = probe(&pdf[..length]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn damage_never_ends_in_a_panic_or_in_half_a_signature(
        which in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        let (_, mut pdf) = which.get(&CORPUS).clone();
        for (at, byte) in damage {
            let at = at.index(pdf.len());
            pdf[at] = byte;
        }
        let _ = probe(&pdf);
    }

    #[test]
    fn swapped_tokens_never_end_in_a_panic_or_in_half_a_signature(
        which in any::<prop::sample::Index>(),
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
    ) {
        let (_, pdf) = which.get(&CORPUS);
        let mut tokens: Vec<_> = pdf.split_inclusive(|byte| b" \n/".contains(byte)).collect();
        let (from, to) = (from.index(tokens.len()), to.index(tokens.len()));
        tokens.swap(from, to);
        let _ = probe(&tokens.concat());
    }

    #[test]
    fn rubbish_behind_a_header_ends_in_an_answer(
        rubbish in prop::collection::vec(prop::sample::select(vec![
            "xref\n", "0 3\n", "0000000009 00000 n \n", "trailer", "<<", ">>", "[", "]", "(", ")",
            "/Root", "/Prev", "/Size", "1 0 R", "2 0 R", "1 0 obj", "2 0 obj", "endobj", "stream\n",
            "endstream", "startxref\n", "9\n", "14\n", "%%EOF\n", " ", "/Type", "/Catalog", "/Pages",
            "/Kids", "/ObjStm", "/XRef", "/W", "/N", "/First", "-1", "99999999999999999999", "<",
            ">", "/AcroForm", "/Fields", "%", "\n",
        ]), 0..200),
    ) {
        let _ = probe(format!("%PDF-1.7\n{}", rubbish.concat()).as_bytes());
    }
}
