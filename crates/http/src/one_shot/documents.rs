//! Documents to be signed: uploaded, listed, fetched, deleted.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use model::{RequestPk, Status};
use serde::Serialize;
use serde_json::{Map, Value, json};
use service::{
    DocumentCopy, DocumentRoom, DocumentView, Error, FileContent, NewContent, NewDocument,
    Problems, UploadedDocument,
};
use time::macros::format_description;
use utoipa::ToSchema;
use utoipa::openapi::path::HttpMethod;

use super::dialect::Success;
use super::door::Door;
use super::endpoint::Endpoint;
use super::hashfile;
use super::refusal::{Call, Fault};
use super::schema;
use crate::body::multipart::{Form, Part};
use crate::body::{BodyFault, declared_length};
use crate::path_args::PathArgs;
use crate::{disposition, query};

const GROUP: &str = "Documents";
const NO_PK: &str = "Missing required parameters: Request's pk not specified";
const DELETED: &str = "Document successfully deleted";
const DELETED_ALL: &str = "Documents deleted successfully";
const COPIES: &[&str] = &["signed", "original"];
const FORMS: &[&str] = &[
    "application/pdf",
    "application/pkcs7-mime",
    "application/json",
];
const FORMS_DESCRIPTION: &str =
    "The PDF. For a digest: the detached signature, or the file in which it came.";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(Call::UploadDocuments, upload)
            .paths(&["/document/{pk}"], &["/document/{pk}"])
            .aliases(&["/documents/{pk}"])
            .about(
                GROUP,
                "Upload documents",
                "One or many PDFs, as file parts under any names; the same name may repeat. A part \
                 called `hashfile` is a JSON object with a digest to be signed in place of a \
                 document that stays where it is: `messageDigest` (base64 of the digest, or of a \
                 message-digest attribute in DER), `digestAlgorithm` (`sha256`, `sha384`, \
                 `sha512`, or these with `WithRSAEncryption`), `addAuthAttribute` and \
                 `addSigningTime` (0 or 1; default 1), `otherAuthAttributes` (base64 of attributes \
                 in DER). All are taken or none.",
            )
            .form(schema::object(
                "",
                vec![
                    ("file", schema::bytes("A PDF."), false),
                    ("hashfile", schema::bytes("A digest and how to sign it, JSON."), false),
                ],
            ))
            .with_upload_answer()
            .refuses(|| {
                vec![
                    (no_file(), "The form has no file part."),
                    (
                        Error::TooManyDocuments { request: RequestPk(50231), limit: 10 }.into(),
                        "The request would hold more documents than it may.",
                    ),
                    (wrong_digest(), "A `hashfile` lacks a member, or has one that cannot be used. All are named."),
                    (
                        BodyFault::Json { message: "Expecting value".into(), line: 1, column: 1, offset: 0 }.into(),
                        "A `hashfile` is no JSON object.",
                    ),
                    (Error::UnknownRequest("7".into()).into(), "No request has this number."),
                    (Error::WrongStatus(Status::Issued).into(), "The request is over."),
                    (
                        Fault::said(
                            StatusCode::UNSUPPORTED_MEDIA_TYPE,
                            "Unsupported file type: a.pdf: this is not a PDF: there is no %PDF- header at its beginning",
                        ),
                        "A file is no PDF, or one that cannot be signed: encrypted, broken, certified. The text says which and why.",
                    ),
                ]
            }),
        Endpoint::nameless(
            HttpMethod::Post,
            Call::UploadDocuments,
            &["/document", "/documents"],
            NO_PK,
        ),
        Endpoint::get(Call::ListDocuments, list)
            .paths(&["/documents/{pk}"], &["/documents/{pk}"])
            .aliases(&["/document/{pk}"])
            .about(GROUP, "List documents", "By identifier, in the order in which they came.")
            .with_list_answer()
            .refuses(|| {
                vec![
                    (Error::UnknownRequest("7".into()).into(), "No request has this number."),
                    (Error::NoDocuments(RequestPk(50231)).into(), "It has no documents."),
                ]
            }),
        Endpoint::nameless(
            HttpMethod::Get,
            Call::ListDocuments,
            &["/document", "/documents"],
            NO_PK,
        ),
        Endpoint::get(Call::GetDocument, get_copy)
            .paths(&["/document/{pk}/{copy}/{uid}"], &["/document/{pk}/{copy}/{uid}"])
            .about(GROUP, "Get a document", "The copy that the path names.")
            .answers_bytes(FORMS, FORMS_DESCRIPTION, false)
            .refuses(fetch_refusals),
        Endpoint::get(Call::GetDocument, get)
            .variant("ByQuery")
            .paths(&["/document/{pk}/{uid}"], &["/document/{pk}/{uid}"])
            .about(
                GROUP,
                "Get a document, copy in the query",
                "Without `document_type`: the signed copy if there is one, else the original.",
            )
            .query("document_type", "Which copy.", COPIES)
            .answers_bytes(FORMS, FORMS_DESCRIPTION, false)
            .refuses(fetch_refusals),
        Endpoint::delete(Call::DeleteDocument, delete)
            .paths(&["/document/{pk}/{uid}"], &["/document/{pk}/{uid}"])
            .about(
                GROUP,
                "Delete a document",
                "Both copies; with `document_type`, that copy alone.",
            )
            .query("document_type", "Which copy.", COPIES)
            .answers(Success::text(DELETED))
            .refuses(delete_refusals),
        Endpoint::delete(Call::DeleteDocument, delete_copy)
            .variant("Copy")
            .paths(&[], &["/document/{pk}/{copy}/{uid}"])
            .about(GROUP, "Delete one copy of a document", "The copy that the path names.")
            .answers(Success::text(DELETED))
            .refuses(delete_refusals),
        Endpoint::delete(Call::DeleteDocuments, delete_all)
            .paths(&["/document/{pk}"], &["/documents/{pk}"])
            .about(GROUP, "Delete all documents", "")
            .answers(deleted_all("50231"))
            .refuses(|| {
                vec![
                    (Error::UnknownRequest("7".into()).into(), "No request has this number."),
                    (Error::NoDocuments(RequestPk(50231)).into(), "It has no documents."),
                ]
            }),
        Endpoint::nameless(
            HttpMethod::Delete,
            Call::DeleteDocuments,
            &["/document", "/documents"],
            NO_PK,
        ),
    ]
}

