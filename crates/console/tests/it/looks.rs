//! The pages in a browser: as telephones and desktops show them, judged by axe, and with the
//! comforts of the script.

use std::fs;

use serde_json::Value;
use testkit::workspace_root;
use tokio::net::TcpListener;

use crate::browser::Browser;
use crate::gallery::{self, STATES};

/// The widths that everything is looked at in.
pub const WINDOWS: [(&str, u32, u32); 2] = [("telephone", 390, 844), ("desktop", 1280, 900)];

/// Puts the looks on that people get who prefer dark ones.
const DARK: &str = "for (const rule of document.styleSheets[0].cssRules) { \
    if (rule.media?.mediaText.includes('dark')) rule.media.mediaText = 'all' }";

/// Serves the gallery, and answers where.
async fn gallery() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound above");
    tokio::spawn(async move { axum::serve(listener, gallery::router()).await });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_state_is_accessible_and_fits_the_window() {
    let base = gallery().await;
    let pictures = workspace_root().join("target/pages/console");
    fs::create_dir_all(&pictures).expect("the target folder is writable");
    for (window, width, height) in WINDOWS {
        let browser = Browser::open(width, height).await;
        for (state, _) in STATES {
            // Looks do not change with the language, but for the length of words.
            let language = match window {
                "desktop" => "en",
                _ => "es",
            };
            browser.go(&format!("{base}/{language}/{state}")).await;
            let wrong = browser.violations().await;
            assert_eq!(wrong, Value::Array(vec![]), "{window} {state}: {wrong:#}");
            let wider = browser.overflow().await;
            assert!(wider <= 0, "{window} {state}: {wider} pixels too wide");
            let picture = |light| pictures.join(format!("{state}-{window}-{light}.png"));
            browser.screenshot(&picture("light")).await;
            browser.run(DARK).await;
            let wrong = browser.violations().await;
            assert_eq!(wrong, Value::Array(vec![]), "{state}, dark: {wrong:#}");
            browser.screenshot(&picture("dark")).await;
        }
        let severe: Vec<_> = browser
            .console()
            .await
            .into_iter()
            // The states' own codes: a browser notes each answer from 400 on.
            .filter(|entry| entry["source"] != "network")
            .collect();
        assert!(severe.is_empty(), "{window}: {severe:#?}");
        for url in browser.requested().await {
            let own = [base.as_str(), "data:", "chrome:"];
            assert!(
                own.iter().any(|start| url.starts_with(start)),
                "{window} asked for {url}"
            );
        }
    }
}

/// Types into an input, as the script sees it.
pub fn typed(id: &str, text: &str) -> String {
    format!(
        "const input = document.getElementById('{id}'); input.value = '{text}'; \
         input.dispatchEvent(new Event('input', {{ bubbles: true }}))"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_ticked_off_while_a_pin_is_typed() {
    let browser = Browser::open(390, 844).await;
    browser
        .go(&format!("{}/en/confirm-pin", gallery().await))
        .await;
    let met = "return [...document.querySelectorAll('.rules .met')].map(rule => rule.dataset.rule)";
    browser.run(&typed("secret", "ab1")).await;
    assert_eq!(browser.run(met).await, serde_json::json!(["letters"]));
    browser.run(&typed("secret", "abcdef12")).await;
    assert_eq!(
        browser.run(met).await,
        serde_json::json!(["length", "letters", "digits"])
    );
    browser.run(&typed("again", "abcdef12")).await;
    assert_eq!(
        browser.run(met).await,
        serde_json::json!(["length", "letters", "digits", "same"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_is_shown_on_demand_and_survives_a_change_of_language() {
    let browser = Browser::open(1280, 900).await;
    // The gallery's link opens nothing; its language choice is sent to the page itself.
    let base = gallery().await;
    browser.go(&format!("{base}/en/confirm-pin")).await;
    let kind = "return document.getElementById('secret').type";
    assert_eq!(browser.run(kind).await, "password");
    browser
        .run("document.querySelector('.reveal button').click()")
        .await;
    assert_eq!(browser.run(kind).await, "text");

    browser.run(&typed("secret", "abcdef12")).await;
    browser.run(&typed("code", "123456")).await;
    browser
        .run(&format!(
            "const link = document.querySelector('.languages [hreflang=it]'); \
             link.href = '{base}/it/confirm-pin'; link.click()"
        ))
        .await;
    browser
        .wait_for("return document.documentElement.lang === 'it'")
        .await;
    let kept = "return ['secret', 'code'].map(id => document.getElementById(id).value)";
    assert_eq!(
        browser.run(kept).await,
        serde_json::json!(["abcdef12", "123456"])
    );
    // The new page has the comforts, too, and is hidden again.
    assert_eq!(browser.run(kind).await, "password");
    assert_eq!(
        browser
            .run("return document.querySelectorAll('.rules .met').length")
            .await,
        3
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_sent_once() {
    let browser = Browser::open(1280, 900).await;
    browser.go(&format!("{}/en/read", gallery().await)).await;
    let sent = browser
        .run(
            "let sent = 0; const form = document.forms[0]; \
             window.addEventListener('submit', event => { \
                 if (!event.defaultPrevented) sent += 1; event.preventDefault() }); \
             document.getElementById('accept').checked = true; \
             form.requestSubmit(); form.requestSubmit(); \
             return [sent, form.querySelector('button').textContent]",
        )
        .await;
    assert_eq!(sent, serde_json::json!([1, "One moment…"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_typed_is_found_by_going_back() {
    let browser = Browser::open(390, 844).await;
    let base = gallery().await;
    let typed_in =
        "return ['code', 'secret', 'again'].map(id => document.getElementById(id).value)";
    let nothing = serde_json::json!(["", "", ""]);
    browser.go(&format!("{base}/en/confirm-pin")).await;
    for id in ["code", "secret", "again"] {
        browser.run(&typed(id, "abcdef12")).await;
    }
    browser.run("window.left = true").await;
    browser.go(&format!("{base}/en/done-cloud")).await;
    browser.run("history.back()").await;
    browser
        .wait_for("return document.getElementById('secret') && !window.left")
        .await;
    assert_eq!(browser.run(typed_in).await, nothing);

    // Nor is it there for the moment in which the page is still the one that was left.
    browser.run(&typed("secret", "abcdef12")).await;
    let leave = "window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))";
    browser.run(leave).await;
    assert_eq!(browser.run(typed_in).await, nothing);
}
