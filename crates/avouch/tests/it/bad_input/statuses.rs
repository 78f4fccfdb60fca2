//! Every call in every status in which it is not legal: 412, and nothing changes.

use reqwest::multipart::{Form, Part};
use serde_json::json;

use super::{clients, untouched};
use crate::client::{
    ANA, Answer, Dialect, OneShot, Pks, evidence, external_unlock, specimen, video,
};
use crate::harness::Sandbox;

const STATUSES: [&str; 8] = [
    "VIDEOPENDING",
    "VIDEOINCOMPLETE",
    "VIDEOERROR",
    "VIDEOREVIEW",
    "CREATED",
    "ENROLLREADY",
    "ISSUED",
    "CANCELLED",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Evidences,
    Video,
    Approve,
    Validate,
    Refuse,
    Update,
    Cancel,
    Documents,
    Contract,
    Otp,
    Sign,
}

const CALLS: [Call; 11] = [
    Call::Evidences,
    Call::Video,
    Call::Approve,
    Call::Validate,
    Call::Refuse,
    Call::Update,
    Call::Cancel,
    Call::Documents,
    Call::Contract,
    Call::Otp,
    Call::Sign,
];

/// Where the contract (section 1.3 and the endpoints) allows a call. Written out by hand: what
/// the program's own table says is what is judged.
fn legal(call: Call) -> &'static [&'static str] {
    match call {
        Call::Evidences | Call::Video => &["VIDEOPENDING", "VIDEOINCOMPLETE", "VIDEOERROR"],
        Call::Approve => &["VIDEOREVIEW", "CREATED"],
        Call::Validate => &["VIDEOREVIEW"],
        Call::Refuse => &["VIDEOINCOMPLETE", "VIDEOERROR", "VIDEOREVIEW"],
        Call::Update => &[
            "VIDEOPENDING",
            "VIDEOINCOMPLETE",
            "VIDEOERROR",
            "VIDEOREVIEW",
            "CREATED",
        ],
        Call::Cancel | Call::Documents => &[
            "VIDEOPENDING",
            "VIDEOINCOMPLETE",
            "VIDEOERROR",
            "VIDEOREVIEW",
            "CREATED",
            "ENROLLREADY",
        ],
        Call::Contract => &["ENROLLREADY", "ISSUED"],
        Call::Otp | Call::Sign => &["ENROLLREADY"],
    }
}

fn words(call: Call, status: &str, pk: i64) -> String {
    match call {
        Call::Evidences => format!(
            "Cannot upload evidences data for Request {pk}: Invalid VideoId status 'COMPLETE'"
        ),
        Call::Video => {
            format!("Cannot upload video for Request {pk}: Invalid VideoId status 'COMPLETE'")
        }
        Call::Otp => "Error occured during OTP generation: Invalid request status".to_owned(),
        Call::Sign if status == "ISSUED" => "Request already in ISSUED status".to_owned(),
        _ => "Invalid request status".to_owned(),
    }
}

async fn make(client: &OneShot, call: Call, pks: Pks) -> Answer {
    match call {
        Call::Evidences => client.evidences(pks, &evidence()).await,
        Call::Video => client.video(pks, video()).await,
        Call::Approve => client.approve(pks, &client.token()).await,
        Call::Validate => {
            client
                .post(
                    &format!("/videoid/{}/validate", pks.request),
                    &client.token(),
                )
                .await
        }
        Call::Refuse => {
            let mut body = client.token();
            body["reason"] = "Doubts".into();
            client
                .post(&format!("/videoid/{}/refuse", client.videoid(pks)), &body)
                .await
        }
        Call::Update => {
            let body = json!({ "given_name": "Another" });
            client
                .put(&format!("/request/{}", pks.request), &body)
                .await
        }
        Call::Cancel => client.delete(&format!("/request/{}", pks.request)).await,
        Call::Documents => {
            let file = Part::bytes(specimen("terms.pdf")).file_name("terms.pdf");
            let form = Form::new().part("file", file);
            client
                .post_form(&format!("/document/{}", pks.request), form)
                .await
        }
        Call::Contract => client.contract(pks).await,
        Call::Otp => client.otp(pks).await,
        Call::Sign => client.sign(pks, &json!({ "secret": "123456" })).await,
    }
}

/// A request in this status, with a document wherever it may have one.
async fn in_status(client: &OneShot, status: &str) -> Pks {
    let pks = client.create().await;
    client.agreement(pks).await;
    let reviewable = || async {
        client.evidences(pks, &evidence()).await.payload();
        client.video(pks, video()).await.payload();
    };
    match status {
        "VIDEOPENDING" => {}
        "VIDEOINCOMPLETE" => {
            client.video(pks, video()).await.payload();
        }
        "VIDEOERROR" => {
            client
                .video(pks, "no video at all".into())
                .await
                .refusal(415);
        }
        "CANCELLED" => {
            make(client, Call::Cancel, pks)
                .await
                .said("Request directory removed successfully");
        }
        later => {
            reviewable().await;
            if later == "CREATED" {
                make(client, Call::Validate, pks)
                    .await
                    .said("Videoid validated");
            } else if later != "VIDEOREVIEW" {
                make(client, Call::Approve, pks)
                    .await
                    .said("Request approved successfully");
            }
            if later == "ISSUED" {
                client
                    .sign(pks, &external_unlock())
                    .await
                    .said("Documents correctly signed");
            }
        }
    }
    let stands = client.status(pks).await;
    assert_eq!(stands, status);
    pks
}

#[tokio::test]
async fn every_call_is_refused_in_every_status_it_is_not_legal_in() {
    let sandbox = Sandbox::shared();
    let maker = sandbox.client(Dialect::New);
    for status in STATUSES {
        let pks = in_status(&maker, status).await;
        for client in clients(&sandbox) {
            for call in CALLS
                .into_iter()
                .filter(|call| !legal(*call).contains(&status))
            {
                let answer = untouched(&client, pks, make(&client, call, pks)).await;
                answer.refused(412, &words(call, status, pks.request));
            }
        }
    }
}

#[tokio::test]
async fn final_is_final_for_refused_requests_too() {
    let sandbox = Sandbox::shared();
    for client in clients(&sandbox) {
        let pks = client.reviewable(&ANA).await;
        make(&client, Call::Refuse, pks)
            .await
            .said("Videoid refuse completed");
        for call in CALLS {
            let answer = untouched(&client, pks, make(&client, call, pks)).await;
            answer.refused(412, &words(call, "CANCELLED", pks.request));
        }
    }
}
