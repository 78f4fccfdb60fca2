//! Chromium, led by the WebDriver protocol: pages as people see them.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{run, tool};

/// A browser with one window, closed when dropped.
pub struct Browser {
    driver: Child,
    http: Client,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// Opens a window of this size, in CSS pixels. Below 500 it counts as a telephone.
    pub async fn open(width: u32, height: u32) -> Self {
        let profile = tempfile::tempdir().expect("a temporary folder");
        let mut driver = Command::new(tool("chromedriver"))
            .args(["--port=0", "--allowed-ips=127.0.0.1"])
            // Chromium's own notes must go into no home folder.
            .env("HOME", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let stdout = BufReader::new(driver.stdout.take().expect("piped above"));
        let port = stdout
            .lines()
            .map_while(Result::ok)
            .find_map(|line| {
                let port = line.split("started successfully on port ").nth(1)?;
                port.trim_end_matches('.').parse::<u16>().ok()
            })
            .expect("chromedriver says its port");
        let http = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(60));
        let mut browser = Self {
            driver,
            http: http.build().expect("a client"),
            session: format!("http://127.0.0.1:{port}/session"),
            _profile: profile,
        };
        let options = browser.options(width, height);
        let opened = browser
            .call(
                "",
                Some(json!({ "capabilities": { "alwaysMatch": options } })),
            )
            .await;
        let id = opened["sessionId"].as_str().expect("a session");
        browser.session = format!("{}/{id}", browser.session);
        browser
    }

    fn options(&self, width: u32, height: u32) -> Value {
        let data = self._profile.path().join("data");
        let mut chrome = json!({
            "binary": tool("chromium"),
            "args": [
                "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                "--no-first-run", "--disable-background-networking", "--disable-component-update",
                "--disable-sync", "--hide-scrollbars",
                // What is not loopback does not exist.
                "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
                format!("--window-size={width},{height}"),
                format!("--user-data-dir={}", data.display()),
            ],
        });
        if width < 500 {
            chrome["mobileEmulation"] = json!({
                "deviceMetrics": { "width": width, "height": height, "pixelRatio": 2, "touch": true },
            });
        }
        json!({
            "browserName": "chrome",
            "goog:chromeOptions": chrome,
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        })
    }

    /// Opens a page.
    pub async fn go(&self, url: &str) {
        self.call("/url", Some(json!({ "url": url }))).await;
    }

    /// What a script in the page returns.
    pub async fn run(&self, script: &str) -> Value {
        self.call(
            "/execute/sync",
            Some(json!({ "script": script, "args": [] })),
        )
        .await
    }

    /// Waits until a script returns something true, and returns that.
    pub async fn wait_for(&self, script: &str) -> Value {
        for _ in 0..300 {
            let value = self.run(script).await;
            if !matches!(value, Value::Null | Value::Bool(false))
                && value != json!("")
                && value != 0
            {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "this never came true: {script}\nconsole: {:#?}",
            self.console().await
        )
    }

    /// What axe, the judge of accessibility, finds wrong with the page, by rule and element.
    pub async fn violations(&self) -> Value {
        self.run(axe()).await;
        self.run(
            "return axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', \
             'wcag22aa', 'best-practice'] }).then(found => found.passes.length < 10 ? 'hardly \
             anything was judged' : found.violations.map(wrong => \
             [wrong.id, wrong.nodes.map(node => node.html + ' ' + node.failureSummary)]))",
        )
        .await
    }

    /// By how many pixels the page is wider than its window.
    pub async fn overflow(&self) -> i64 {
        let wider = "return document.documentElement.scrollWidth - window.innerWidth";
        self.run(wider).await.as_i64().expect("pixels")
    }

    /// What the page said on the console since the last call.
    pub async fn console(&self) -> Vec<Value> {
        self.log("browser").await
    }

    /// The addresses that the page asked for since the last call.
    pub async fn requested(&self) -> Vec<String> {
        let events = self.log("performance").await;
        events
            .iter()
            .filter_map(|entry| serde_json::from_str::<Value>(entry["message"].as_str()?).ok())
            .filter(|event| event["message"]["method"] == "Network.requestWillBeSent")
            .filter_map(|event| {
                event["message"]["params"]["request"]["url"]
                    .as_str()
                    .map(str::to_owned)
            })
            .collect()
    }

    /// The window as it looks, into a PNG file.
    pub async fn screenshot(&self, path: &Path) {
        let png = self.call("/screenshot", None).await;
        let png = STANDARD
            .decode(png.as_str().expect("base64"))
            .expect("base64");
        std::fs::write(path, png).expect("the folder is writable");
    }

    /// Closes the window, from where nothing can be awaited.
    fn end_session(&self) -> std::io::Result<()> {
        let address = self.session.trim_start_matches("http://");
        let (host, path) = address.split_once('/').unwrap_or((address, ""));
        let mut stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        write!(stream, "DELETE /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n")?;
        // It answers when the window is closed, and keeps the connection.
        BufReader::new(stream).read_line(&mut String::new())?;
        Ok(())
    }

    async fn log(&self, kind: &str) -> Vec<Value> {
        let entries = self.call("/se/log", Some(json!({ "type": kind }))).await;
        entries.as_array().expect("entries").clone()
    }

    /// One command; those without a body are asked for.
    pub async fn call(&self, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}{path}", self.session);
        let request = match &body {
            Some(body) => self.http.post(url).json(body),
            None => self.http.get(url),
        };
        let answer = request.send().await.expect("chromedriver answers");
        let answer: Value = answer.json().await.expect("chromedriver speaks JSON");
        let value = answer["value"].clone();
        assert!(value.get("error").is_none(), "{path}: {value:#}");
        value
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium outlives a driver that is stopped under it.
        let _ = self.end_session();
        let pid = self.driver.id().to_string();
        testkit::run("kill", ["-TERM", &pid], b"");
        let _ = self.driver.wait();
    }
}

/// The judge, as a script that a page runs.
fn axe() -> &'static str {
    static AXE: OnceLock<String> = OnceLock::new();
    AXE.get_or_init(|| {
        let find = "import axe_playwright_python as axe; print(axe.__path__[0])";
        let folder = run("python", ["-c", find], b"").must_accept().text();
        let script = PathBuf::from(folder.trim()).join("axe.min.js");
        std::fs::read_to_string(script).expect("the package brings the script")
    })
}
