//! Registration authority officers. Their keys are in [`crate::credentials`].

use model::{RaId, RaoId};

use crate::connection::{Reader, Tx, within};
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::Officer;

macro_rules! select {
    ($($rest:expr),+) => {
        concat!(
            "SELECT id, ra, (SELECT '[' || COALESCE(string_agg(CAST(authority AS TEXT), ',' \
             ORDER BY authority), '') || ']' FROM officer_authority WHERE officer = officer.id) \
             AS authorities, username, given_name, surname_1, surname_2, identity, \
             document_number, document_description, document_issuer, email, is_identificator, \
             certificate, serial, created_at FROM officer ",
            $($rest),+
        )
    };
}

/// Which officers to list; what is `None` does not matter.
#[derive(Clone, Default)]
pub struct OfficerFilter {
    /// First names.
    pub given_name: Option<String>,
    /// First surname.
    pub surname_1: Option<String>,
    /// Second surname.
    pub surname_2: Option<String>,
    /// The certificate, DER.
    pub certificate: Option<Vec<u8>>,
    /// A registration authority where it may act.
    pub authority: Option<RaId>,
    /// Its home.
    pub master: Option<RaId>,
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
        "INSERT INTO officer (id, ra, username, given_name, surname_1, surname_2, identity, \
         document_number, document_description, document_issuer, email, is_identificator, \
         certificate, serial, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        params![
            officer.id,
            officer.ra,
            officer.username,
            officer.given_name,
            officer.surname_1,
            officer.surname_2,
            officer.identity,
            officer.document_number,
            officer.document_description,
            officer.document_issuer,
            officer.email,
            officer.is_identificator,
            officer.certificate,
            officer.serial,
            officer.created_at,
        ],
    )
    .await?;
    admit(tx, officer).await
}

/// Changes everything but number and date of creation. Fails with [`StoreError::Duplicate`] where
/// the user name is another's.
pub async fn update(tx: &mut Tx, officer: &Officer) -> Result<(), StoreError> {
    tx.change(
        "officer",
        "UPDATE officer SET ra = $2, username = $3, given_name = $4, surname_1 = $5, \
         surname_2 = $6, identity = $7, document_number = $8, document_description = $9, \
         document_issuer = $10, email = $11, is_identificator = $12, certificate = $13, \
         serial = $14 WHERE id = $1",
        params![
            officer.id,
            officer.ra,
            officer.username,
            officer.given_name,
            officer.surname_1,
            officer.surname_2,
            officer.identity,
            officer.document_number,
            officer.document_description,
            officer.document_issuer,
            officer.email,
            officer.is_identificator,
            officer.certificate,
            officer.serial,
        ],
    )
    .await?;
    tx.execute(
        "DELETE FROM officer_authority WHERE officer = $1",
        params![officer.id],
    )
    .await?;
    admit(tx, officer).await
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

/// The officers whose home an authority is, by number.
pub async fn list(reader: &mut Reader, ra: RaId) -> Result<Vec<Officer>, StoreError> {
    reader
        .all(select!("WHERE ra = $1 ORDER BY id"), params![ra], officer)
        .await
}

/// How many officers that may act for one of `within` fit the filter, and those from `offset` on,
/// by number, at most `limit`.
pub async fn page(
    reader: &mut Reader,
    filter: &OfficerFilter,
    within: &[RaId],
    offset: i64,
    limit: i64,
) -> Result<(i64, Vec<Officer>), StoreError> {
    macro_rules! fitting {
        ($within:literal) => {
            concat!(
                // With EXISTS, SQLite 3.51 takes an officer of several authorities for several rows
                // when it counts those to pass over.
                "WHERE id IN (SELECT officer FROM officer_authority WHERE authority IN ",
                $within,
                ") AND ($2 IS NULL OR given_name = $2) AND ($3 IS NULL OR surname_1 = $3) \
                 AND ($4 IS NULL OR surname_2 = $4) AND ($5 IS NULL OR certificate = $5) \
                 AND ($6 IS NULL OR id IN (SELECT officer FROM officer_authority \
                 WHERE authority = $6)) AND ($7 IS NULL OR ra = $7) "
            )
        };
    }
    macro_rules! count {
        ($within:literal) => {
            concat!("SELECT COUNT(*) AS total FROM officer ", fitting!($within))
        };
    }
    macro_rules! rows {
        ($within:literal) => {
            select!(fitting!($within), "ORDER BY id LIMIT $8 OFFSET $9")
        };
    }
    let params = params![
        within,
        filter.given_name,
        filter.surname_1,
        filter.surname_2,
        filter.certificate,
        filter.authority,
        filter.master,
    ];
    let place = [offset, limit];
    reader
        .page(within!(count), within!(rows), params, place, officer)
        .await
}

async fn admit(tx: &mut Tx, officer: &Officer) -> Result<(), StoreError> {
    for authority in &officer.authorities {
        tx.execute(
            "INSERT INTO officer_authority (officer, authority) VALUES ($1, $2) \
             ON CONFLICT (officer, authority) DO NOTHING",
            params![officer.id, *authority],
        )
        .await?;
    }
    Ok(())
}

fn officer(row: &Row) -> Result<Officer, StoreError> {
    Ok(Officer {
        id: row.get("id")?,
        ra: row.get("ra")?,
        authorities: row.get("authorities")?,
        username: row.get("username")?,
        given_name: row.get("given_name")?,
        surname_1: row.get("surname_1")?,
        surname_2: row.get("surname_2")?,
        identity: row.get("identity")?,
        document_number: row.get("document_number")?,
        document_description: row.get("document_description")?,
        document_issuer: row.get("document_issuer")?,
        email: row.get("email")?,
        is_identificator: row.get("is_identificator")?,
        certificate: row.get("certificate")?,
        serial: row.get("serial")?,
        created_at: row.get("created_at")?,
    })
}
