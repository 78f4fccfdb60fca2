//! One-time codes: wrong, expired, exhausted, void, somebody else's, used before. In a real
//! installation, whose operator has set the pause between two codes to nothing.

use serde_json::{Value, json};
use testkit::HttpSink;

use super::untouched;
use crate::client::{ANA, DIALECTS, Dialect, OneShot, Pks, external_unlock, specimen};
use crate::harness::Installation;
use crate::sql;

const INVALID: &str = "Confirmation Code invalid";

/// An installation whose text messages arrive in a sink.
struct Texting {
    installation: Installation,
    gateway: HttpSink,
}

impl Texting {
    async fn start() -> Self {
        let gateway = HttpSink::start().await;
        let mut installation = Installation::init(["--organisation", "Example Trust SL"]);
        installation.serve(&[
            ("AVOUCH__OTP__COOLDOWN_SECONDS", "0"),
            ("AVOUCH__OTP__SMS_GATEWAY__URL", &gateway.url("/send")),
            (
                "AVOUCH__OTP__SMS_GATEWAY__BODY",
                r#"{"to": "{to}", "text": "{text}", "code": "{code}"}"#,
            ),
        ]);
        Self {
            installation,
            gateway,
        }
    }

    fn client(&self, dialect: Dialect) -> OneShot {
        OneShot::new(&self.installation.description(), dialect)
    }

    /// Asks for a code and reads it from the telephone.
    async fn code(&self, client: &OneShot, pks: Pks) -> String {
        let before = self.gateway.received().len();
        client.otp(pks).await.said("OTP generated");
        let texts = self.gateway.wait_for(before + 1).await;
        let text = texts[before].json();
        assert_eq!(text["to"], ANA.phone);
        let code = text["code"].as_str().expect("a code is a text").to_owned();
        assert!(
            code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()),
            "{code}"
        );
        assert!(
            text["text"]
                .as_str()
                .is_some_and(|text| text.contains(&code)),
            "{text}"
        );
        self.installation.confide(&code);
        code
    }

    async fn approved(&self, client: &OneShot) -> Pks {
        let pks = client.reviewable(&ANA).await;
        client
            .approve(pks, &client.officer())
            .await
            .said("Request approved successfully");
        pks
    }
}

/// Tries a code that must be refused for this reason, and leaves the request as it is.
async fn refused(client: &OneShot, pks: Pks, secret: impl Into<Value>, why: &str) {
    let body = json!({ "secret": secret.into() });
    let answer = untouched(client, pks, client.sign(pks, &body)).await;
    answer.refused(403, INVALID);
    if client.dialect == Dialect::New {
        assert_eq!(answer.reason(), why, "{answer}");
    }
    assert_eq!(client.status(pks).await, "ENROLLREADY");
}

/// A code that is not this one.
fn other_than(code: &str) -> String {
    let number: u32 = code.parse().expect("digits");
    format!("{:06}", (number + 1) % 1_000_000)
}

const WRONG: &str = "wrong code";
const EXHAUSTED: &str = "too many wrong codes; ask for a new one";

#[tokio::test]
async fn only_the_latest_code_for_these_documents_opens_the_signature() {
    let texting = Texting::start().await;
    let database = texting.installation.dir().join("avouch.db");
    for dialect in DIALECTS {
        let client = texting.client(dialect);
        let pks = texting.approved(&client).await;
        let sign = json!({ "secret": "123456" });
        let answer = untouched(&client, pks, client.sign(pks, &sign)).await;
        answer.refused(404, "No documents found for specified Request");
        client.agreement(pks).await;
        refused(
            &client,
            pks,
            "123456",
            "no code was generated for this request",
        )
        .await;

        let first = texting.code(&client, pks).await;
        for odd in ["", " ", "1", "12345", "１２３４５６"].map(Value::from) {
            let body = json!({ "secret": odd });
            let answer = untouched(&client, pks, client.sign(pks, &body)).await;
            assert!(matches!(answer.status, 400 | 403), "{answer}");
        }
        let second = texting.code(&client, pks).await;
        if first != second {
            refused(&client, pks, first, WRONG).await;
        }
        let (other, before) = (client.create().await, client.status(pks).await);
        let answer = untouched(
            &client,
            other,
            client.sign(other, &json!({ "secret": second })),
        )
        .await;
        answer.refused(412, "Invalid request status");
        assert_eq!(client.status(pks).await, before);

        // Five wrong ones in all, and then not even the right one.
        for _ in 0..4 {
            refused(&client, pks, other_than(&second), WRONG).await;
        }
        refused(&client, pks, other_than(&second), EXHAUSTED).await;
        refused(&client, pks, second, EXHAUSTED).await;

        // Time passes.
        let third = texting.code(&client, pks).await;
        let statement = format!(
            "UPDATE otp SET expires_at = created_at WHERE request = {}",
            pks.request
        );
        sql::execute(&database, &statement);
        refused(&client, pks, third, "the code has expired").await;

        // The documents are others than those that the code was made for.
        let fourth = texting.code(&client, pks).await;
        let terms = [("file", "terms.pdf", specimen("terms.pdf"))];
        client.documents(pks, &terms).await.payload();
        let changed = "the documents changed after the code was made; ask for a new one";
        refused(&client, pks, fourth, changed).await;

        let fifth = texting.code(&client, pks).await;
        let secret = json!({ "secret": fifth });
        client
            .sign(pks, &secret)
            .await
            .said("Documents correctly signed");
        assert_eq!(client.status(pks).await, "ISSUED");
        let again = untouched(&client, pks, client.sign(pks, &secret)).await;
        again.refused(412, "Request already in ISSUED status");
    }
}

