//! The specimen identification that ships with the program: pictures, video and documents drawn
//! for it (`specimens/` at the root of the project), and the evidence that a business would send.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

macro_rules! specimen {
    ($name:literal) => {
        include_bytes!(concat!("../../../specimens/", $name))
    };
}

/// Front of the specimen identity card, JPEG.
pub const ID_FRONT: &[u8] = specimen!("id-front.jpg");
/// Back of the card, JPEG.
pub const ID_REAR: &[u8] = specimen!("id-rear.jpg");
/// Portrait cropped from the card, JPEG.
pub const ID_PHOTO: &[u8] = specimen!("id-photo.jpg");
/// The holder's selfie, JPEG.
pub const SELFIE: &[u8] = specimen!("selfie.jpg");
/// The filmed identification, MP4 with its index in front.
pub const VIDEO: &[u8] = specimen!("video.mp4");
/// A document to sign, PDF with a cross-reference table.
pub const AGREEMENT: &[u8] = specimen!("agreement.pdf");
/// A document to sign, PDF with object streams.
pub const TERMS: &[u8] = specimen!("terms.pdf");

/// The holder's telephone number; nobody has it.
pub const PHONE: &str = "+34600000000";
/// The holder's e-mail address; nobody has it (RFC 2606 §3).
pub const EMAIL: &str = "ana@example.com";

/// What the card says of its holder: `given_name`, `surname_1`, `serial_number` and so on.
pub fn holder() -> Value {
    serde_json::from_str(include_str!("../../../specimens/holder.json"))
        .expect("the shipped file is valid JSON; every user of this crate reads it in its tests")
}

/// The body of `POST /videoid/{videoid_pk}/evidences`: acceptance, four images, the data read from
/// the card, security checks and similarity level.
pub fn evidences() -> Value {
    let holder = holder();
    json!({
        "acceptance": {
            "description": "The signer accepted the terms and the privacy policy",
            "url-doc-termsconditions": "https://example.com/terms",
            "url-doc-privacypolicy": "https://example.com/privacy",
            "url-web-videoid": "https://example.com/identify",
            "ip": "192.0.2.10",
            "user-agent": "ExampleBrowser/1.0",
            "date": 1_750_000_000_000_i64,
        },
        "videoid_data": {
            "images": {
                "document_front": STANDARD.encode(ID_FRONT),
                "document_rear": STANDARD.encode(ID_REAR),
                "document_photo": STANDARD.encode(ID_PHOTO),
                "document_owner": STANDARD.encode(SELFIE),
            },
            "ocr_data": {
                "given_name": holder["given_name"],
                "surname_1": holder["surname_1"],
                "surname_2": holder["surname_2"],
                "serial_number": holder["serial_number"],
                "birth_date": holder["birth_date"],
                "id_document_type": "IDC",
                "id_document_country": "ES",
                "mobile_phone_number": PHONE,
                "email": EMAIL,
            },
            "security_checks": {
                "otp_validation": true,
                "documents_match": true,
                "data_integrity": true,
                "document_notcopy": true,
                "document_notexpired": true,
                "document_notunderage": true,
                "liveliness": true,
            },
            "similarity_level": "high",
        },
    })
}
