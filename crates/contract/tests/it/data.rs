//! Papers of made-up people.

use contract::{
    Capacity, ContractData, ContractKind, DeclarationData, EvidencePiece, Identification, Identity,
    Officer, Organisation, VideoPiece,
};
use model::contact::Country;
use model::subject::IdDocumentType;
use model::{Language, RequestPk, SecureElement};
use time::macros::datetime;

pub const NAMES: [&str; 5] = [
    "Ana María Núñez Sørensen-Łukaszewicz",
    "Ευφροσύνη Παπαδοπούλου-Ψαρρού",
    "Святослав Вікторович Щербань-Їжакевич",
    "Nguyễn Thị Hồng Ngọc Ưng",
    "Ђорђе Љубичић-Џамбазов Ӏедигов",
];

pub fn identity(name: &str) -> Identity {
    Identity {
        full_name: name.to_owned(),
        document_type: Some(IdDocumentType::Idc),
        document_country: Some(Country::SPAIN),
        document_number: "00000000T".to_owned(),
    }
}

pub fn organisation(capacity: Capacity) -> Organisation {
    Organisation {
        name: "Cooperativa Ñandú & Søn".to_owned(),
        identifier: Some("VATES-B00000000".to_owned()),
        position: Some("Head of Purchasing".to_owned()),
        capacity,
    }
}

pub fn one_time() -> ContractKind {
    ContractKind::OneTime { validity_hours: 24 }
}

pub fn lasting(element: SecureElement, identification: Identification) -> ContractKind {
    ContractKind::Lasting {
        validity_days: 730,
        element,
        scratchcard: "7000001".to_owned(),
        identification,
        renewable: true,
        renewal_of: None,
    }
}

/// A contract of every kind, for a person alone.
pub fn kinds() -> Vec<ContractKind> {
    let both = [Identification::Filmed, Identification::InPerson];
    let lasting = SecureElement::ALL
        .into_iter()
        .flat_map(|element| both.map(|identification| lasting(element, identification)));
    [one_time()].into_iter().chain(lasting).collect()
}

pub fn contract(name: &str, language: Language) -> ContractData {
    ContractData {
        language,
        provider: "Avouch Demonstration Trust Services".to_owned(),
        provider_contact: Some("privacy@trust.example".to_owned()),
        registration_authority: "Registration Authority One".to_owned(),
        request: RequestPk(50_231),
        subject: identity(name),
        birth_date: Some("31/12/1980".to_owned()),
        email: "ana@customer.example".to_owned(),
        mobile_phone_number: Some("+34600000000".to_owned()),
        organisation: None,
        profile: "PFnubeNC".to_owned(),
        kind: one_time(),
        retention_years: Some(15),
        applicable_law: String::new(),
        at: datetime!(2026-11-22 10:15:30 UTC),
    }
}

pub fn piece(name: &str, fill: u8) -> EvidencePiece {
    EvidencePiece {
        name: name.to_owned(),
        media_type: "image/jpeg".to_owned(),
        size: 184_213,
        sha256: [fill; 32],
    }
}

pub fn declaration(name: &str, language: Language) -> DeclarationData {
    DeclarationData {
        language,
        provider: "Avouch Demonstration Trust Services".to_owned(),
        registration_authority: "Registration Authority One".to_owned(),
        officer: Officer {
            name: "Ólafur Βασιλείου".to_owned(),
            id: "RAO-7".to_owned(),
        },
        request: RequestPk(50_231),
        subject: identity(name),
        organisation: None,
        identification: Identification::Filmed,
        evidence: vec![
            piece("document_front", 0xa1),
            piece("document_rear", 0xb2),
            piece("document_photo", 0xc3),
            piece("document_owner", 0xd4),
        ],
        video: Some(VideoPiece {
            media_type: "video/mp4".to_owned(),
            size: 1_438_000,
            sha256: [0xe5; 32],
            duration_ms: Some(8_040),
        }),
        security_checks: vec![
            ("documents_match".to_owned(), "true".to_owned()),
            ("document_notcopy".to_owned(), "false".to_owned()),
            ("hologram".to_owned(), "not examined".to_owned()),
        ],
        similarity_level: Some("high".to_owned()),
        remarks: None,
        at: datetime!(2026-11-22 10:15:30 UTC),
    }
}

/// The declaration of an officer who met the person.
pub fn declaration_in_person(name: &str, language: Language) -> DeclarationData {
    DeclarationData {
        identification: Identification::InPerson,
        evidence: vec![
            piece("document_front", 0xa1),
            piece("document_rear", 0xb2),
            piece("extra_document", 0xc3),
            piece("videoid_evidence", 0xd4),
        ],
        video: None,
        security_checks: Vec::new(),
        similarity_level: None,
        ..declaration(name, language)
    }
}
