//! A subscriber's screen.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::workspace_root;

use super::super::client::text;
use super::{LANGUAGES, WINDOWS, Window};
use crate::browser::Browser;
use crate::harness::Sandbox;

/// The member under which WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser of one size, whose user reads one language.
pub struct Screen {
    browser: Browser,
    window: &'static str,
    base: String,
    downloads: TempDir,
}

impl Screen {
    pub async fn open(sandbox: &Sandbox, window: Window, language: &str) -> Self {
        let (name, width, height) = window;
        let screen = Self {
            browser: Browser::open(width, height).await,
            window: name,
            base: text(&sandbox.description()["base_url"]).to_owned(),
            downloads: tempfile::tempdir().expect("a temporary folder"),
        };
        let languages = json!({ "headers": { "Accept-Language": language } });
        screen
            .devtools("Network.setExtraHTTPHeaders", languages)
            .await;
        // What scrolls smoothly is somewhere else when it is clicked.
        let still =
            json!({ "features": [{ "name": "prefers-reduced-motion", "value": "reduce" }] });
        screen.devtools("Emulation.setEmulatedMedia", still).await;
        let saved = json!({ "behavior": "allow", "downloadPath": screen.downloads.path() });
        screen.devtools("Browser.setDownloadBehavior", saved).await;
        screen
    }

    /// A desktop's, in English.
    pub async fn desktop(sandbox: &Sandbox) -> Self {
        Self::open(sandbox, WINDOWS[1], "en").await
    }

    /// Opens an address, or a path of the server.
    pub async fn go(&self, address: &str) {
        let own = if address.starts_with('/') {
            self.base.as_str()
        } else {
            ""
        };
        self.browser.go(&format!("{own}{address}")).await;
    }

    /// What a script in the page returns.
    pub async fn run(&self, script: &str) -> Value {
        self.browser.run(script).await
    }

    /// Waits until a script in the page returns something true, and returns that.
    pub async fn wait(&self, script: &str) -> Value {
        self.browser.wait_for(script).await
    }

    /// The heading of the page.
    pub async fn heading(&self) -> String {
        self.read("h1").await
    }

    /// What the page says went wrong.
    pub async fn notice(&self) -> String {
        self.read("#notice p").await
    }

    /// The text of an element, as it is seen.
    pub async fn read(&self, selector: &str) -> String {
        let id = self.find(selector).await;
        let said = self
            .browser
            .call(&format!("/element/{id}/text"), None)
            .await;
        text(&said).to_owned()
    }

    /// The status with which the page came.
    pub async fn status(&self) -> u64 {
        let status = "return performance.getEntriesByType('navigation')[0].responseStatus";
        self.run(status).await.as_u64().expect("a status")
    }

    /// Types into an input, in place of what was there, or chooses a file.
    pub async fn fill(&self, id: &str, typed: &str) {
        let element = self.find(&format!("#{id}")).await;
        self.command(&format!("/element/{element}/clear"), json!({}))
            .await;
        self.add(&element, typed).await;
    }

    /// Chooses a file.
    pub async fn choose(&self, id: &str, file: &Path) {
        let element = self.find(&format!("#{id}")).await;
        self.add(&element, &file.display().to_string()).await;
    }

    async fn add(&self, element: &str, typed: &str) {
        let keys = json!({ "text": typed });
        self.command(&format!("/element/{element}/value"), keys)
            .await;
    }

    pub async fn tick(&self, id: &str) {
        self.click(&format!("#{id}")).await;
    }

    /// Clicks, and waits for the page that follows.
    pub async fn press(&self, selector: &str) {
        self.run("document.documentElement.dataset.left = 'yes'")
            .await;
        self.click(selector).await;
        let arrived = "return document.readyState === 'complete' \
                       && !document.documentElement.dataset.left";
        self.browser.wait_for(arrived).await;
    }

    /// From now on pages have no script.
    pub async fn block_scripts(&self) {
        self.devtools("Network.setBlockedURLs", json!({ "urls": ["*.js"] }))
            .await;
    }

    /// How many such elements there are.
    pub async fn count(&self, selector: &str) -> usize {
        let wanted = json!({ "using": "css selector", "value": selector });
        let found = self.command("/elements", wanted).await;
        found.as_array().expect("elements").len()
    }

