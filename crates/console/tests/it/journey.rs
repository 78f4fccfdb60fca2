//! The whole enrolment, as a person does it on a telephone and at a desk.

use serde_json::Value;
use testkit::workspace_root;
use tokio::net::TcpListener;

use crate::browser::Browser;
use crate::house::House;
use crate::looks::{WINDOWS, typed};

/// Waits for the page of this title, has it judged, and keeps a picture.
async fn arrives(browser: &Browser, title: &str, picture: &str) {
    browser
        .wait_for(&format!(
            "return document.readyState === 'complete' && \
             document.querySelector('h1')?.textContent === '{title}'"
        ))
        .await;
    let wrong = browser.violations().await;
    assert_eq!(wrong, Value::Array(vec![]), "{title}: {wrong:#}");
    let folder = workspace_root().join("target/pages/console");
    std::fs::create_dir_all(&folder).expect("the target folder is writable");
    browser.screenshot(&folder.join(picture)).await;
}

async fn press(browser: &Browser, button: &str) {
    browser
        .run(&format!("document.querySelector('{button}').click()"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_enrols_in_a_browser() {
    let house = House::build().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("bound above"));
    let router = house.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await });
    for (window, width, height) in WINDOWS {
        let browser = Browser::open(width, height).await;
        let picture = |step: &str| format!("journey-{step}-{window}.png");
        let link = house.invite("PFnubeNC").await;

        browser.go(&format!("{base}{link}?lang=en")).await;
        arrives(&browser, "Get your certificate", &picture("1")).await;
        browser
            .run("document.querySelector('.contract').scrollIntoView({ behavior: 'instant' })")
            .await;
        let folder = workspace_root().join("target/pages/console");
        browser.screenshot(&folder.join(picture("contract"))).await;
        press(&browser, "#accept").await;
        press(&browser, "form button").await;

        arrives(&browser, "Confirm that it is you", &picture("2")).await;
        let code = house.code().await;
        browser.run(&typed("code", "0")).await;
        browser.run(&typed("secret", "abcdef12")).await;
        browser.run(&typed("again", "abcdef12")).await;
        press(&browser, "form.card button[type=submit]").await;
        browser
            .wait_for("return document.getElementById('notice') !== null")
            .await;
        let wrong = "return document.activeElement.id + ' ' + \
            document.getElementById('code').getAttribute('aria-invalid')";
        assert_eq!(browser.run(wrong).await, "notice true");

        browser.run(&typed("code", &code)).await;
        browser.run(&typed("secret", "abcdef12")).await;
        browser.run(&typed("again", "abcdef12")).await;
        press(&browser, "form.card button[type=submit]").await;
        arrives(&browser, "Your certificate is ready", &picture("3")).await;

        let console = browser.console().await;
        let severe: Vec<_> = console
            .iter()
            .filter(|entry| entry["source"] != "network")
            .collect();
        assert!(severe.is_empty(), "{window}: {severe:#?}");
        for url in browser.requested().await {
            let own = [base.as_str(), "data:", "chrome:"];
            assert!(own.iter().any(|start| url.starts_with(start)), "{url}");
        }
    }
}
