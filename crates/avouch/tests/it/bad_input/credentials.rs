//! RAO credentials that are wrong, incomplete or somebody else's.

use serde_json::{Value, json};

use super::{clients, untouched};
use crate::client::{ANA, Answer, OneShot, Pks};
use crate::harness::{Options, Sandbox};
use crate::sql;

const INCOMPLETE: &str = "Missing required parameters: incomplete RAO's credentials";
const WRONG: &str = "Invalid RAO credentials";
const NOBODY: &str = "Error getting RAO's id. Make sure the credentials are correct";

/// Approves, validates and refuses with these credentials, which must all be refused alike.
async fn try_all(client: &OneShot, pks: Pks, credentials: &Value, status: u16, words: &str) {
    let mut with_reason = credentials.clone();
    with_reason["reason"] = "Doubts".into();
    let videoid = client.videoid(pks);
    let calls: [(String, &Value); 3] = [
        (format!("/videoid/{videoid}/approve"), credentials),
        (format!("/videoid/{videoid}/validate"), credentials),
        (format!("/videoid/{videoid}/refuse"), &with_reason),
    ];
    for (path, body) in calls {
        let answer = untouched(client, pks, client.post(&path, body)).await;
        answer.refused(status, words);
    }
}

#[tokio::test]
async fn no_decision_without_the_right_credentials() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let pks = client.reviewable(&ANA).await;
        let officer = client.officer();
        let with = |name: &str, value: Value| {
            let mut changed = officer.clone();
            changed[name] = value;
            changed
        };
        let cases = [
            (json!({}), 400, INCOMPLETE),
            (json!({ "rao": officer["rao"] }), 400, INCOMPLETE),
            (json!({ "username": officer["username"] }), 400, INCOMPLETE),
            (with("username", Value::Null), 400, INCOMPLETE),
            (with("password", Value::Null), 400, INCOMPLETE),
            (with("password", "".into()), 400, INCOMPLETE),
            (with("pin", Value::Null), 400, INCOMPLETE),
            (with("pin", "".into()), 400, INCOMPLETE),
            (with("password", "wrong".into()), 403, WRONG),
            (with("pin", "00000000".into()), 403, WRONG),
            (with("rao", json!(999)), 403, WRONG),
            (with("rao", "nobody".into()), 403, WRONG),
            (with("username", "nobody".into()), 404, NOBODY),
            (
                with("token", "11111111-1111-4111-8111-111111111111".into()),
                404,
                "Token not found",
            ),
            (json!({ "token": "nobody" }), 404, "Token not found"),
            (
                json!({ "token": client.token()["token"], "rao": 999 }),
                403,
                WRONG,
            ),
        ];
        for (credentials, status, words) in cases {
            try_all(&client, pks, &credentials, status, words).await;
        }
        // The officer's number goes under either name.
        let mut other = with("rao", Value::Null);
        other["rao_id"] = json!(999);
        try_all(&client, pks, &other, 403, WRONG).await;

        let mistyped = with("pin", json!({ "digits": [1] }));
        let answer = untouched(&client, pks, client.approve(pks, &mistyped)).await;
        assert!(answer.refusal(400).contains("pin"), "{answer}");
        assert_eq!(client.status(pks).await, "VIDEOREVIEW");
        // After all that the right ones still open.
        client
            .approve(pks, &officer)
            .await
            .said("Request approved successfully");
    }
}

#[tokio::test]
async fn a_reason_is_needed_to_refuse() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let pks = client.reviewable(&ANA).await;
        let path = format!("/videoid/{}/refuse", client.videoid(pks));
        for reason in [Value::Null, "".into(), " \t\n".into()] {
            let mut body = client.token();
            body["reason"] = reason;
            let answer = untouched(&client, pks, client.post(&path, &body)).await;
            answer.refused(400, "No reason specified");
        }
        let mut body = client.token();
        body["reason"] = "x".repeat(1001).into();
        let answer = untouched(&client, pks, client.post(&path, &body)).await;
        answer.refused(400, "reason: must have no more than 1000 characters");
    }
}

