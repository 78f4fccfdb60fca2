//! What bad input gets: a clear error in the dialect's form and the right code. No status changes
//! but for `VIDEOERROR`, nothing is lost, the server goes on, and its log knows of no panic (the
//! harness searches it when the sandbox ends).

mod codes;
mod credentials;
mod documents;
mod identifiers;
mod images;
mod json;
mod limits;
mod multipart;
mod odd_text;
mod statuses;
mod together;
mod videos;

use std::future::Future;

use bytes::Bytes;
use serde_json::Value;

use crate::client::{Answer, DIALECTS, OneShot, Pks};
use crate::harness::Sandbox;

/// A client of each dialect.
fn clients(sandbox: &Sandbox) -> [OneShot; 2] {
    DIALECTS.map(|dialect| sandbox.client(dialect))
}

/// All that a client can see of a request: the record and its documents.
async fn seen(client: &OneShot, pks: Pks) -> (Value, Bytes) {
    let documents = client
        .get(&format!("/documents/{}", pks.request))
        .await
        .body;
    (client.record(pks).await, documents)
}

/// Makes a call that must leave the request as it is.
async fn untouched(client: &OneShot, pks: Pks, call: impl Future<Output = Answer>) -> Answer {
    let before = seen(client, pks).await;
    let answer = call.await;
    assert_ne!(answer.status, 200, "{answer}");
    assert_eq!(
        seen(client, pks).await,
        before,
        "it was refused and changed all the same: {answer}"
    );
    answer
}
