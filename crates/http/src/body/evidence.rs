//! Claims and stills in a JSON body.

use model::evidence::{Claims, ImageKind};
use serde_json::Value;

use super::base64;
use super::json::Fields;

/// Takes claims and stills out of a body; `container` is the member that holds all but the
/// acceptance. What is wrong is noted in `fields`.
pub(crate) fn read(
    fields: &mut Fields,
    container: &'static str,
) -> (Claims, Vec<(ImageKind, String)>) {
    let mut claims = Claims {
        acceptance: fields.object("acceptance"),
        ..Claims::default()
    };
    let mut images = Vec::new();
    if let Some(mut data) = fields.nested(container, "videoid_data.") {
        claims.ocr_data = data.object("ocr_data");
        claims.security_checks = data.object("security_checks");
        claims.similarity_level = match data.value("similarity_level") {
            level @ (None | Some(Value::String(_) | Value::Number(_))) => level,
            Some(_) => {
                data.invalid("similarity_level", "must be a number or a text");
                None
            }
        };
        if let Some(mut stills) = data.nested("images", "videoid_data.images.") {
            for kind in ImageKind::ALL {
                images.extend(stills.text(kind.name()).map(|text| (kind, text)));
            }
            data.absorb(stills);
        }
        fields.absorb(data);
    }
    (claims, images)
}

/// Decodes off the async threads: photographs come in megabytes.
pub(crate) async fn decode_all<K: Send + 'static>(
    images: Vec<(K, String)>,
) -> Vec<(K, Result<Vec<u8>, String>)> {
    if images.is_empty() {
        return Vec::new();
    }
    let work = move || {
        images
            .into_iter()
            .map(|(kind, text)| (kind, base64::decode(text)))
            .collect()
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(decoded) => decoded,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}
