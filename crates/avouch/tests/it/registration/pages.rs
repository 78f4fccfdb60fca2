//! The subscriber's pages: enrolment behind the link and signing, in Chromium as telephones and
//! desktops show them, and without a script.

mod contract;
mod enrolment;
mod links;
mod mistakes;
mod plain;
mod safety;
mod screen;
mod signing;

use serde_json::{Value, json};

use super::client::{Api, Case, text};
use crate::harness::Sandbox;
use screen::Screen;

/// The windows: name, width and height.
const WINDOWS: [Window; 2] = [("telephone", 390, 844), ("desktop", 1280, 900)];

type Window = (&'static str, u32, u32);

const LANGUAGES: [&str; 3] = ["en", "es", "it"];

/// Somebody whose request was approved in a language, and the way there.
pub struct Invited {
    case: Case,
    link: String,
    secrets: Value,
}

impl Invited {
    async fn to(sandbox: &Sandbox, api: &Api, profile: &str, language: &str) -> Self {
        let case = api.new_request_for(profile).await;
        api.upload_documents(&case).await;
        let decision = api.officer_with(json!({ "lang": language }));
        let decided = api.post(&case.path("pl_approve/"), &decision).await.ok();
        Self {
            link: sandbox.link_for(case.pk).await,
            secrets: decided["secrets"].clone(),
            case,
        }
    }

    /// The password of the key in the cloud.
    fn password(&self) -> &str {
        text(&self.secrets["enrollment_code"])
    }
}

/// A code that is not this one.
fn other_than(code: &str) -> &'static str {
    if code == "135790" { "135791" } else { "135790" }
}

/// Accepts the contract and asks for the code: the second step.
async fn ask_for_code(screen: &Screen, link: &str) {
    screen.go(link).await;
    screen.tick("accept").await;
    screen.press("form.card button").await;
    assert_eq!(screen.status().await, 200);
}
