//! What the pages keep to themselves, and whom they keep out.

use std::fs;
use std::path::Path;

use reqwest::Client;
use serde_json::{Value, json};
use testkit::openssl;

use super::super::client::{Api, CLOUD, PIN, SOFTWARE, Visitor, text};
use super::Invited;
use super::screen::Screen;
use super::signing::Calls;
use crate::harness::{Options, Sandbox};

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_of_the_pages_holds_in_a_browser() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let invited = Invited::to(&sandbox, &api, CLOUD, "en").await;
    let screen = Screen::desktop(&sandbox).await;
    for address in [invited.link.as_str(), "/sign"] {
        screen.go(address).await;
        screen
            .run(
                "window.kept = []; document.addEventListener('securitypolicyviolation', event => \
                 kept.push(event.effectiveDirective)); \
                 const add = (name, set) => { const made = document.createElement(name); \
                     set(made); document.body.append(made) }; \
                 add('script', made => made.textContent = 'window.intruded = true'); \
                 add('style', made => made.textContent = 'h1 { display: none }'); \
                 add('img', made => made.src = 'http://127.0.0.1:9/spy.png'); \
                 add('iframe', made => made.src = location.href); \
                 fetch('http://127.0.0.1:9/').catch(() => {})",
            )
            .await;
        let kept = screen
            .wait("return kept.length >= 5 && kept.sort().join(' ')")
            .await;
        let expected = "connect-src frame-src img-src script-src-elem style-src-elem";
        assert_eq!(kept, expected, "{address}");
        assert_eq!(
            screen.run("return window.intruded ?? null").await,
            Value::Null
        );
        assert_ne!(screen.heading().await, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_kept_by_nobody_and_assets_for_ever() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let invited = Invited::to(&sandbox, &api, CLOUD, "en").await;
    let mut visitor = Visitor::at(&invited.link);
    let page = visitor.open("").await;
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
    let html = String::from_utf8(page.body.to_vec()).expect("UTF-8");
    let assets: Vec<_> = ["href=\"", "src=\""]
        .iter()
        .flat_map(|before| html.split(before).skip(1))
        .filter_map(|rest| rest.split('"').next())
        .filter(|address| address.starts_with("/console/assets/"))
        .collect();
    assert_eq!(assets.len(), 2, "{assets:?}");
    let root = invited.link.split("/lcmpl").next().expect("a base");
    let http = Client::builder().no_proxy().build().expect("a client");
    for address in assets {
        let asset = http.get(format!("{root}{address}")).send().await;
        let asset = asset.expect("an answer");
        assert_eq!(asset.status(), 200, "{address}");
        let kept = &asset.headers()["cache-control"];
        assert_eq!(kept, "public, max-age=31536000, immutable");
    }

    // The device is known by a cookie that no script reads and that goes nowhere else.
    let plain = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none());
    let call = plain.build().expect("a client");
    let call = call.post(format!("{}/code", invited.link));
    let accepted = call.form(&[("accept", "yes")]).send().await;
    let accepted = accepted.expect("an answer");
    assert_eq!(accepted.status(), 303);
    let cookie = accepted.headers()["set-cookie"].to_str().expect("a cookie");
    let path = invited.link.trim_start_matches(root);
    for rule in ["; HttpOnly", "; SameSite=Lax", &format!("; Path={path};")] {
        assert!(cookie.contains(rule), "no {rule} in {cookie}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_other_sites_do_nothing() {
    let sandbox = Sandbox::shared();
    let api = Api::of(&sandbox);
    let invited = Invited::to(&sandbox, &api, CLOUD, "en").await;
    let mut visitor = Visitor::at(&invited.link);
    visitor.ask_for_code().await;
    let cookie = visitor.cookie.clone().expect("the device is known");
    let code = sandbox.code_for(invited.case.pk).await;
    let form = [("code", code.as_str()), ("secret", PIN), ("again", PIN)];
    let http = Client::builder().no_proxy().build().expect("a client");
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
    ] {
        let call = http.post(format!("{}/enrol", invited.link)).form(&form);
        let call = call.header("cookie", &cookie).header(name, value);
        let answer = call.send().await.expect("an answer");
        assert_eq!(answer.status(), 403, "{name}: {value}");
    }
    assert_eq!(api.status(&invited.case).await, "ENROLLREADY");
    // The same from our own page is taken.
    assert_eq!(visitor.send("/enrol", &form).await.status, 200);
    assert_eq!(api.status(&invited.case).await, "ISSUED");
}

/// Secrets in a server that has served, signed and stopped.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_subscriber_stays_anywhere() {
    let sandbox = Sandbox::start(Options::default());
    let api = Api::of(&sandbox);
    let (pin, password) = ("tw3lveLantern9", "fift33nCompass7");
    // What only its owner knows, and what mails tell but nothing keeps.
    let mut secrets = [pin, password]
        .map(|secret| secret.as_bytes().to_vec())
        .to_vec();
    let (mut tokens, mut told) = (Vec::new(), Vec::new());
    for (profile, secret) in [(CLOUD, pin), (SOFTWARE, password)] {
        let invited = Invited::to(&sandbox, &api, profile, "en").await;
        let mut visitor = Visitor::at(&invited.link);
        visitor.enrol(&sandbox, &invited.case, secret).await;
        if profile == SOFTWARE {
            let file = visitor.send("/file", &[]).await;
            assert_eq!(file.status, 200, "{file}");
            secrets.push(private_key(&file.body, secret));
        } else {
            let calls = Calls::of(&sandbox, &invited);
            assert_eq!(calls.code(json!({})).await.status(), 200);
            let code = sandbox.nth_code_for(invited.case.pk, 2).await;
            let signed = calls.sign(json!({ "pin": pin, "otp": code })).await;
            assert_eq!(signed.status(), 200);
        }
        let cookie = visitor.cookie.expect("the device is known");
        let (_, device) = cookie.split_once('=').expect("a name and a value");
        secrets.push(device.as_bytes().to_vec());
        let token = invited.link.rsplit('/').next().expect("a token");
        tokens.push(token.to_owned());
        for name in ["enrollment_code", "erc"] {
            told.push(text(&invited.secrets[name]).to_owned());
        }
    }
    told.extend(tokens.clone());
    let mut codes = Vec::new();
    for message in sandbox.texts() {
        codes.push(text(&message["code"]).to_owned());
    }
    assert_eq!(codes.len(), 3);
    assert!(sandbox.terminate().success());

    let mails = sandbox.mails();
    let invitations: Vec<_> = mails
        .iter()
        .filter(|mail| mail["link"].is_string())
        .collect();
    assert_eq!((mails.len(), invitations.len()), (4, 2));
    for mail in &mails {
        let read = mail.to_string();
        for secret in &secrets {
            assert!(!contains(read.as_bytes(), secret), "a mail tells a secret");
        }
        for code in &codes {
            assert!(!stands_in(read.as_bytes(), code), "a mail tells {code}");
        }
        let tells = tokens.iter().any(|token| read.contains(token.as_str()));
        assert_eq!(tells, mail["link"].is_string(), "links are told once");
    }
    let mut kept = vec![("the log".to_owned(), sandbox.log().into_bytes())];
    read_all(sandbox.dir(), &mut kept);
    assert!(kept.len() > 10, "database, blobs and keys");
    secrets.extend(told.into_iter().map(String::into_bytes));
    for (place, content) in &kept {
        for secret in &secrets {
            let name = String::from_utf8_lossy(secret);
            assert!(!contains(content, secret), "{place} has {name}");
        }
        for code in &codes {
            assert!(!stands_in(content, code), "{place} has {code}");
        }
    }
    // A search that finds nothing would be none.
    let known = sandbox.dir().join("sandbox.json");
    let known = fs::read(known).expect("it is there");
    let rao = &sandbox.description()["rao"];
    assert!(stands_in(&known, text(&rao["pin"])));
}