impl Endpoint {
    fn with_upload_answer(mut self) -> Self {
        let named = self.component::<Uploaded>();
        let described = self.component::<UploadedInNew>();
        let keyed = self.component::<UploadedInLegacy>();
        let sample = UploadedDocument {
            uid: model::DocumentUid(SAMPLE_UID),
            field_name: "file".into(),
            file_name: "a.pdf".into(),
            digest: vec![0; 32],
        };
        self.answers_each(
            Some(schema::either(named, schema::array(described))),
            Some(schema::either(
                schema::text("The only document's identifier."),
                schema::array(keyed),
            )),
            uploaded(&[sample]),
        )
    }

    fn with_list_answer(mut self) -> Self {
        let listed = self.component::<Listed>();
        let payload = schema::map("Documents by identifier.", listed);
        let sample = json!({ "11111111-1111-4111-8111-111111111111": {
            "filename": "a.pdf", "ext": ".pdf", "mime": "application/pdf", "size": 128_012,
            "upload_date": "11/11/2025 18:03:07", "signed": false, "digest": "00".repeat(32),
        }});
        let success = Success::payload("Documents of Request 50231", sample);
        self.answers_each(Some(payload.clone()), Some(payload), success)
    }
}

const SAMPLE_UID: uuid::Uuid = uuid::uuid!("11111111-1111-4111-8111-111111111111");