#[tokio::test]
async fn fifty_wrong_codes_in_a_row_end_the_guessing_however_many_codes_are_sent() {
    let texting = Texting::start().await;
    let database = texting.installation.dir().join("avouch.db");
    for dialect in DIALECTS {
        let client = texting.client(dialect);
        let pks = texting.approved(&client).await;
        client.agreement(pks).await;
        let mut code = String::new();
        for _ in 0..10 {
            code = texting.code(&client, pks).await;
            let guess = json!({ "secret": other_than(&code) });
            for _ in 0..5 {
                client.sign(pks, &guess).await.refused(403, INVALID);
            }
        }
        let why =
            "too many wrong codes in a row; no code is accepted any more: create another request";
        refused(&client, pks, code, why).await;
        let sent = texting.gateway.received().len();
        let answer = untouched(&client, pks, client.otp(pks)).await;
        answer.refused(
            412,
            "Error occured during OTP generation: Too many wrong codes",
        );
        if dialect == Dialect::New {
            assert_eq!(answer.reason(), why, "{answer}");
        }
        assert_eq!(texting.gateway.received().len(), sent, "nothing was sent");
        let entries = format!(
            "SELECT COUNT(*) FROM audit WHERE request = {} AND action = 'codes-guessed'",
            pks.request
        );
        assert_eq!(sql::number(&database, &entries), 1);

        // Another request of the same person has nothing to do with it.
        let next = texting.approved(&client).await;
        client.agreement(next).await;
        let secret = json!({ "secret": texting.code(&client, next).await });
        client
            .sign(next, &secret)
            .await
            .said("Documents correctly signed");
    }
}

#[tokio::test]
async fn guessing_side_by_side_is_no_way_around_the_attempts() {
    let texting = Texting::start().await;
    let client = texting.client(Dialect::New);
    let pks = texting.approved(&client).await;
    // A code may be made before the documents are there; then those at its use count.
    let code = texting.code(&client, pks).await;
    client.agreement(pks).await;
    let body = json!({ "secret": other_than(&code) });
    let guesses = (0..20).map(|_| {
        let (client, body) = (client.clone(), body.clone());
        tokio::spawn(async move { client.sign(pks, &body).await })
    });
    let mut reasons = Vec::new();
    for guess in guesses.collect::<Vec<_>>() {
        let answer = guess.await.expect("an answer");
        answer.refused(403, INVALID);
        reasons.push(answer.reason());
    }
    assert_eq!(
        reasons.iter().filter(|reason| *reason == WRONG).count(),
        5,
        "{reasons:?}"
    );
    refused(&client, pks, code, EXHAUSTED).await;

    // What is not set up is told apart from what is wrong.
    let path = format!("/otp/{}", pks.request);
    let pigeon = json!({ "delivery_method": "pigeon" });
    let answer = untouched(&client, pks, client.post(&path, &pigeon)).await;
    answer.refused(
        400,
        "Error occured during OTP generation: Delivery method 'pigeon' is not available",
    );
    let answer = untouched(&client, pks, client.sign(pks, &external_unlock())).await;
    answer.refused(403, "You do not have permission to perform this action");

    let code = texting.code(&client, pks).await;
    // Numbers for texts, blanks around: as people type.
    let secret = json!({ "secret": format!(" {code}\n") });
    client
        .sign(pks, &secret)
        .await
        .said("Documents correctly signed");
}

#[tokio::test]
async fn without_a_gateway_no_code_is_made() {
    let mut installation = Installation::init([""; 0]);
    installation.serve(&[]);
    let client = OneShot::new(&installation.description(), Dialect::New);
    let pks = client.reviewable(&ANA).await;
    client
        .approve(pks, &client.officer())
        .await
        .said("Request approved successfully");
    let answer = untouched(&client, pks, client.otp(pks)).await;
    answer.refused(
        400,
        "Error occured during OTP generation: Delivery method 'sms' is not available",
    );
}
