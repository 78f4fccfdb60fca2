//! Signature fields that are there already, and what earlier signatures and the fields themselves
//! forbid.

use pades::{
    Appearance, FieldTarget, Layout, PdfError, Rect, SignatureSpec, TimeStampSpec, WantedPlace,
};

use crate::{
    judges,
    raw::{CATALOG, PAGES, empty_field, file, form},
    signer::{SIGNER, corpus, saved, spec},
};

fn existing(name: &str) -> SignatureSpec {
    SignatureSpec {
        field: FieldTarget::Existing(name.into()),
        ..spec()
    }
}

fn visible(spec: SignatureSpec) -> SignatureSpec {
    let rect = Rect {
        x1: 20.0,
        y1: 100.0,
        x2: 120.0,
        y2: 140.0,
    };
    SignatureSpec {
        appearance: Some(Appearance {
            page: 0,
            rect,
            lines: vec!["Signed".into()],
            picture: None,
            layout: Layout::Behind,
        }),
        ..spec
    }
}

/// All judges find all signatures of `pdf` valid, and nothing but allowed changes between them.
#[track_caller]
fn valid(pdf: &[u8], fields: &[&str]) {
    let path = saved(pdf);
    let verdicts = judges::pdfsig(&path);
    assert_eq!(verdicts.len(), fields.len(), "{verdicts:?}");
    assert!(verdicts.iter().all(|(valid, _)| *valid), "{verdicts:?}");
    valid_to_pyhanko(pdf, fields);
}

#[track_caller]
fn valid_to_pyhanko(pdf: &[u8], fields: &[&str]) {
    let path = saved(pdf);
    judges::qpdf(&path);
    let paths = [path.to_path_buf()];
    let opinions = judges::pyhanko(&SIGNER.root(), &paths).swap_remove(0);
    let names: Vec<_> = opinions.iter().map(|opinion| &opinion.field).collect();
    assert_eq!(names, fields);
    for opinion in &opinions {
        assert!(opinion.sound && opinion.unmodified, "{opinions:?}");
    }
}

fn refusal(pdf: &[u8], spec: &SignatureSpec) -> PdfError {
    pades::prepare(pdf, spec).unwrap_err()
}

#[test]
fn an_empty_field_is_filled_where_it_stands() {
    let (_, base) = corpus("empty-field").swap_remove(0);
    assert_eq!(pades::inspect(&base).unwrap().empty_fields, ["Signature"]);
    let signed = SIGNER.sign(&base, &existing("Signature"));
    assert!(pades::inspect(&signed).unwrap().empty_fields.is_empty());
    let tail = String::from_utf8_lossy(&signed[base.len()..]);
    assert!(tail.contains("/Rect [20 20 120 60]"), "{tail}");
    assert!(!tail.contains("/Annots"), "the page stays: {tail}");
    let taken = PdfError::FieldTaken("Signature".into());
    assert_eq!(refusal(&signed, &existing("Signature")), taken);
    let twice = SIGNER.sign(&signed, &spec());
    valid(&twice, &["Signature", "Signature_2"]);

    let seen = SIGNER.sign(&base, &visible(existing("Signature")));
    let tail = String::from_utf8_lossy(&seen[base.len()..]);
    let place = "/Rect [20 20 120 60]";
    assert!(
        tail.contains(place) && tail.contains("/Font"),
        "its own place, the wanted look: {tail}"
    );
    valid(&seen, &["Signature"]);
}

#[test]
fn a_nested_field_with_a_widget_of_its_own_is_filled() {
    let base = form(
        &[5],
        &[
            "<</T(contract)/Kids[6 0 R]>>",
            "<</T(buyer)/Parent 5 0 R/FT/Sig/Kids[7 0 R]>>",
            "<</Type/Annot/Subtype/Widget/Parent 6 0 R/F 4/Rect[20 20 120 60]/P 3 0 R>>",
        ],
    );
    let facts = pades::inspect(&base).unwrap();
    assert_eq!(facts.empty_fields, ["contract.buyer"]);
    for order in [
        existing("contract.buyer"),
        visible(existing("contract.buyer")),
    ] {
        let signed = SIGNER.sign(&base, &order);
        let found = pades::signatures(&signed).unwrap();
        assert_eq!(found[0].field_name, "contract.buyer");
        // Poppler takes such a field for unsigned, whoever signs it.
        valid_to_pyhanko(
            &SIGNER.sign(&signed, &spec()),
            &["contract.buyer", "Signature"],
        );
    }
    for above in ["contract", "contract.seller"] {
        assert!(matches!(
            refusal(&base, &existing(above)),
            PdfError::NoSuchField(_) | PdfError::FieldTaken(_)
        ));
    }
}

