//! Registration authority officers.

use model::{RaId, RaoId};

use crate::connection::{Reader, Tx};
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::Officer;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, ra, username, password_hash, given_name, surname_1, surname_2, identity, \
             certificate, wrapped_key, created_at FROM officer ",
            $rest
        )
    };
}

/// The number that the next officer takes. Numbers are never taken twice, since rows stay.
pub async fn next_id(tx: &mut Tx) -> Result<i64, StoreError> {
    tx.one(
        "SELECT COALESCE(MAX(id), 0) + 1 AS next FROM officer",
        params![],
        |row| row.get("next"),
    )
    .await
}

/// Adds an officer. Fails with [`StoreError::Duplicate`] where number or user name is taken.
pub async fn insert(tx: &mut Tx, officer: &Officer) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO officer (id, ra, username, password_hash, given_name, surname_1, surname_2, \
         identity, certificate, wrapped_key, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        params![
            officer.id,
            officer.ra,
            officer.username,
            officer.password_hash,
            officer.given_name,
            officer.surname_1,
            officer.surname_2,
            officer.identity,
            officer.certificate,
            officer.wrapped_key,
            officer.created_at,
        ],
    )
    .await?;
    Ok(())
}

/// Finds an officer by number.
pub async fn get(reader: &mut Reader, id: RaoId) -> Result<Option<Officer>, StoreError> {
    reader
        .optional(select!("WHERE id = $1"), params![id], officer)
        .await
}

/// Finds an officer by user name.
pub async fn by_username(
    reader: &mut Reader,
    username: &str,
) -> Result<Option<Officer>, StoreError> {
    reader
        .optional(select!("WHERE username = $1"), params![username], officer)
        .await
}

/// The officers of an authority by number.
pub async fn list(reader: &mut Reader, ra: RaId) -> Result<Vec<Officer>, StoreError> {
    reader
        .all(select!("WHERE ra = $1 ORDER BY id"), params![ra], officer)
        .await
}

fn officer(row: &Row) -> Result<Officer, StoreError> {
    Ok(Officer {
        id: row.get("id")?,
        ra: row.get("ra")?,
        username: row.get("username")?,
        password_hash: row.get("password_hash")?,
        given_name: row.get("given_name")?,
        surname_1: row.get("surname_1")?,
        surname_2: row.get("surname_2")?,
        identity: row.get("identity")?,
        certificate: row.get("certificate")?,
        wrapped_key: row.get("wrapped_key")?,
        created_at: row.get("created_at")?,
    })
}