async fn upload(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::UploadDocuments, async {
        let pk = args.pk()?;
        let room = door.service.room_for_documents(pk).await?;
        let documents = read_documents(&door, pk, room, &headers, body).await?;
        let documents = door.service.upload_documents(pk, documents).await?;
        Ok(uploaded(&documents))
    })
    .await
}

async fn read_documents(
    door: &Door,
    pk: i64,
    room: DocumentRoom,
    headers: &HeaderMap,
    body: Body,
) -> Result<Vec<NewDocument>, Fault> {
    let limit = room.max_bytes;
    // All the files there is room for, and the form around them.
    let most = limit
        .saturating_mul(room.count_left.max(1) as u64)
        .saturating_add(1 << 20);
    if declared_length(headers).is_some_and(|length| length > most) {
        return Err(BodyFault::TooLarge { limit: most }.into());
    }
    let mut form = Form::open(headers, body)?;
    let mut documents = Vec::new();
    while let Some(mut part) = form.next().await? {
        let is_digest = part.name() == "hashfile";
        if documents.len() >= room.count_left && (is_digest || may_be_file(&part)) {
            let limit = door.service.limits().documents;
            return Err(Error::TooManyDocuments {
                request: RequestPk(pk),
                limit,
            }
            .into());
        }
        let content = match is_digest {
            true => {
                let file = part.read(hashfile::MAX_BYTES.min(limit)).await?;
                NewContent::Hash(hashfile::read(file)?)
            }
            false => {
                let content = part.read(limit).await?;
                if !is_file(&part, &content) {
                    continue;
                }
                NewContent::Pdf(content)
            }
        };
        let field_name = Some(part.name())
            .filter(|name| !name.is_empty())
            .unwrap_or("file".into());
        let extension = if is_digest { "json" } else { "pdf" };
        let file_name = part
            .file_name()
            .unwrap_or_else(|| format!("{field_name}.{extension}"));
        let file_name = disposition::base_name(&file_name);
        documents.push(NewDocument {
            field_name,
            file_name,
            content,
        });
    }
    if documents.is_empty() {
        Err(no_file())
    } else {
        Ok(documents)
    }
}

/// Whether a part is a file by all that can be known before its content.
fn may_be_file(part: &Part) -> bool {
    part.file_name().is_some() || part.states_binary() || part.name().starts_with("file")
}

/// Whether a part is a file rather than a plain form field. Some clients send files without file
/// name and media type; their content tells.
fn is_file(part: &Part, content: &[u8]) -> bool {
    let head = &content[..content.len().min(1024)];
    let pdf = head.windows(5).any(|window| window == b"%PDF-");
    let named = part.file_name().is_some();
    // An empty file field of a browser's form has neither name nor content.
    pdf || named || (!content.is_empty() && may_be_file(part))
}

async fn list(door: Door, args: PathArgs) -> Response {
    door.answer(Call::ListDocuments, async {
        let pk = args.pk()?;
        let documents = door.service.documents(pk).await?;
        let payload: Map<String, Value> = documents
            .into_iter()
            .map(|document| (document.uid.to_string(), json!(Listed::of(document))))
            .collect();
        Ok(Success::payload(
            format!("Documents of Request {pk}"),
            Value::Object(payload),
        ))
    })
    .await
}

async fn get(door: Door, args: PathArgs, uri: Uri) -> Response {
    door.answer(Call::GetDocument, async {
        let copy = copy_in_query(&uri)?;
        Ok(download(
            door.service
                .document(args.pk()?, &args.text("uid"), copy)
                .await?,
        ))
    })
    .await
}

async fn get_copy(door: Door, args: PathArgs) -> Response {
    door.answer(Call::GetDocument, async {
        let (pk, copy) = (args.pk()?, copy(&args.text("copy"))?);
        Ok(download(
            door.service
                .document(pk, &args.text("uid"), Some(copy))
                .await?,
        ))
    })
    .await
}