#[test]
fn fields_that_are_none_for_signatures_are_refused() {
    let (_, base) = corpus("form").swap_remove(0);
    assert_eq!(
        refusal(&base, &existing("Signature")),
        PdfError::FieldTaken("Signature".into())
    );
    assert_eq!(
        refusal(&base, &existing("Notary")),
        PdfError::NoSuchField("Notary".into())
    );
}

#[test]
fn seed_values_are_followed_or_the_reason_is_given() {
    for (seed, demand) in [
        ("", None),
        ("/Filter/Other", None),
        ("/Ff 1/Filter/Adobe.PPKLite", None),
        ("/Ff 1/Filter/Other", Some("another signature handler")),
        (
            "/Ff 2/SubFilter[/adbe.pkcs7.detached /ETSI.CAdES.detached]",
            None,
        ),
        (
            "/Ff 2/SubFilter[/adbe.pkcs7.detached]",
            Some("another format than PAdES"),
        ),
        ("/Ff 4/V 3", None),
        ("/Ff 4/V 4", Some("rules newer than those known here")),
        ("/Ff 8/Reasons[(Other)(Order 7 \\\\ signed)]", None),
        (
            "/Ff 8/Reasons[(Other)]",
            Some("a certain reason for signing"),
        ),
        ("/Ff 8/Reasons[(.)]", Some("a certain reason for signing")),
        (
            "/Ff 32/AddRevInfo true",
            Some("revocation data in the signature itself"),
        ),
        ("/Ff 64/DigestMethod[(SHA256)(SHA512)]", None),
        (
            "/Ff 64/DigestMethod[(SHA512)]",
            Some("another digest than SHA-256"),
        ),
        (
            "/Ff 128/LockDocument/true",
            Some("that the signature locks the document"),
        ),
        (
            "/Ff 256/AppearanceFilter(Seal)",
            Some("a certain appearance"),
        ),
        ("/MDP<</P 0>>", None),
        (
            "/MDP<</P 2>>",
            Some("that the signature certifies the document"),
        ),
        ("/Cert<</Ff 0/Subject[(x)]>>", None),
        ("/Cert<</Ff 1/Subject[(x)]>>", Some("a certain certificate")),
    ] {
        let field = empty_field("a", &format!("/SV<</Type/SV{seed}>>"));
        let base = form(&[5], &[&field]);
        let result = pades::prepare(&base, &existing("a")).map(drop);
        assert_eq!(
            result,
            demand.map_or(Ok(()), |demand| Err(PdfError::SeedValue(demand))),
            "{seed}"
        );
    }
}

#[test]
fn a_locking_field_locks_what_it_says_and_later_signatures_respect_it() {
    let text = "<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/F 4/Rect[20 160 120 180]/P 3 0 R\
                /DA(/F 10 Tf 0 g)>>";
    let locking = |lock: &str| {
        let first = empty_field("first", &format!("/Lock<</Type/SigFieldLock{lock}>>"));
        form(&[5, 6, 7], &[text, &first, &empty_field("second", "")])
    };
    let sign = |lock: &str| SIGNER.sign(&locking(lock), &existing("first"));

    let locked = sign("/Action/Include/Fields[(name)(second)]");
    assert_eq!(
        refusal(&locked, &existing("second")),
        PdfError::Locked("second".into())
    );
    assert!(pades::inspect(&locked).unwrap().empty_fields.is_empty());
    valid(
        &SIGNER.sign(&locked, &visible(spec())),
        &["first", "Signature"],
    );

    let open = sign("/Action/Exclude/Fields[(second)]");
    valid(
        &SIGNER.sign(&open, &existing("second")),
        &["first", "second"],
    );
    let placed = SIGNER.sign(&open, &visible(spec()));
    valid(&placed, &["first", "second"]);

    let all = sign("/Action/All");
    for order in [spec(), visible(spec())] {
        let locked = PdfError::Locked("Signature".into());
        assert_eq!(refusal(&all, &order), locked);
    }
    pades::prepare_time_stamp(&all, &TimeStampSpec::default()).unwrap();

    let closed = sign("/Action/All/P 1");
    assert_eq!(refusal(&closed, &spec()), PdfError::Certified);
    assert_eq!(pades::inspect(&closed).unwrap_err(), PdfError::Certified);
    valid(&closed, &["first"]);
}

