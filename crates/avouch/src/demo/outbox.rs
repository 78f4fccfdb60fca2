//! The files that texts and mails go to instead of people.

use std::path::Path;
use std::time::Duration;

use anyhow::bail;
use serde_json::Value;

/// Waits for the `nth` text message with a code for a request, counted from 1.
pub async fn code(outbox: &Path, request: i64, nth: usize) -> anyhow::Result<String> {
    nth_with("code", outbox, request, nth).await
}

/// Waits for the mail with a link for a request.
pub async fn link(outbox: &Path, request: i64) -> anyhow::Result<String> {
    nth_with("link", outbox, request, 1).await
}

async fn nth_with(member: &str, outbox: &Path, request: i64, nth: usize) -> anyhow::Result<String> {
    const TRIES: u32 = 200;
    for _ in 0..TRIES {
        let lines = tokio::fs::read_to_string(outbox).await.unwrap_or_default();
        let found = lines
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|message| message["request_pk"] == request)
            .filter_map(|message| message[member].as_str().map(str::to_owned))
            .nth(nth - 1);
        if let Some(found) = found {
            return Ok(found);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("no {member} arrived in {}", outbox.display())
}