/// The number that is the private key in a PKCS#12 file (RFC 5915).
fn private_key(file: &[u8], password: &str) -> Vec<u8> {
    let password = format!("pass:{password}");
    let opened = openssl(["pkcs12", "-nodes", "-nocerts", "-passin", &password], file);
    let pem = opened.must_accept().stdout;
    let der = openssl(["pkey", "-traditional", "-outform", "DER"], &pem);
    // Before it stand the sequence's head, the version and its own head.
    der.must_accept().stdout[7..39].to_vec()
}

/// Everything below a folder, but for the files that stand for telephone and letter box, and the
/// sandbox's own description.
fn read_all(folder: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("it can be read").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            read_all(&path, into);
        } else if !["sms.jsonl", "mail.jsonl", "sandbox.json"].contains(&name.as_str()) {
            into.push((name, fs::read(&path).expect("it can be read")));
        }
    }
}

fn contains(content: &[u8], part: &[u8]) -> bool {
    content.windows(part.len()).any(|window| window == part)
}

/// Whether digits stand somewhere as a word of their own; within longer numbers they are no code.
fn stands_in(content: &[u8], digits: &str) -> bool {
    let inside = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
    content
        .windows(digits.len())
        .enumerate()
        .filter(|(_, window)| *window == digits.as_bytes())
        .any(|(at, _)| {
            let before = at.checked_sub(1).and_then(|at| content.get(at));
            // A fraction of a second is no code either.
            !inside(before) && before != Some(&b'.') && !inside(content.get(at + digits.len()))
        })
}