async fn delete(door: Door, args: PathArgs, uri: Uri) -> Response {
    door.answer(Call::DeleteDocument, async {
        let copy = copy_in_query(&uri)?;
        door.service
            .delete_document(args.pk()?, &args.text("uid"), copy)
            .await?;
        Ok(Success::text(DELETED))
    })
    .await
}

async fn delete_copy(door: Door, args: PathArgs) -> Response {
    door.answer(Call::DeleteDocument, async {
        let (pk, copy) = (args.pk()?, copy(&args.text("copy"))?);
        door.service
            .delete_document(pk, &args.text("uid"), Some(copy))
            .await?;
        Ok(Success::text(DELETED))
    })
    .await
}

async fn delete_all(door: Door, args: PathArgs) -> Response {
    door.answer(Call::DeleteDocuments, async {
        let pk = args.pk()?;
        door.service.delete_documents(pk).await?;
        Ok(deleted_all(&pk.to_string()))
    })
    .await
}

/// A file as an answer.
pub(super) fn download(file: FileContent) -> Response {
    let mut response = file.content.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(file.media_type),
    );
    headers.insert(
        header::CONTENT_DISPOSITION,
        disposition::attachment(&file.file_name),
    );
    response
}

/// The copy that `document_type` asks for.
pub(super) fn copy_in_query(uri: &Uri) -> Result<Option<DocumentCopy>, Fault> {
    query::value(uri, "document_type")
        .map(|name| copy(&name))
        .transpose()
}

fn copy(name: &str) -> Result<DocumentCopy, Fault> {
    match name {
        "original" => Ok(DocumentCopy::Original),
        "signed" => Ok(DocumentCopy::Signed),
        _ => Err(wrong_copy()),
    }
}

pub(super) fn wrong_copy() -> Fault {
    Fault::said(
        StatusCode::BAD_REQUEST,
        "document_type: must be 'signed' or 'original'",
    )
}

fn no_file() -> Fault {
    Fault::said(
        StatusCode::BAD_REQUEST,
        "Missing required parameters: no file provided",
    )
}

fn wrong_digest() -> Fault {
    let mut problems = Problems::default();
    problems.missing("messageDigest");
    problems.invalid("digestAlgorithm", "must be sha256, sha384 or sha512");
    Error::Fields(problems).into()
}

fn fetch_refusals() -> Vec<(Fault, &'static str)> {
    let unknown = Error::UnknownDocument {
        uid: "7".into(),
        copy: None,
    };
    vec![
        (wrong_copy(), "There is no such copy."),
        (
            Error::UnknownRequest("7".into()).into(),
            "No request has this number.",
        ),
        (
            unknown.into(),
            "It has no such document, or not in this copy (yet).",
        ),
    ]
}

fn delete_refusals() -> Vec<(Fault, &'static str)> {
    let unknown = Error::UnknownDocument {
        uid: "11111111-1111-4111-8111-111111111111".into(),
        copy: Some(DocumentCopy::Signed),
    };
    vec![
        (wrong_copy(), "There is no such copy."),
        (
            Error::UnknownRequest("7".into()).into(),
            "No request has this number.",
        ),
        (
            unknown.into(),
            "It has no such document, or not in this copy. Where no copy was asked for, the type is `any`.",
        ),
    ]
}

/// The identifier a document was given.
#[derive(Serialize, ToSchema)]
struct Uploaded {
    /// The form field it came in.
    name: String,
    /// Its identifier.
    uid: String,
}

/// One of several uploaded documents.
#[derive(Serialize, ToSchema)]
struct UploadedInNew {
    /// The form field it came in.
    name: String,
    /// The file name that was stated.
    filename: String,
    /// Its identifier.
    uid: String,
    /// SHA-256, or the digest to be signed; hexadecimal.
    digest: String,
}

/// One of several uploaded documents.
#[derive(Serialize, ToSchema)]
struct UploadedInLegacy {
    /// The form field it came in.
    key: String,
    /// The file name that was stated.
    filename: String,
    /// Its identifier.
    uid: String,
    /// SHA-256, or the digest to be signed; hexadecimal.
    digest: String,
}