#[test]
fn a_certification_leaves_signing_to_invisible_signatures_and_to_fields_of_its_own() {
    for name in ["certified-form-filling", "certified-annotations"] {
        let (_, base) = corpus(name).swap_remove(0);
        assert_eq!(
            refusal(&base, &visible(spec())),
            PdfError::CertifiedAgainstFields
        );
        valid(&SIGNER.sign(&base, &spec()), &["Theirs", "Signature"]);
    }
    let (_, base) = corpus("certified-empty-field").swap_remove(0);
    let signed = SIGNER.sign(&base, &visible(spec()));
    valid(&signed, &["Theirs", "Signature"]);
    assert!(
        !signed[base.len()..]
            .windows(7)
            .any(|part| part == b"/Annots")
    );
}

#[test]
fn places_are_found_as_signatures_will_find_them() {
    let find = |base: &[u8], specs: &[SignatureSpec]| {
        let wanted: Vec<_> = specs
            .iter()
            .map(|spec| WantedPlace {
                field: &spec.field,
                reason: spec.reason.as_deref(),
                appearance: spec.appearance.as_ref(),
            })
            .collect();
        pades::find_places(base, &wanted)
    };
    let (_, plain) = corpus("form").swap_remove(0);
    find(&plain, &[visible(spec()), visible(spec())]).unwrap();
    let mut elsewhere = visible(spec());
    if let Some(appearance) = &mut elsewhere.appearance {
        appearance.page = 7;
    }
    let error = find(&plain, &[spec(), elsewhere]).unwrap_err();
    assert!(matches!(error, PdfError::PageOutOfRange { .. }), "{error}");
    for name in ["certified-form-filling", "certified-annotations"] {
        let (_, base) = corpus(name).swap_remove(0);
        find(&base, &[spec()]).unwrap();
        let refused = Err(PdfError::CertifiedAgainstFields);
        assert_eq!(find(&base, &[visible(spec())]), refused);
    }
    // One field is free, for one of two.
    let (_, base) = corpus("certified-empty-field").swap_remove(0);
    find(&base, &[visible(spec())]).unwrap();
    let both = find(&base, &[visible(spec()), visible(spec())]);
    assert_eq!(both, Err(PdfError::CertifiedAgainstFields));
}

/// The form's flag after the first signature and after the second.
fn need_appearances(widget: &str) -> [bool; 2] {
    let form = "<</NeedAppearances true/Fields[5 0 R]>>";
    let page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Annots[5 0 R]>>";
    let widget =
        format!("<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/F 4/Rect[20 20 120 40]/P 3 0 R{widget}>>");
    let drawing = |content: &str| {
        let length = content.len();
        format!("<</Subtype/Form/BBox[0 0 9 9]/Length {length}>>\nstream\n{content}\nendstream")
    };
    let (blank, text) = (drawing("/Tx BMC EMC"), drawing("BT (Ana) Tj ET"));
    let objects = [CATALOG, PAGES, page, form, &widget, &blank, &text];
    let base = file(&objects, "<</Size 8/Root 1 0 R>>");
    let once = SIGNER.sign(&base, &visible(spec()));
    let twice = SIGNER.sign(&once, &visible(spec()));
    valid(&twice, &["Signature", "Signature_2"]);
    [(&base, &once), (&once, &twice)].map(|(before, after)| {
        let added = &after[before.len()..];
        memchr::memmem::find(added, b"/NeedAppearances false").is_none()
    })
}

#[test]
fn readers_are_told_to_keep_what_is_drawn_where_all_is() {
    // The second revision repeats what the first one says.
    assert_eq!(need_appearances("/AP<</N 6 0 R>>"), [false, false]);
    assert_eq!(need_appearances("/V<FEFF>/AP<</N 6 0 R>>"), [false, false]);
    assert_eq!(need_appearances("/V(Ana)/AP<</N 7 0 R>>"), [false, false]);
    assert_eq!(need_appearances(""), [true, true]);
    // Filled in, and never drawn.
    assert_eq!(need_appearances("/V(Ana)/AP<</N 6 0 R>>"), [true, true]);
}
