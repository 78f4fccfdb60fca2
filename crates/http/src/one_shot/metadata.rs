//! Metadata that signatures may carry.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::MetadataUid;
use serde::Serialize;
use serde_json::{Map, Value, json};
use service::{Error, MetadataView, NewMetadata, Problems};
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::dialect::Success;
use super::door::Door;
use super::endpoint::Endpoint;
use super::refusal::Call;
use super::schema;
use crate::body::base64 as lenient;
use crate::path_args::PathArgs;

const GROUP: &str = "Metadata";
const STORED: &str = "Metadata stored";
const DELETED: &str = "Metadata successfully deleted";
const DELETED_ALL: &str = "All metadata deleted";
const SAMPLE: &str = "44444444444444448444444444444444";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(Call::StoreMetadata, store)
            .paths(&["/metadata"], &["/metadata"])
            .about(
                GROUP,
                "Store metadata",
                "Bytes that signatures can carry as a signed attribute, an OCTET STRING under the \
                 object identifier given.",
            )
            .json(
                body_schema(),
                json!({ "metadata": "b3JkZXIgNDcxMQ==", "metadata_oid": "1.3.6.1.4.1.32473.1" }),
                true,
            )
            .answers_with::<MetadataStored>(stored(SAMPLE.to_owned()))
            .refuses(|| {
                let mut missing = Problems::default();
                missing.missing("metadata");
                missing.missing("metadata_oid");
                let mut wrong = Problems::default();
                wrong.invalid("metadata_oid", "must be a dotted object identifier");
                vec![
                    (Error::Fields(missing).into(), "Something is missing."),
                    (
                        Error::Fields(wrong).into(),
                        "The object identifier is none, or one that signatures have of themselves; \
                         the metadata is not base64, or too long. The text says which.",
                    ),
                ]
            }),
        Endpoint::get(Call::ListMetadata, list)
            .paths(&["/metadata"], &["/metadata"])
            .about(GROUP, "List metadata", "By identifier, oldest first.")
            .with_list_of_metadata()
            .refuses(|| vec![(Error::UnknownMetadata.into(), "There is none.")]),
        Endpoint::get(Call::GetMetadata, get)
            .paths(&["/metadata/{metadata_uid}"], &["/metadata/{metadata_uid}"])
            .about(GROUP, "Get metadata", "")
            .answers_with::<StoredMetadata>(Success::payload("Metadata", sample()))
            .refuses(|| vec![(Error::UnknownMetadata.into(), "There is no such metadata.")]),
        Endpoint::delete(Call::DeleteMetadata, delete)
            .paths(&["/metadata/{metadata_uid}"], &["/metadata/{metadata_uid}"])
            .about(GROUP, "Delete metadata", "")
            .answers(Success::text(DELETED))
            .refuses(|| vec![(Error::UnknownMetadata.into(), "There is no such metadata.")]),
        Endpoint::delete(Call::DeleteAllMetadata, delete_all)
            .paths(&["/metadata"], &["/metadata"])
            .about(GROUP, "Delete all metadata", "")
            .answers(Success::text(DELETED_ALL)),
    ]
}

impl Endpoint {
    fn with_list_of_metadata(mut self) -> Self {
        let one = self.component::<StoredMetadata>();
        let payload = schema::map("Metadata by identifier.", one);
        let sample = Success::payload("Metadata", json!({ SAMPLE: sample() }));
        self.answers_each(Some(payload.clone()), Some(payload), sample)
    }
}

async fn store(door: Door, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::StoreMetadata, async {
        let mut fields = door.fields(&headers, body).await?;
        let content = fields.required("metadata");
        let content = lenient::decode(content).unwrap_or_else(|reason| {
            fields.invalid("metadata", reason);
            Vec::new()
        });
        let oid = fields.required("metadata_oid");
        fields.check(&[])?;
        let uid = door
            .service
            .store_metadata(NewMetadata { oid, content })
            .await?;
        Ok(stored(written(uid)))
    })
    .await
}

async fn get(door: Door, args: PathArgs) -> Response {
    door.answer(Call::GetMetadata, async {
        let metadata = door.service.metadata(&args.text("metadata_uid")).await?;
        Ok(Success::payload(
            "Metadata",
            json!(StoredMetadata::of(&metadata)),
        ))
    })
    .await
}

async fn list(door: Door) -> Response {
    door.answer(Call::ListMetadata, async {
        let all = door.service.all_metadata().await?;
        let payload: Map<String, Value> = all
            .iter()
            .map(|one| (written(one.uid), json!(StoredMetadata::of(one))))
            .collect();
        Ok(Success::payload("Metadata", Value::Object(payload)))
    })
    .await
}

async fn delete(door: Door, args: PathArgs) -> Response {
    door.answer(Call::DeleteMetadata, async {
        let uid = args.text("metadata_uid");
        door.service.delete_metadata(&uid).await?;
        Ok(Success::text(DELETED))
    })
    .await
}

async fn delete_all(door: Door) -> Response {
    door.answer(Call::DeleteAllMetadata, async {
        door.service.delete_all_metadata().await?;
        Ok(Success::text(DELETED_ALL))
    })
    .await
}

/// The identifier as this API writes it: 32 bare hexadecimal digits.
fn written(uid: MetadataUid) -> String {
    uid.0.simple().to_string()
}

/// The identifier of metadata.
#[derive(Serialize, ToSchema)]
struct MetadataStored {
    metadata: String,
}

fn stored(uid: String) -> Success {
    Success::payload(STORED, json!(MetadataStored { metadata: uid }))
}

/// Metadata as it was stored.
#[derive(Serialize, ToSchema)]
struct StoredMetadata {
    /// The object identifier, dotted.
    oid: String,
    /// Base64.
    metadata: String,
}

impl StoredMetadata {
    fn of(metadata: &MetadataView) -> Self {
        Self {
            oid: metadata.oid.clone(),
            metadata: STANDARD.encode(&metadata.content),
        }
    }
}

fn sample() -> Value {
    json!(StoredMetadata {
        oid: "1.3.6.1.4.1.32473.1".into(),
        metadata: "b3JkZXIgNDcxMQ==".into(),
    })
}

fn body_schema() -> RefOr<Schema> {
    schema::object(
        "Metadata to keep.",
        vec![
            (
                "metadata",
                schema::text("The bytes, in base64; 64 KiB at most."),
                true,
            ),
            (
                "metadata_oid",
                schema::text("Their meaning, a dotted object identifier."),
                true,
            ),
        ],
    )
}
