//! Stored credentials of officers.

use model::TokenUid;

use crate::connection::{Reader, Tx};
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::Token;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT uid, username, has_password, has_pin, environment, sealed, fingerprint, \
             deletable, created_at FROM token ",
            $rest
        )
    };
}

/// Adds a token. Fails with [`StoreError::Duplicate`] where one with the same fingerprint exists.
pub async fn insert(tx: &mut Tx, token: &Token) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO token (uid, username, has_password, has_pin, environment, sealed, \
         fingerprint, deletable, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        params![
            token.uid,
            token.username,
            token.has_password,
            token.has_pin,
            token.environment,
            token.sealed,
            token.fingerprint,
            token.deletable,
            token.created_at,
        ],
    )
    .await?;
    Ok(())
}

/// Finds a token.
pub async fn get(reader: &mut Reader, uid: TokenUid) -> Result<Option<Token>, StoreError> {
    reader
        .optional(select!("WHERE uid = $1"), params![uid], token)
        .await
}

/// All tokens in the order in which they were added.
pub async fn list(reader: &mut Reader) -> Result<Vec<Token>, StoreError> {
    reader
        .all(select!("ORDER BY number"), params![], token)
        .await
}

/// Deletes a token; says whether it was there.
pub async fn delete(tx: &mut Tx, uid: TokenUid) -> Result<bool, StoreError> {
    let deleted = tx
        .execute("DELETE FROM token WHERE uid = $1", params![uid])
        .await?;
    Ok(deleted > 0)
}

fn token(row: &Row) -> Result<Token, StoreError> {
    Ok(Token {
        uid: row.get("uid")?,
        username: row.get("username")?,
        has_password: row.get("has_password")?,
        has_pin: row.get("has_pin")?,
        environment: row.get("environment")?,
        sealed: row.get("sealed")?,
        fingerprint: row.get("fingerprint")?,
        deletable: row.get("deletable")?,
        created_at: row.get("created_at")?,
    })
}
