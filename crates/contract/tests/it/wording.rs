//! What papers say of each kind, and what they must not say.

use std::sync::LazyLock;

use contract::{Capacity, ContractData, ContractKind, DeclarationData, Identification, Renderer};
use model::{Language, SecureElement};

use crate::data::{
    NAMES, contract, declaration, declaration_in_person, lasting, one_time, organisation, piece,
};
use crate::paper::Paper;

static RENDERER: LazyLock<Renderer> = LazyLock::new(Renderer::new);

fn contract_text(data: &ContractData) -> String {
    let paper = Paper::new(&RENDERER.render_contract(data).unwrap());
    paper.accepted();
    paper.text()
}

fn declaration_text(data: &DeclarationData) -> String {
    let paper = Paper::new(&RENDERER.render_declaration(data).unwrap());
    paper.accepted();
    let text = paper.text();
    let items = [" b) ", " c) ", " d) ", " e) ", " f) "];
    for (before, _) in items.iter().filter_map(|item| text.split_once(item)) {
        assert!(before.ends_with(';'), "an item without its end in\n{text}");
    }
    text
}

#[track_caller]
fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}

#[track_caller]
fn lacks(text: &str, parts: &[&str]) {
    let lower = text.to_lowercase();
    for part in parts {
        assert!(!lower.contains(part), "{part:?} is in\n{text}");
    }
}

/// Words of filming, in the language.
fn filming(language: Language) -> &'static [&'static str] {
    match language {
        Language::English => &["film", "recording", "images", "video"],
        Language::Spanish => &["graba", "imágenes", "vídeo"],
        Language::Italian => &["filmat", "immagini", "video", "registrazione e le"],
    }
}

#[test]
fn only_filmed_people_are_told_of_a_film() {
    for language in Language::ALL {
        for element in SecureElement::ALL {
            let mut data = contract(NAMES[0], language);
            data.kind = lasting(element, Identification::InPerson);
            lacks(&contract_text(&data), filming(language));
        }
        let mut data = contract(NAMES[0], language);
        for kind in [
            one_time(),
            lasting(SecureElement::Cloud, Identification::Filmed),
        ] {
            data.kind = kind;
            has(&contract_text(&data), &filming(language)[..2]);
        }

        let text = declaration_text(&declaration_in_person(NAMES[0], language));
        lacks(&text, filming(language));
        let text = declaration_text(&declaration(NAMES[0], language));
        has(&text, &filming(language)[1..2]);
    }
}

#[test]
fn every_element_has_its_clause() {
    let expected = [
        (
            Language::English,
            [
                "hands it to the Subscriber once, in a file (PKCS#12)",
                "created on a smart card",
                "encrypted under a PIN",
            ],
        ),
        (
            Language::Spanish,
            [
                "entrega al Suscriptor una sola vez, en un archivo (PKCS#12)",
                "se genera en una tarjeta inteligente",
                "cifrada bajo un PIN",
            ],
        ),
        (
            Language::Italian,
            [
                "consegna al Titolare una sola volta, in un file (PKCS#12)",
                "generata su una smart card",
                "cifrata sotto un PIN",
            ],
        ),
    ];
    for (language, clauses) in expected {
        let texts = SecureElement::ALL.map(|element| {
            let mut data = contract(NAMES[0], language);
            data.kind = lasting(element, Identification::Filmed);
            // Words that the line breaks divide are put together again.
            contract_text(&data).replace("\u{ad} ", "")
        });
        for (text, own) in texts.iter().zip(clauses) {
            has(text, &[own, "7000001", "730 "]);
            for other in clauses.iter().filter(|clause| **clause != own) {
                assert!(!text.contains(other), "{other:?} is in\n{text}");
            }
        }
    }
}

#[test]
fn organisations_are_named_in_their_capacity() {
    let expected = [
        (
            Capacity::Member,
            "gives no power to act for the Organisation",
        ),
        (
            Capacity::Representative,
            "only within the limits of that power",
        ),
        (Capacity::Seal, "as the creator of electronic seals"),
    ];
    for (capacity, clause) in expected {
        let mut data = contract(NAMES[0], Language::English);
        data.kind = lasting(SecureElement::Cloud, Identification::InPerson);
        data.organisation = Some(organisation(capacity));
        let text = contract_text(&data);
        has(
            &text,
            &[
                clause,
                "Cooperativa Ñandú & Søn",
                "VATES-B00000000",
                "Head of Purchasing",
            ],
        );
        assert_eq!(
            text.contains("seal certificate"),
            capacity == Capacity::Seal
        );
        assert_eq!(
            text.contains("the Subscriber’s name and identity number"),
            capacity != Capacity::Seal
        );

        let mut data = declaration_in_person(NAMES[0], Language::English);
        data.organisation = Some(organisation(capacity));
        let power = match capacity {
            Capacity::Member => "has shown that they belong to Cooperativa Ñandú & Søn;",
            _ => "has shown their power to act for Cooperativa Ñandú & Søn;",
        };
        has(&declaration_text(&data), &[power]);
    }
}

#[test]
fn renewals_name_the_certificate_before() {
    for (language, clause) in [
        (Language::English, "Renewal"),
        (Language::Spanish, "Renovación"),
        (Language::Italian, "Rinnovo"),
    ] {
        let kind = |may: bool, before: Option<&str>| ContractKind::Lasting {
            validity_days: 365,
            element: SecureElement::Cloud,
            scratchcard: "7000001".to_owned(),
            identification: Identification::Filmed,
            renewable: may,
            renewal_of: before.map(str::to_owned),
        };
        let mut data = contract(NAMES[0], language);
        data.kind = kind(false, Some("00112233445566bb"));
        let text = contract_text(&data);
        // In the table and in the text.
        assert_eq!(text.matches("00112233445566bb").count(), 2, "{text}");
        assert!(!text.contains(&format!(". {clause} ")), "{text}");
        data.kind = kind(true, None);
        has(&contract_text(&data), &[&format!(". {clause} ")]);
    }
}

#[test]
fn papers_taken_in_are_named_in_words() {
    let mut data = declaration_in_person(NAMES[0], Language::English);
    data.evidence.push(piece("something_else", 0xe5));
    has(
        &declaration_text(&data),
        &[
            "Papers taken in",
            "Identity document, front",
            "Identity document, back",
            "Further document",
            "Supporting document",
            "something_else",
            "true copies of the papers",
        ],
    );
    data.evidence.clear();
    let text = declaration_text(&data);
    lacks(&text, &["papers taken in", "true copies", "sha-256"]);
}

#[test]
fn unknown_particulars_are_left_out() {
    for language in Language::ALL {
        let mut data = contract(NAMES[0], language);
        data.kind = lasting(SecureElement::Cloud, Identification::InPerson);
        data.provider_contact = None;
        data.birth_date = None;
        data.mobile_phone_number = None;
        data.subject.document_type = None;
        data.subject.document_country = None;
        data.subject.document_number = String::new();
        let mut named = organisation(Capacity::Member);
        named.identifier = None;
        named.position = Some(" ".to_owned());
        data.organisation = Some(named);
        let text = contract_text(&data);
        has(&text, &[NAMES[0], "Cooperativa Ñandú & Søn"]);
        lacks(&text, &["none", "+34", "1980", "00000000", "head of"]);
    }
}