fn uploaded(documents: &[UploadedDocument]) -> Success {
    if let [document] = documents {
        let uid = document.uid.to_string();
        let named = Uploaded {
            name: document.field_name.clone(),
            uid: uid.clone(),
        };
        return Success::text("Document uploaded")
            .with_new(json!(named))
            .with_legacy(uid.into());
    }
    let new = documents.iter().map(|document| UploadedInNew {
        name: document.field_name.clone(),
        filename: document.file_name.clone(),
        uid: document.uid.to_string(),
        digest: hex::encode(&document.digest),
    });
    let legacy = documents.iter().map(|document| UploadedInLegacy {
        key: document.field_name.clone(),
        filename: document.file_name.clone(),
        uid: document.uid.to_string(),
        digest: hex::encode(&document.digest),
    });
    Success::text("Documents uploaded")
        .with_new(json!(new.collect::<Vec<_>>()))
        .with_legacy(json!(legacy.collect::<Vec<_>>()))
}

/// The words differ between the dialects here.
fn deleted_all(pk: &str) -> Success {
    Success::text(format!("Documents deleted for Request {pk}")).with_legacy(DELETED_ALL.into())
}

/// A document in the list.
#[derive(Serialize, ToSchema)]
struct Listed {
    filename: String,
    /// With its dot.
    ext: String,
    mime: &'static str,
    /// In bytes.
    size: u64,
    /// `DD/MM/YYYY HH:MM:SS`, UTC.
    upload_date: String,
    /// Whether there is a signed copy.
    signed: bool,
    /// SHA-256, or the digest to be signed; hexadecimal.
    digest: String,
}

impl Listed {
    fn of(document: DocumentView) -> Self {
        let form = format_description!("[day]/[month]/[year] [hour]:[minute]:[second]");
        let extension = document
            .file_name
            .rsplit_once('.')
            .map(|(_, extension)| extension);
        Self {
            ext: match extension {
                Some(extension) => format!(".{extension}"),
                None if document.media_type == "application/pdf" => ".pdf".to_owned(),
                None => ".json".to_owned(),
            },
            mime: document.media_type,
            size: document.size,
            upload_date: document.uploaded_at.format(form).unwrap_or_default(),
            signed: document.signed,
            digest: hex::encode(&document.digest),
            filename: document.file_name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::one_shot::Dialect;

    fn document(field: &str) -> UploadedDocument {
        UploadedDocument {
            uid: model::DocumentUid(SAMPLE_UID),
            field_name: field.into(),
            file_name: "a.pdf".into(),
            digest: vec![0xab; 32],
        }
    }

    #[test]
    fn one_document_is_answered_otherwise_than_several() {
        let one = uploaded(&[document("file")]);
        let uid = SAMPLE_UID.to_string();
        assert_eq!(
            one.clone().body(Dialect::New)["detail"],
            json!({ "name": "file", "uid": uid })
        );
        assert_eq!(one.body(Dialect::Legacy)["details"], json!(uid));

        let two = uploaded(&[document("file"), document("file")]);
        let digest = "ab".repeat(32);
        let described =
            json!({ "name": "file", "filename": "a.pdf", "uid": uid, "digest": digest });
        assert_eq!(
            two.clone().body(Dialect::New)["detail"],
            json!([described, described])
        );
        let keyed = json!({ "key": "file", "filename": "a.pdf", "uid": uid, "digest": digest });
        assert_eq!(two.body(Dialect::Legacy)["details"], json!([keyed, keyed]));
    }

    #[test]
    fn the_words_after_deleting_all_differ() {
        let done = deleted_all("7");
        assert_eq!(
            done.clone().body(Dialect::New)["message"],
            "Documents deleted for Request 7"
        );
        assert_eq!(
            done.body(Dialect::Legacy)["details"],
            "Documents deleted successfully"
        );
    }
}
