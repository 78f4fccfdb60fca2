//! What belongs to no request: tokens, settings, hello and version.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;

use crate::client::{ANA, DIALECTS, Dialect, keys};
use crate::harness::{Options, Sandbox};

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_made_read_listed_and_deleted() {
    let sandbox = Sandbox::start(Options::default());
    let standing = sandbox.description()["rao"]["token"]
        .as_str()
        .unwrap()
        .to_owned();
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let officer = client.officer();
        let username = &officer["username"];
        let body = json!({ "username": username, "password": officer["password"] });
        let answer = client.post("/token", &body).await;
        let success = answer.success();
        let uid = match dialect {
            Dialect::New => {
                let uid = &success["details"]["token_uid"];
                let detail = json!({ "token_uid": uid });
                let whole = json!({ "status": "success", "message": "Token created",
                                    "detail": detail, "details": detail });
                assert_eq!(success, whole);
                uid.as_str().unwrap().to_owned()
            }
            Dialect::Legacy => {
                assert_eq!(keys(&success), ["status", "details"]);
                success["details"].as_str().unwrap().to_owned()
            }
        };
        uid.parse::<uuid::Uuid>().unwrap();
        let again = client.post("/token", &body).await;
        again.refused(400, "A token with these credentials already exist!");
        let bare = client
            .post("/token", &json!({ "username": username }))
            .await
            .payload();
        let bare = bare["token_uid"]
            .as_str()
            .or(bare.as_str())
            .unwrap()
            .to_owned();

        let path = format!("/token/{uid}");
        let stored = json!({ "username": username, "password": true, "pin": false });
        assert_eq!(client.get(&path).await.payload(), stored);
        // Either spelling of the identifier.
        let plain = format!("/token/{}", uid.replace('-', ""));
        assert_eq!(client.get(&plain).await.payload(), stored);
        let whole = json!({ "username": username, "password": true, "pin": true });
        let nothing = json!({ "username": username, "password": false, "pin": false });
        let listed = client.get("/tokens").await.payload();
        assert_eq!(
            keys(&listed),
            [standing.as_str(), &uid, &bare],
            "oldest first"
        );
        assert_eq!(
            listed,
            json!({ &standing: whole, &uid: stored, &bare: nothing })
        );

        for uid in [&uid, &bare] {
            let path = format!("/token/{uid}");
            client
                .delete(&path)
                .await
                .said("Token deleted successfully");
            client.delete(&path).await.refused(404, "Token not found");
            client
                .get(&path)
                .await
                .refused(404, &format!("Token {uid} not found"));
        }
        let protected = client.delete(&format!("/token/{standing}")).await;
        protected.refused(403, "You do not have permission to perform this action");
        assert_eq!(
            keys(&client.get("/tokens").await.payload()),
            [standing.as_str()]
        );

        let nameless = client.post("/token", &json!({ "password": "p" })).await;
        nameless.refused(400, "Missing required parameter: 'username'");
        let unknown = client
            .post("/token", &json!({ "username": "nobody" }))
            .await;
        let words = "Error getting RAO's id. Make sure the credentials are correct.";
        unknown.refused(404, words);
        for answer in [client.get("/token").await, client.delete("/token").await] {
            answer.refused(400, "Missing required parameter: no token uid specified");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_stand_in_for_what_a_creation_leaves_out() {
    let sandbox = Sandbox::start(Options::default());
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let before = client.get("/settings").await.payload();
        let sections = ["general", "tsa", "request", "billing", "proxy"];
        for section in sections {
            assert!(before[section].is_object(), "no {section} in {before}");
        }
        assert_eq!(before["general"]["environment"], "sandbox");
        assert_eq!(before["general"]["usepdfclean"], false);

        let saved = json!({ "request": { "default_profile": "", "default_ra": "" } });
        client
            .post("/settings", &saved)
            .await
            .said("Settings saved successfully");
        let minimal = json!({ "mobile_phone_number": ANA.phone, "email": ANA.email });
        let lacking = client.post("/videoid", &minimal).await;
        lacking.refused(
            400,
            "Missing required parameters: registration_authority, profile",
        );

        let authority = sandbox.description()["registration_authority"].to_string();
        let saved = json!({
            "request": { "default_profile": "PFnubeNC", "default_ra": authority },
            "billing": { "billing_username": "acme", "billing_password": "c2VjcmV0" },
        });
        client
            .post("/settings", &saved)
            .await
            .said("Settings saved successfully");
        let after = client.get("/settings").await.payload();
        assert_eq!(after["request"]["default_ra"], *authority);
        assert_eq!(after["billing"]["billing_username"], "acme");
        let shown = after["billing"]["billing_password"].as_str().unwrap();
        assert!(
            !shown.is_empty() && shown.chars().all(|c| c == '*'),
            "{shown}"
        );
        assert_eq!(
            after["general"], before["general"],
            "what is not sent stays"
        );

        let created = client.post("/videoid", &minimal).await.payload();
        let pk = created["request_pk"].as_i64().unwrap();
        let record = client.get(&format!("/request/{pk}")).await.payload();
        assert_eq!(record["profile"], "PFnubeNC");
        assert_eq!(record["registration_authority"].to_string(), authority);

        // Sent values are checked, and win.
        let mut sent = minimal.clone();
        sent["env"] = "staging".into();
        client
            .post("/videoid", &sent)
            .await
            .refused(400, "Environment staging does not exist");
        sent["env"] = "test".into();
        sent["registration_authority"] = 999_999.into();
        let unknown = client.post("/videoid", &sent).await;
        unknown.refused(404, "Registration Authority not found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hello_version_and_what_is_not_there() {
    let sandbox = Sandbox::shared();
    for dialect in DIALECTS {
        for client in [
            sandbox.client(dialect),
            sandbox.client(dialect).with_slash(),
        ] {
            client.get("/hello").await.said("Hello");
            let version = client.get("/version").await.payload();
            assert_eq!(keys(&version), ["name", "version", "info"]);
            assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
            let info: BTreeSet<_> = keys(&version["info"]).into_iter().collect();
            let expected = [
                "hostname",
                "machine",
                "processor",
                "release",
                "system",
                "version",
            ];
            assert_eq!(info, BTreeSet::from(expected));

            for (method, path) in [(Method::GET, "/nothing"), (Method::POST, "/create/1")] {
                client.send(client.request(method, path)).await.refusal(404);
            }
            client
                .send(client.request(Method::PATCH, "/hello"))
                .await
                .refusal(405);
        }
    }
}
