//! What an officer decides, and on whose word; what a client calls off.

use serde_json::json;

use crate::client::{ANA, DIALECTS, Dialect, video};
use crate::harness::Sandbox;

#[tokio::test(flavor = "multi_thread")]
async fn officers_are_known_by_token_credentials_or_both_together() {
    let sandbox = Sandbox::shared();
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let pks = client.reviewable(&ANA).await;
        let officer = client.officer();
        let incomplete = "Missing required parameters: incomplete RAO's credentials";
        let wrong = "Invalid RAO credentials";

        let mut some = officer.clone();
        some.as_object_mut().unwrap().remove("pin");
        client.approve(pks, &some).await.refused(400, incomplete);
        client
            .approve(pks, &json!({}))
            .await
            .refused(400, incomplete);
        for member in ["password", "pin"] {
            let mut some = officer.clone();
            some[member] = "not this one".into();
            client.approve(pks, &some).await.refused(403, wrong);
        }
        let mut some = officer.clone();
        some["rao"] = json!(999_999);
        client.approve(pks, &some).await.refused(403, wrong);
        let mut some = client.token();
        some["rao_id"] = "999999".into();
        client.approve(pks, &some).await.refused(403, wrong);
        let unknown = json!({ "token": "00000000-0000-4000-8000-000000000000" });
        client
            .approve(pks, &unknown)
            .await
            .refused(404, "Token not found");
        let mut unknown = officer.clone();
        unknown["username"] = "nobody".into();
        let words = "Error getting RAO's id. Make sure the credentials are correct";
        client.approve(pks, &unknown).await.refused(404, words);
        assert_eq!(client.status(pks).await, "VIDEOREVIEW");

        // A token that lacks the PIN, and the PIN in the call. Other tests make tokens too.
        let env = if dialect == Dialect::New {
            "sandbox"
        } else {
            "prod"
        };
        let without_pin = json!({ "username": officer["username"],
                                  "password": officer["password"], "env": env });
        let created = client.post("/token", &without_pin).await.payload();
        let uid = match dialect {
            Dialect::New => created["token_uid"].clone(),
            Dialect::Legacy => created,
        };
        client
            .approve(pks, &json!({ "token": uid }))
            .await
            .refused(400, incomplete);
        let wrong_pin = json!({ "token": uid, "pin": "0" });
        client.approve(pks, &wrong_pin).await.refused(403, wrong);
        assert_eq!(client.status(pks).await, "VIDEOREVIEW");

        // In two steps, as the oldest clients do.
        let filled = json!({ "token": uid, "pin": officer["pin"], "rao": officer["rao"] });
        let validate = format!("/videoid/{}/validate", pks.request);
        client
            .post(&validate, &filled)
            .await
            .said("Videoid validated");
        assert_eq!(client.status(pks).await, "CREATED");
        client
            .post(&validate, &filled)
            .await
            .refused(412, "Invalid request status");
        client
            .approve(pks, &filled)
            .await
            .said("Request approved successfully");
        assert_eq!(client.status(pks).await, "ENROLLREADY");
        client
            .delete(&format!("/token/{}", uid.as_str().unwrap()))
            .await
            .said("Token deleted successfully");
        client
            .approve(pks, &filled)
            .await
            .refused(404, "Token not found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_needs_a_reason_and_is_final() {
    let sandbox = Sandbox::shared();
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let pks = client.reviewable(&ANA).await;
        client.agreement(pks).await;
        let path = format!("/videoid/{}/refuse", client.videoid(pks));
        let mut body = client.officer();
        client
            .post(&path, &body)
            .await
            .refused(400, "No reason specified");
        body["reason"] = " \t".into();
        client
            .post(&path, &body)
            .await
            .refused(400, "No reason specified");
        body["reason"] = "The portrait is not the holder's".into();
        let mut wrong = body.clone();
        wrong["pin"] = "0".into();
        client
            .post(&path, &wrong)
            .await
            .refused(403, "Invalid RAO credentials");
        let anonymous = json!({ "reason": "none" });
        let words = "Missing required parameters: incomplete RAO's credentials";
        client.post(&path, &anonymous).await.refused(400, words);
        assert_eq!(client.status(pks).await, "VIDEOREVIEW");

        client
            .post(&path, &body)
            .await
            .said("Videoid refuse completed");
        let record = client.record(pks).await;
        assert_eq!(record["status"], "CANCELLED");
        assert_eq!(
            record["videoid"]["refuse_reason"],
            "The portrait is not the holder's"
        );
        let refused = "Invalid request status";
        client.post(&path, &body).await.refused(412, refused);
        client
            .approve(pks, &client.token())
            .await
            .refused(412, refused);
        client
            .delete(&format!("/request/{}", pks.request))
            .await
            .refused(412, refused);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_removes_documents_and_keeps_evidence() {
    let sandbox = Sandbox::shared();
    for dialect in DIALECTS {
        let client = sandbox.client(dialect);
        let pks = client.create().await;
        client.video(pks, video()).await.payload();
        let uid = client.agreement(pks).await;
        let path = match dialect {
            Dialect::New => format!("/videoid/{}", pks.videoid),
            Dialect::Legacy => format!("/request/{}", pks.request),
        };
        let words = "Request directory removed successfully";
        client.delete(&path).await.said(words);
        assert_eq!(client.status(pks).await, "CANCELLED");
        client
            .delete(&path)
            .await
            .refused(412, "Invalid request status");
        client
            .document(pks, "original", &uid)
            .await
            .refused(404, "Document not found");
        let list = client.get(&format!("/documents/{}", pks.request)).await;
        list.refused(404, "No documents found for specified Request");
        let kept = client.get(&format!("/videoid/{}/video", pks.videoid)).await;
        assert!(kept.body == video());
    }
}
