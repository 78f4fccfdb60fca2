//! Requests and their VideoID records.

use model::{RaId, RequestPk, Status, Workflow};

use crate::connection::{Reader, Tx, locking, within};
use crate::error::StoreError;
use crate::field::{Row, params};
use crate::records::Request;

macro_rules! columns {
    () => {
        "SELECT pk, videoid_pk, video_identifier, scratchcard, workflow, status, ra, profile, \
         secure_element, validity_days, paperless, language, environment, webhook_url, \
         webhook_format, data_key, subject, billing_username, refuse_reason, officer, \
         identification_officer, validation_officer, registering_user, approving_user, \
         approved_at, renewal_enabled, renewals, external_unlock, asynchronous, created_at, \
         updated_at FROM request "
    };
}

/// Which registrations to list; what is `None` or empty does not matter, but for `within`.
#[derive(Clone, Default)]
pub struct RequestFilter {
    /// The registration authorities whose requests may be seen at all.
    pub within: Vec<RaId>,
    /// Only those of this registration authority.
    pub ra: Option<RaId>,
    /// Only the one with this scratchcard.
    pub scratchcard: Option<String>,
    /// Only those in this status.
    pub status: Option<Status>,
    /// Only those under this profile.
    pub profile: Option<String>,
    /// Only those of this workflow.
    pub workflow: Option<Workflow>,
    /// Only those with all of these digests, as [`crate::subject_index::put`] stored them by field.
    pub indexed: Vec<(String, Vec<u8>)>,
}

/// Adds a request, whose numbers come from [`crate::sequence`].
pub async fn insert(tx: &mut Tx, request: &Request) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO request (pk, videoid_pk, video_identifier, scratchcard, workflow, status, \
         ra, profile, secure_element, validity_days, paperless, language, environment, \
         webhook_url, webhook_format, data_key, subject, billing_username, refuse_reason, \
         officer, identification_officer, validation_officer, registering_user, \
         approving_user, approved_at, renewal_enabled, renewals, external_unlock, asynchronous, \
         created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, \
         $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31)",
        params![
            request.pk,
            request.videoid_pk,
            request.video_identifier,
            request.scratchcard,
            request.workflow,
            request.status,
            request.ra,
            request.profile,
            request.secure_element,
            request.validity_days,
            request.paperless,
            request.language,
            request.environment,
            request.webhook_url,
            request.webhook_format,
            request.data_key,
            request.subject,
            request.billing_username,
            request.refuse_reason,
            request.officer,
            request.identification_officer,
            request.validation_officer,
            request.registering_user,
            request.approving_user,
            request.approved_at,
            request.renewal_enabled,
            request.renewals,
            request.external_unlock,
            request.asynchronous,
            request.created_at,
            request.updated_at,
        ],
    )
    .await?;
    Ok(())
}

/// Finds a request by its own number.
pub async fn get(reader: &mut Reader, pk: RequestPk) -> Result<Option<Request>, StoreError> {
    reader
        .optional(concat!(columns!(), "WHERE pk = $1"), params![pk], request)
        .await
}

/// Finds a request by a number that may be its VideoID record's (looked up first) or its own.
pub async fn resolve(reader: &mut Reader, number: i64) -> Result<Option<Request>, StoreError> {
    reader
        .optional(
            concat!(
                columns!(),
                "WHERE videoid_pk = $1 OR pk = $1 \
                 ORDER BY CASE WHEN videoid_pk = $1 THEN 0 ELSE 1 END LIMIT 1"
            ),
            params![number],
            request,
        )
        .await
}

/// Finds a request by its VideoID record's opaque name.
pub async fn by_video_identifier(
    reader: &mut Reader,
    video_identifier: &str,
) -> Result<Option<Request>, StoreError> {
    reader
        .optional(
            concat!(columns!(), "WHERE video_identifier = $1"),
            params![video_identifier],
            request,
        )
        .await
}

/// Finds a request by its scratchcard's number.
pub async fn by_scratchcard(
    reader: &mut Reader,
    scratchcard: &str,
) -> Result<Option<Request>, StoreError> {
    reader
        .optional(
            concat!(columns!(), "WHERE scratchcard = $1"),
            params![scratchcard],
            request,
        )
        .await
}