#[tokio::test]
async fn a_token_that_lacks_secrets_opens_nothing_alone() {
    let sandbox = Sandbox::start(Options::default());
    for (client, member) in clients(&sandbox).into_iter().zip(["password", "pin"]) {
        let pks = client.reviewable(&ANA).await;
        let officer = client.officer();
        let mut stored = officer.clone();
        stored[member] = Value::Null;
        let uid = token_uid(&client.post("/token", &stored).await);
        let token = json!({ "token": uid });
        try_all(&client, pks, &token, 400, INCOMPLETE).await;
        let wrong = json!({ "token": uid, member: "wrong" });
        try_all(&client, pks, &wrong, 403, WRONG).await;

        // The same again is no second token, and neither is one for nobody.
        let again = client.post("/token", &stored).await;
        again.refused(400, "A token with these credentials already exist!");
        let nobody = client
            .post("/token", &json!({ "username": "nobody" }))
            .await;
        nobody.refused(404, &format!("{NOBODY}."));
        let moon = json!({ "username": officer["username"], "env": "moon" });
        client
            .post("/token", &moon)
            .await
            .refused(400, "Environment moon does not exist");

        // A token that was deleted opens nothing any more; the sandbox's own stays.
        client
            .delete(&format!("/token/{uid}"))
            .await
            .said("Token deleted successfully");
        try_all(&client, pks, &token, 404, "Token not found").await;
        let own = client.token()["token"]
            .as_str()
            .expect("an identifier")
            .to_owned();
        let words = "You do not have permission to perform this action";
        client
            .delete(&format!("/token/{own}"))
            .await
            .refused(403, words);
        assert!(client.get("/tokens").await.payload().get(&own).is_some());
    }
}

fn token_uid(answer: &Answer) -> String {
    let payload = answer.payload();
    let uid = payload.get("token_uid").unwrap_or(&payload);
    uid.as_str().expect("an identifier").to_owned()
}

#[tokio::test]
async fn an_officer_of_another_authority_decides_nothing_here() {
    let sandbox = Sandbox::start(Options::default());
    // Officers of authorities that stand side by side: a second root is an operator's matter.
    sql::execute(
        &sandbox.dir().join("avouch.db"),
        "INSERT INTO authority (id, name, webhook_url, webhook_format, webhook_secret, \
         videoid_enabled, external_unlock, created_at) SELECT id + 1, name || ' 2', webhook_url, \
         webhook_format, webhook_secret, videoid_enabled, external_unlock, created_at \
         FROM authority",
    );
    for client in clients(&sandbox) {
        let mut creation = client.creation_of(&ANA);
        let own = creation["registration_authority"]
            .as_i64()
            .expect("a number");
        creation["registration_authority"] = json!(own + 1);
        let created = client.post("/videoid", &creation).await.payload();
        let number = |name: &str| created[name].as_i64().expect("a number");
        let pks = Pks {
            request: number("request_pk"),
            videoid: number("videoid_pk"),
        };
        client
            .evidences(pks, &crate::client::evidence())
            .await
            .payload();
        client.video(pks, crate::client::video()).await.payload();
        try_all(&client, pks, &client.officer(), 403, WRONG).await;
        try_all(&client, pks, &client.token(), 403, WRONG).await;
    }
    sql::execute(
        &sandbox.dir().join("avouch.db"),
        "UPDATE authority SET videoid_enabled = 0",
    );
    for client in clients(&sandbox) {
        let answer = client.post("/videoid", &client.creation_of(&ANA)).await;
        let ra = client.creation_of(&ANA)["registration_authority"].clone();
        answer.refused(
            400,
            &format!("Videoid not enabled for Registration Authority {ra}"),
        );
    }
}