    /// Clicks, and waits for the file that comes: its name and content.
    pub async fn download(&self, selector: &str) -> (String, Vec<u8>) {
        self.click(selector).await;
        for _ in 0..600 {
            if let Some(path) = self.downloaded() {
                let name = path.file_name().expect("a file").to_string_lossy();
                let content = fs::read(&path).expect("it is there");
                fs::remove_file(&path).expect("it is ours");
                return (name.into_owned(), content);
            }
            // The folder says nothing when it changes.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no file came: {}", self.heading().await)
    }

    /// The file that has come whole.
    fn downloaded(&self) -> Option<PathBuf> {
        let files = fs::read_dir(self.downloads.path()).expect("the folder is there");
        let mut files = files.map(|file| file.expect("it can be read").path());
        // Files that are on their way are hidden or bear another ending.
        files.find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            !name.starts_with('.') && !name.ends_with(".crdownload")
        })
    }

    /// The language of the page.
    pub async fn language(&self) -> String {
        let language = self.run("return document.documentElement.lang").await;
        text(&language).to_owned()
    }

    /// Reads the page in another language.
    pub async fn switch_to(&self, language: &str) {
        self.click(&format!(".languages [hreflang={language}]"))
            .await;
        let arrived = format!("return document.documentElement.lang === '{language}'");
        self.browser.wait_for(&arrived).await;
    }

    /// The same page in every language, and in its own again.
    pub async fn look_in_every_language(&self, state: &str) {
        let own = self.language().await;
        self.look(state).await;
        for other in LANGUAGES.into_iter().filter(|other| *other != own) {
            self.switch_to(other).await;
            self.look(state).await;
        }
        self.switch_to(&own).await;
    }

    /// The page is pictured, and judged by axe and by its width.
    pub async fn look(&self, state: &str) {
        let name = format!("{state}-{}-{}", self.window, self.language().await);
        let wrong = self.browser.violations().await;
        assert_eq!(wrong, json!([]), "{name}: {wrong:#}");
        let wider = self.browser.overflow().await;
        assert!(wider <= 0, "{name}: {wider} pixels too wide");
        self.picture(&name).await;
    }

    /// The whole page, into a PNG file.
    pub async fn picture(&self, name: &str) {
        let folder = workspace_root().join("target/screenshots/registration");
        fs::create_dir_all(&folder).expect("the target folder is writable");
        let picture = folder.join(format!("{name}.png"));
        let size = self.devtools("Page.getLayoutMetrics", json!({})).await;
        let size = &size["cssContentSize"];
        let whole = json!({
            "captureBeyondViewport": true,
            "clip": { "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 },
        });
        let taken = self.devtools("Page.captureScreenshot", whole).await;
        let png = STANDARD.decode(text(&taken["data"])).expect("Base64");
        fs::write(picture, png).expect("the folder is writable");
    }

    /// Ends the visit: nothing was wrong on the way, and nobody else was asked for anything.
    pub async fn close(self) {
        let said = self.browser.console().await;
        let severe: Vec<_> = said
            .into_iter()
            // A browser notes each answer from 400 on; the states have such.
            .filter(|entry| entry["source"] != "network")
            .collect();
        assert!(severe.is_empty(), "{}: {severe:#?}", self.window);
        let requested = self.browser.requested().await;
        assert!(!requested.is_empty());
        for url in requested {
            let own = [self.base.as_str(), "data:", "chrome:"];
            assert!(
                own.iter().any(|start| url.starts_with(start)),
                "{} asked for {url}",
                self.window
            );
        }
    }

    async fn click(&self, selector: &str) {
        let element = self.find(selector).await;
        self.command(&format!("/element/{element}/click"), json!({}))
            .await;
    }

    async fn find(&self, selector: &str) -> String {
        let wanted = json!({ "using": "css selector", "value": selector });
        let found = self.command("/element", wanted).await;
        text(&found[ELEMENT]).to_owned()
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.command("/goog/cdp/execute", body).await
    }

    async fn command(&self, path: &str, body: Value) -> Value {
        self.browser.call(path, Some(body)).await
    }
}