/// How many registrations fit the filter, and those from `offset` on, by number, at most `limit`.
pub async fn page(
    reader: &mut Reader,
    filter: &RequestFilter,
    offset: i64,
    limit: i64,
) -> Result<(i64, Vec<Request>), StoreError> {
    macro_rules! fitting {
        ($within:literal, $wanted:literal) => {
            concat!(
                "WHERE workflow IN ('videoid', 'classic') AND ra IN ",
                $within,
                " AND ($2 IS NULL OR ra = $2) AND ($3 IS NULL OR scratchcard = $3) \
                 AND ($4 IS NULL OR status = $4) AND ($5 IS NULL OR profile = $5) \
                 AND ($6 IS NULL OR workflow = $6) AND ($8 = 0 OR pk IN ( \
                 SELECT request FROM request_index NATURAL JOIN ",
                $wanted,
                " AS wanted GROUP BY request HAVING COUNT(*) = $8)) "
            )
        };
    }
    macro_rules! count {
        ($($lists:literal),+) => {
            concat!("SELECT COUNT(*) AS total FROM request ", fitting!($($lists),+))
        };
    }
    macro_rules! rows {
        ($($lists:literal),+) => {
            concat!(columns!(), fitting!($($lists),+), "ORDER BY pk LIMIT $9 OFFSET $10")
        };
    }
    // The digests of `$7`, JSON too, as rows.
    macro_rules! wanted {
        ($sql:ident) => {
            within!(
                $sql,
                "(SELECT value ->> 0 AS field, unhex(value ->> 1) AS digest FROM json_each($7))",
                "(SELECT value ->> 0 AS field, decode(value ->> 1, 'hex') AS digest \
                 FROM json_array_elements(CAST($7 AS JSON)))"
            )
        };
    }
    let wanted: Vec<_> = filter
        .indexed
        .iter()
        .map(|(field, digest)| (field, hex(digest)))
        .collect();
    let params = params![
        filter.within.as_slice(),
        filter.ra,
        filter.scratchcard,
        filter.status,
        filter.profile,
        filter.workflow,
        serde_json::json!(wanted).to_string(),
        wanted.len() as i64,
    ];
    let place = [offset, limit];
    reader
        .page(wanted!(count), wanted!(rows), params, place, request)
        .await
}

/// Finds a request and keeps other transactions from changing it, or anything that belongs to it,
/// until this one ends. Reads that decide a change of the request come after this.
pub async fn lock(tx: &mut Tx, pk: RequestPk) -> Result<Option<Request>, StoreError> {
    tx.optional(locking!(columns!(), "WHERE pk = $1"), params![pk], request)
        .await
}

/// Changes everything but the numbers, the VideoID record's name, the workflow and the date of
/// creation.
pub async fn update(tx: &mut Tx, request: &Request) -> Result<(), StoreError> {
    tx.change(
        "request",
        "UPDATE request SET scratchcard = $2, status = $3, ra = $4, profile = $5, \
         secure_element = $6, validity_days = $7, paperless = $8, language = $9, \
         environment = $10, webhook_url = $11, webhook_format = $12, data_key = $13, \
         subject = $14, billing_username = $15, refuse_reason = $16, officer = $17, \
         identification_officer = $18, validation_officer = $19, registering_user = $20, \
         approving_user = $21, approved_at = $22, renewal_enabled = $23, renewals = $24, \
         external_unlock = $25, asynchronous = $26, updated_at = $27 WHERE pk = $1",
        params![
            request.pk,
            request.scratchcard,
            request.status,
            request.ra,
            request.profile,
            request.secure_element,
            request.validity_days,
            request.paperless,
            request.language,
            request.environment,
            request.webhook_url,
            request.webhook_format,
            request.data_key,
            request.subject,
            request.billing_username,
            request.refuse_reason,
            request.officer,
            request.identification_officer,
            request.validation_officer,
            request.registering_user,
            request.approving_user,
            request.approved_at,
            request.renewal_enabled,
            request.renewals,
            request.external_unlock,
            request.asynchronous,
            request.updated_at,
        ],
    )
    .await
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn request(row: &Row) -> Result<Request, StoreError> {
    Ok(Request {
        pk: row.get("pk")?,
        videoid_pk: row.get("videoid_pk")?,
        video_identifier: row.get("video_identifier")?,
        scratchcard: row.get("scratchcard")?,
        workflow: row.get("workflow")?,
        status: row.get("status")?,
        ra: row.get("ra")?,
        profile: row.get("profile")?,
        secure_element: row.get("secure_element")?,
        validity_days: row.get("validity_days")?,
        paperless: row.get("paperless")?,
        language: row.get("language")?,
        environment: row.get("environment")?,
        webhook_url: row.get("webhook_url")?,
        webhook_format: row.get("webhook_format")?,
        data_key: row.get("data_key")?,
        subject: row.get("subject")?,
        billing_username: row.get("billing_username")?,
        refuse_reason: row.get("refuse_reason")?,
        officer: row.get("officer")?,
        identification_officer: row.get("identification_officer")?,
        validation_officer: row.get("validation_officer")?,
        registering_user: row.get("registering_user")?,
        approving_user: row.get("approving_user")?,
        approved_at: row.get("approved_at")?,
        renewal_enabled: row.get("renewal_enabled")?,
        renewals: row.get("renewals")?,
        external_unlock: row.get("external_unlock")?,
        asynchronous: row.get("asynchronous")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}
