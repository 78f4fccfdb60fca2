//! What pages say and carry, state by state.

use axum::body::to_bytes;
use axum::http::{HeaderMap, StatusCode, header};
use model::Language;

use crate::gallery::STATES;

async fn render(name: &str, language: Language) -> (StatusCode, HeaderMap, String) {
    let (_, page) = STATES
        .iter()
        .find(|(state, _)| *state == name)
        .expect("a state of the gallery");
    let (parts, body) = page(language).into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("a page");
    let text = String::from_utf8(body.to_vec()).expect("UTF-8");
    (parts.status, parts.headers, text)
}

#[tokio::test]
async fn every_state_speaks_its_language_and_keeps_its_address_to_itself() {
    for (name, _) in STATES {
        for language in Language::ALL {
            let (_, headers, text) = render(name, language).await;
            assert!(
                text.contains(&format!("<html lang=\"{language}\">")),
                "{name}"
            );
            // The name of a language, in the icon.
            let own = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!own.contains("://"), "{name} names a foreign address");
            assert!(!text.contains("style="), "{name}: the policy forbids that");
            let expect = |header, value: &str| {
                assert_eq!(headers[header], value, "{name}");
            };
            expect(header::CACHE_CONTROL, "no-store");
            expect(header::REFERRER_POLICY, "no-referrer");
            expect(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
            let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'"), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
        }
    }
}

#[tokio::test]
async fn no_language_borrows_another_ones_page() {
    for (name, _) in STATES {
        let mut pages = Vec::new();
        for language in Language::ALL {
            let (_, _, text) = render(name, language).await;
            let main = text.split("<h1>").nth(1).expect("a heading");
            pages.push(main.split("</h1>").next().map(str::to_owned));
        }
        pages.sort();
        pages.dedup();
        assert_eq!(pages.len(), 3, "{name}: {pages:?}");
    }
}

#[tokio::test]
async fn every_refusal_has_its_status() {
    let expected = [
        ("read", 200),
        ("done-cloud", 200),
        ("unknown", 404),
        ("used", 410),
        ("expired", 410),
        ("cancelled", 410),
        ("other-device", 409),
        ("foreign", 403),
        ("unreadable", 400),
        ("too-large", 413),
        ("internal", 500),
        ("read-accept", 422),
        ("confirm-wrong-code", 403),
        ("confirm-too-soon", 429),
        ("confirm-weak", 422),
        ("confirm-differ", 422),
        ("confirm-bad-request", 422),
        ("confirm-full", 507),
        ("read-exhausted", 403),
        ("read-not-delivered", 503),
        ("done-file-taken", 410),
        ("sign-in-wrong", 403),
        ("sign-in-blocked", 423),
        ("sign-large", 413),
        ("sign-unsignable", 422),
    ];
    for (name, status) in expected {
        let (actual, _, _) = render(name, Language::English).await;
        assert_eq!(actual.as_u16(), status, "{name}");
    }
}

#[tokio::test]
async fn what_people_are_called_is_text() {
    let (_, _, text) = render("confirm-password", Language::English).await;
    assert!(!text.contains("<del>"), "a name became markup");
    assert!(text.contains("Astilleros &#60;del&#62; Norte &#38; Hijos"));
    assert!(text.contains("Lucía Fernández O&#39;Brien"));
}

#[tokio::test]
async fn a_contract_in_another_language_than_the_page_is_said_to_be() {
    let (_, _, english) = render("read", Language::English).await;
    assert!(!english.contains("This contract is in"));
    for state in ["read", "confirm-pin"] {
        let (_, _, spanish) = render(state, Language::Spanish).await;
        assert!(spanish.contains("Este contrato está en inglés"), "{state}");
        assert!(spanish.contains("<div lang=\"en\">"), "{state}");
    }
}

#[tokio::test]
async fn forms_keep_the_language() {
    let (_, _, text) = render("confirm-pin", Language::Italian).await;
    let actions: Vec<_> = text.split("action=\"").skip(1).collect();
    assert_eq!(actions.len(), 2);
    for action in actions {
        let action = action.split('"').next().unwrap();
        assert!(action.ends_with("?lang=it"), "{action}");
    }
}

#[tokio::test]
async fn each_element_gets_the_form_it_needs() {
    let (_, _, pin) = render("confirm-pin", Language::English).await;
    let (_, _, password) = render("confirm-password", Language::English).await;
    let (_, _, card) = render("confirm-card", Language::English).await;
    assert!(pin.contains("Choose a PIN") && !pin.contains("type=\"file\""));
    assert!(password.contains("Choose a password") && !password.contains("Choose a PIN"));
    assert!(
        card.contains("enctype=\"multipart/form-data\"") && !card.contains("type=\"password\"")
    );
    for text in [&pin, &password] {
        assert_eq!(text.matches("autocomplete=\"new-password\"").count(), 2);
    }
    for text in [&pin, &password, &card] {
        assert!(text.contains("autocomplete=\"one-time-code\""));
        assert!(text.contains("inputmode=\"numeric\""));
    }
}
