//! What was learned of others' time-stamping units.

use crate::connection::{Reader, Tx};
use crate::error::StoreError;
use crate::field::params;

/// The length of the longest token that came from each address so far, in bytes.
pub async fn longest_tokens(reader: &mut Reader) -> Result<Vec<(String, i64)>, StoreError> {
    reader
        .all(
            "SELECT url, longest_token FROM time_stamping_unit",
            params![],
            |row| Ok((row.get("url")?, row.get("longest_token")?)),
        )
        .await
}

/// Takes note of a token's length, unless a longer one came from there before.
pub async fn learn(tx: &mut Tx, url: &str, len: i64) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO time_stamping_unit (url, longest_token) VALUES ($1, $2) \
         ON CONFLICT (url) DO UPDATE SET longest_token = excluded.longest_token \
         WHERE excluded.longest_token > time_stamping_unit.longest_token",
        params![url, len],
    )
    .await?;
    Ok(())
}
