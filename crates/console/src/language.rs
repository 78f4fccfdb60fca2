//! Which language a page speaks, where the visitor has not said.

use axum::http::{HeaderMap, header};
use model::Language;

/// The best of ours by `Accept-Language` (RFC 9110 §12.5.4).
pub(crate) fn accepted(headers: &HeaderMap) -> Option<Language> {
    let mut best = None;
    for value in headers.get_all(header::ACCEPT_LANGUAGE) {
        for range in value.to_str().unwrap_or_default().split(',') {
            let mut parts = range.split(';');
            let language = parts.next().and_then(Language::of_code);
            let quality = parts
                .find_map(|part| part.trim().strip_prefix("q=")?.parse().ok())
                .unwrap_or(1.0_f32);
            let better = best.is_none_or(|(_, least)| quality > least);
            if let Some(language) = language.filter(|_| better && quality > 0.0) {
                best = Some((language, quality));
            }
        }
    }
    best.map(|(language, _)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &str) -> Option<Language> {
        accepted(&HeaderMap::from_iter([(
            header::ACCEPT_LANGUAGE,
            value.parse().unwrap(),
        )]))
    }

    #[test]
    fn the_best_of_ours_is_taken() {
        assert_eq!(of("it"), Some(Language::Italian));
        assert_eq!(
            of("de-DE, fr;q=0.9, es-MX;q=0.8, en;q=0.7"),
            Some(Language::Spanish)
        );
        assert_eq!(of("en;q=0.2,it;q=0.9"), Some(Language::Italian));
        assert_eq!(of("en, es"), Some(Language::English));
        assert_eq!(of("es;q=0, de"), None);
        assert_eq!(of("*"), None);
        assert_eq!(of(";;q=,"), None);
    }
}
