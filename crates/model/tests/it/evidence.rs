use model::Workflow;
use model::evidence::{Claims, ImageKind, missing};
use model::subject::IdDocumentType;
use serde_json::json;

fn full() -> Claims {
    serde_json::from_value(json!({
        "acceptance": {"ip": "192.0.2.10"},
        "ocr_data": {"given_name": "Ana"},
        "security_checks": {},
        "similarity_level": "high",
    }))
    .unwrap()
}

#[test]
fn nothing_yet_names_everything_at_once() {
    let names = missing(
        &Claims::default(),
        &[],
        false,
        Some(IdDocumentType::Idc),
        Workflow::OneShot,
    );
    assert_eq!(
        names,
        [
            "acceptance",
            "document_front",
            "document_rear",
            "document_owner",
            "ocr_data",
            "security_checks",
            "similarity_level",
            "video",
        ]
    );
}

#[test]
fn the_portrait_is_optional_and_a_passport_has_no_rear() {
    let stills = [ImageKind::DocumentFront, ImageKind::DocumentOwner];
    assert_eq!(
        missing(
            &full(),
            &stills,
            true,
            Some(IdDocumentType::Idc),
            Workflow::OneShot
        ),
        ["document_rear"]
    );
    assert!(
        missing(
            &full(),
            &stills,
            true,
            Some(IdDocumentType::Pas),
            Workflow::OneShot
        )
        .is_empty()
    );
}

#[test]
fn an_empty_acceptance_proves_nothing() {
    let mut claims = full();
    claims.acceptance = Some(serde_json::Map::new());
    assert_eq!(
        missing(
            &claims,
            &ImageKind::ALL,
            true,
            Some(IdDocumentType::Idc),
            Workflow::OneShot
        ),
        ["acceptance"]
    );
}

#[test]
fn merging_replaces_only_the_blocks_that_are_sent() {
    let mut claims = full();
    let newer: Claims = serde_json::from_value(json!({"similarity_level": 97})).unwrap();
    claims.merge(newer);
    assert_eq!(claims.similarity_level, Some(json!(97)));
    assert_eq!(claims.acceptance, full().acceptance);
}

#[test]
fn the_registration_authoritys_workflow_needs_the_portrait_too() {
    let stills = [
        ImageKind::DocumentFront,
        ImageKind::DocumentRear,
        ImageKind::DocumentOwner,
    ];
    let lacking = |workflow| missing(&full(), &stills, true, None, workflow);
    assert_eq!(lacking(Workflow::VideoId), ["document_photo"]);
    assert!(lacking(Workflow::OneShot).is_empty());
}
