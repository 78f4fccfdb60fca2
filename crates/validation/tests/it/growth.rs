use pades::{
    Appearance, Change, ChangeKind, Coverage, FieldTarget, Layout, PdfError, Rect, SecurityStore,
    SignatureSpec, TimeStampSpec,
};
use proptest::prelude::*;

use crate::now;

/// What stands in for a container where only the file counts.
const CONTAINER: &[u8] = &[0x30, 3, 2, 1, 0];

/// All kinds of files that can be signed.
fn files() -> Vec<(String, Vec<u8>)> {
    let folder = testkit::workspace_root().join("crates/pades/tests/corpus");
    let paths = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = paths
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "pdf"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .filter(|(name, _)| !name.starts_with("refuse-"))
        .collect();
    files.sort();
    files
}

/// With a further signature; `None` where the file forbids it.
fn signed(pdf: &[u8], appearance: Option<Appearance>) -> Option<Vec<u8>> {
    let spec = SignatureSpec {
        field: FieldTarget::New("Signature".into()),
        name: Some("Ana".into()),
        reason: None,
        location: None,
        contact: None,
        signing_time: now(),
        appearance,
        security_store: store(1),
        reserve: 64,
    };
    match pades::prepare(pdf, &spec) {
        Err(PdfError::CertifiedAgainstFields | PdfError::Protected) => None,
        prepared => Some(prepared.unwrap().embed(pdf, CONTAINER).unwrap()),
    }
}

fn store(number: u8) -> SecurityStore {
    SecurityStore {
        certificates: vec![vec![0x30, 1, number]],
        ..SecurityStore::default()
    }
}

fn visible() -> Appearance {
    Appearance {
        page: 0,
        rect: Rect {
            x1: 10.0,
            y1: 10.0,
            x2: 110.0,
            y2: 60.0,
        },
        lines: vec!["Signed".into()],
        picture: None,
        layout: Layout::Beside,
    }
}

fn changes_after_first(pdf: &[u8]) -> pades::Changes {
    let signatures = pades::signatures(pdf).unwrap();
    let first = signatures
        .iter()
        .filter(|one| one.cms == CONTAINER && one.covers == Coverage::Revision)
        .min_by_key(|one| one.byte_range[2]);
    pades::changes(pdf, first.unwrap()).unwrap()
}

#[test]
fn our_own_revisions_of_any_file_are_what_a_signed_file_may_grow_by() {
    let mut grown = 0;
    for (name, original) in files() {
        let Some(once) = signed(&original, None) else {
            continue;
        };
        let spec = TimeStampSpec {
            security_store: store(2),
            reserve: 64,
        };
        let prepared = pades::prepare_time_stamp(&once, &spec).unwrap();
        let stamped = prepared.embed(&once, CONTAINER).unwrap();
        let changes = changes_after_first(&stamped);
        assert_eq!(
            changes.most,
            Some(ChangeKind::Preservation),
            "{name}: {:?}",
            changes.told
        );
        let Some(twice) = signed(&stamped, Some(visible())) else {
            continue;
        };
        let changes = changes_after_first(&twice);
        assert_eq!(
            changes.most,
            Some(ChangeKind::FormFilling),
            "{name}: {:?}",
            changes.told
        );
        grown += 1;
        let added = |one: &Change| one.what.ends_with("was added");
        let signatures = changes.told.iter().filter(|one| added(one)).count();
        assert!(signatures >= 2, "{name}: {:?}", changes.told);
    }
    assert!(grown > 30, "{grown} files");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Rubbish behind a signature makes no panic and no end.
    #[test]
    fn whatever_follows_a_signature_is_compared_in_bounded_time(
        tail in proptest::collection::vec(any::<u8>(), 0..400),
        keep in any::<prop::sample::Index>(),
    ) {
        let once = signed(&files()[0].1, None).unwrap();
        let twice = signed(&once, None).unwrap();
        let kept = once.len() + keep.index(twice.len() - once.len());
        let mut broken = twice[..kept].to_vec();
        broken.extend(tail);
        for signature in pades::signatures(&broken).unwrap_or_default() {
            let _ = pades::changes(&broken, &signature);
        }
    }
}
