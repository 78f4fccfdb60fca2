//! An installation that an earlier version made goes on where it stood. The archives in
//! `tests/installations` hold sandboxes as the programs of their time left them.

use std::fs;

use bytes::Bytes;
use serde_json::{Value, json};
use testkit::{pdfsig, run, workspace_root};

use super::client::Api;
use super::parties::Operator;
use crate::client::{Dialect, OneShot, Pks, evidence, video};
use crate::harness::{Options, Sandbox, read_json};

/// A sandbox as it was made, and its requests by their statuses.
struct Earlier {
    sandbox: Sandbox,
    requests: Value,
}

impl Earlier {
    /// One whose database has this version of the schema.
    fn of_schema(version: u32) -> Self {
        let archive = format!("crates/avouch/tests/installations/schema-{version}.tar.gz");
        let archive = workspace_root().join(archive);
        let dir = tempfile::tempdir().expect("a temporary folder");
        let parts = [archive.as_os_str(), "-C".as_ref(), dir.path().as_os_str()];
        run("tar", ["-xzf".as_ref()].into_iter().chain(parts), b"").must_accept();
        let requests = read_json(&dir.path().join("requests.json"));
        let sandbox = Sandbox::start_in(dir, Options::default());
        Self { sandbox, requests }
    }

    /// The request that was left in this status.
    fn request(&self, status: &str) -> Pks {
        let number = |name| self.requests[status][name].as_i64().expect("a number");
        Pks {
            request: number("request"),
            videoid: number("videoid"),
        }
    }

    /// That request's document.
    async fn signed(&self, client: &OneShot, status: &str) -> Bytes {
        let uid = self.requests[status]["document"].as_str().expect("one");
        let pks = self.request(status);
        client.document(pks, "signed", uid).await.pdf()
    }

    /// Signs what was uploaded, by code.
    async fn sign(&self, client: &OneShot, pks: Pks) {
        client.otp(pks).await.said("OTP generated");
        let secret = json!({ "secret": self.sandbox.code_for(pks.request).await });
        client
            .sign(pks, &secret)
            .await
            .said("Documents correctly signed");
        assert_eq!(client.status(pks).await, "ISSUED");
    }

    /// Insists that the document bears this many signatures, all valid, under the old root.
    fn judge(&self, document: &[u8], signatures: usize) {
        let file = self.sandbox.dir().join("judged.pdf");
        fs::write(&file, document).expect("the folder is writable");
        let found = pdfsig(&file, &self.sandbox.root());
        assert_eq!(found.len(), signatures, "{found:?}");
        assert!(found.iter().all(|one| one.valid), "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_first_version_left_goes_on_from_every_status() {
    let earlier = Earlier::of_schema(1);
    let client = earlier.sandbox.client(Dialect::New);
    for status in ["VIDEOPENDING", "VIDEOREVIEW", "ENROLLREADY", "ISSUED"] {
        assert_eq!(client.status(earlier.request(status)).await, status);
    }

    // What was signed can be fetched, what was approved can be signed.
    let signed = earlier.signed(&client, "ISSUED").await;
    earlier.judge(&signed, 1);
    let approved = earlier.request("ENROLLREADY");
    earlier.sign(&client, approved).await;
    let signed = earlier.signed(&client, "ENROLLREADY").await;
    earlier.judge(&signed, 1);
    earlier.judge(&client.contract(approved).await.pdf(), 2);

    // The officer signs in as before, with credentials and with the token that stands for them.
    let wrong = json!({ "username": client.officer()["username"], "password": "not it",
                        "pin": client.officer()["pin"] });
    let reviewed = earlier.request("VIDEOREVIEW");
    client.approve(reviewed, &wrong).await.refusal(403);
    let decided = client.approve(reviewed, &client.officer()).await;
    decided.said("Request approved successfully");
    client.agreement(reviewed).await;
    earlier.sign(&client, reviewed).await;
    let pending = earlier.request("VIDEOPENDING");
    client.evidences(pending, &evidence()).await.payload();
    client.video(pending, video()).await.payload();
    let decided = client.approve(pending, &client.token()).await;
    decided.said("Request approved successfully");
    client.agreement(pending).await;
    earlier.sign(&client, pending).await;
    earlier.sandbox.audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_version_s_officer_approves_registrations_too() {
    let earlier = Earlier::of_schema(1);
    let sandbox = &earlier.sandbox;
    let api = Api::of(sandbox);
    let (case, _) = api.issued(sandbox).await;
    let record = api.record(&case).await;
    assert_eq!(&record["approving_rao"]["pk"], api.told("rao_id"));

    // One-Shot requests are none of this API's.
    let all = api.get("/requests/").await.ok();
    assert_eq!(all["count"], 1, "{all}");
    for status in ["VIDEOPENDING", "VIDEOREVIEW", "ENROLLREADY", "ISSUED"] {
        let path = format!("/requests/{}/", earlier.request(status).request);
        let unseen = api.get(&path).await;
        unseen.refused(404, "400", "No Request matches the given query.");
    }
    let officers = Operator::of(sandbox).asks(&["rao", "list"]);
    assert_eq!(officers.as_array().map(Vec::len), Some(1), "{officers}");
    assert_eq!(officers[0]["certificate"]["valid"], "VALID", "{officers}");
    sandbox.audit();
}
