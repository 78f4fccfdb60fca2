//! Papers: uploaded, fetched, deleted; contract and declaration.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use model::{RequestPk, Status};
use serde_json::{Value, json};
use service::Error;
use service::registration::{NewAttachment, PaperCopy, PaperName};

use super::door::{Door, created, ok};
use super::endpoint::Endpoint;
use super::refusal::{Call, Fault};
use super::refusals::{
    Case, incomplete_subject, not_permitted, unknown_officer, unknown_request, wrong_parameters,
    wrong_status,
};
use super::schemas::{self, refer};
use crate::body::BodyFault;
use crate::body::multipart::Form;
use crate::path_args::PathArgs;
use crate::schema;

const GROUP: &str = "Documents";

/// Names of kinds and labels are short.
const TEXT_LIMIT: u64 = 4 << 10;

/// Further evidence, which has a call of its own.
const EVIDENCE: &str = "videoid_evidence";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(
            "/requests/{pk}/pl_upload_document/",
            Call::UploadDocument,
            upload,
        )
        .about(
            GROUP,
            "Upload a document",
            "JPEG, PNG or PDF. Front, rear and owner replace an earlier one, extras add up.",
        )
        .form(schema::object(
            "",
            vec![
                ("document", schema::bytes("The file."), true),
                (
                    "type",
                    schema::text(
                        "`document_front`, `document_rear`, `document_owner` or \
                             `extra_document`.",
                    ),
                    true,
                ),
            ],
        ))
        .creates(
            refer("Document"),
            json!({ "pk": 401, "type": "document_front" }),
        )
        .refuses(|| upload_refusals("`document` or `type` is missing, or the type is unknown.")),
        Endpoint::post(
            "/requests/{pk}/pl_delete_document/",
            Call::DeleteDocument,
            delete,
        )
        .about(GROUP, "Delete a document", "As JSON or as a form.")
        .json(
            schema::object(
                "",
                vec![(
                    "docpk",
                    schema::loose_number("The document's number."),
                    true,
                )],
            ),
            json!({ "docpk": 401 }),
        )
        .answers(schemas::status(), deleted())
        .refuses(|| {
            vec![
                unknown_request(),
                (
                    Error::UnknownAttachment(401).into(),
                    "The request has no such document.",
                ),
                wrong_parameters("docpk", "`docpk` is missing or no number."),
                wrong_status(
                    Status::EnrollReady,
                    "The request is approved already, or over.",
                ),
                not_permitted(),
            ]
        }),
        Endpoint::post("/requests/{pk}/pl_get_document/", Call::GetDocument, get)
            .about(
                GROUP,
                "Get documents of one type",
                "As JSON or as a form. Empty where none is there. A contract is drawn up on the \
                 fly before the approval; `signed_contract` bears the signatures there are by now.",
            )
            .json(
                schema::object(
                    "",
                    vec![
                        (
                            "type",
                            schema::text(
                                "`document_front`, `document_rear`, `document_owner`, \
                                 `extra_document`, `videoid_evidence`, `contract` or \
                                 `signed_contract`.",
                            ),
                            true,
                        ),
                        (
                            "rao_id",
                            schema::loose_number("The officer whom an unsigned contract names."),
                            false,
                        ),
                    ],
                ),
                json!({ "type": "contract", "rao_id": 30 }),
            )
            .answers(
                schema::array(refer("Document")),
                json!([{ "document": "<base64>", "type": "contract" }]),
            )
            .refuses(|| {
                vec![
                    unknown_request(),
                    wrong_parameters("type", "`type` is missing or unknown."),
                    unknown_officer("`rao_id` names no officer."),
                    (
                        Error::NotPermitted.into(),
                        "The officer may not act for the request's authority.",
                    ),
                    incomplete_subject(),
                ]
            }),
        Endpoint::get(
            "/requests/{pk}/pl_get_documents/",
            Call::GetDocuments,
            get_all,
        )
        .about(
            GROUP,
            "Get all documents",
            "Papers, evidence in their role, and contracts.",
        )
        .answers(
            schema::array(refer("Document")),
            json!([{ "pk": 401, "document": "<base64>", "type": "document_front" }]),
        )
        .refuses(|| vec![unknown_request()]),
        Endpoint::post(
            "/requests/{pk}/generates_tbs_receipt/",
            Call::GetDeclaration,
            declaration,
        )
        .about(
            GROUP,
            "Get the officer's declaration",
            "As plain text. It is signed when the request is approved.",
        )
        .json(
            schema::object(
                "",
                vec![
                    (
                        "rao",
                        schema::loose_number("The officer who will approve."),
                        true,
                    ),
                    ("type", schema::text("`APPROVE`."), true),
                ],
            ),
            json!({ "rao": 30, "type": "APPROVE" }),
        )
        .answers(
            schema::object(
                "",
                vec![
                    (
                        "serial_number",
                        schema::text("Of the officer's certificate."),
                        true,
                    ),
                    ("receipt", schema::text("Lines end in CRLF."), true),
                ],
            ),
            json!({ "serial_number": "00112233445566aa", "receipt": "I, Rosa Oficial Uno,\r\n" }),
        )
        .refuses(|| {
            vec![
                unknown_request(),
                wrong_parameters("rao", "`rao` or `type` is missing or wrong."),
                unknown_officer("`rao` names no officer."),
                wrong_status(Status::VideoPending, "Neither `CREATED` nor `VIDEOREVIEW`."),
                not_permitted(),
            ]
        }),
        Endpoint::post(
            "/requests/{pk}/generate_document/",
            Call::GenerateDocument,
            generate,
        )
        .about(
            GROUP,
            "Generate the contract",
            "The older form: the PDF's bytes as the characters U+0000 to U+00FF of a text. \
             Prefer `pl_get_document`.",
        )
        .json(
            schema::object(
                "",
                vec![(
                    "doctype",
                    schema::text("`contract` or `contract_renew`."),
                    true,
                )],
            ),
            json!({ "doctype": "contract" }),
        )
        .answers(
            schema::object(
                "",
                vec![("document", schema::text("Encode it as Latin-1."), true)],
            ),
            json!({ "document": "%PDF-1.7 …" }),
        )
        .refuses(|| {
            vec![
                unknown_request(),
                wrong_parameters("doctype", "`doctype` is missing or unknown."),
                wrong_status(Status::VideoPending, "There is no contract in this status."),
            ]
        }),
        Endpoint::post(
            "/requests/{pk}/upload_videoid_evidence/",
            Call::UploadVideoIdEvidence,
            upload_evidence,
        )
        .about(
            GROUP,
            "Upload further evidence",
            "A paper beside the filmed identification. `PUT` does the same.",
        )
        .form(schema::object(
            "",
            vec![
                ("document", schema::bytes("JPEG, PNG or PDF."), true),
                ("label", schema::text("What it is."), true),
            ],
        ))
        .creates(
            refer("Document"),
            json!({ "pk": 405, "type": "videoid_evidence" }),
        )
        .refuses(|| upload_refusals("`document` or `label` is missing.")),
        Endpoint::put(
            "/requests/{pk}/upload_videoid_evidence/",
            Call::UploadVideoIdEvidence,
            upload_evidence,
        ),
    ]
}

fn upload_refusals(when: &'static str) -> Vec<Case> {
    vec![
        unknown_request(),
        wrong_parameters("document", when),
        (
            Error::TooManyDocuments {
                request: RequestPk(1001),
                limit: 24,
            }
            .into(),
            "The request would hold more than it may.",
        ),
        (
            Error::ContentType.into(),
            "The file is neither JPEG nor PNG nor PDF.",
        ),
        wrong_status(
            Status::EnrollReady,
            "The request is approved already, or over.",
        ),
        not_permitted(),
    ]
}

fn deleted() -> Value {
    json!({ "status": "Document deleted successfully" })
}

async fn upload(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::UploadDocument, async {
        let caller = door.caller().await?;
        let pk = args.number()?;
        let form = read_form(&door, &headers, body).await?;
        let kind = form.kind.clone().filter(|name| name != EVIDENCE);
        let new = form.attachment(kind.as_deref().unwrap_or_default())?;
        let paper = door.service.attach(&caller, pk, new).await?;
        Ok(created(&receipt(&paper)))
    })
    .await
}

async fn upload_evidence(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::UploadVideoIdEvidence, async {
        let caller = door.caller().await?;
        let pk = args.number()?;
        let form = read_form(&door, &headers, body).await?;
        let new = NewAttachment {
            label: Some(
                form.label
                    .clone()
                    .ok_or_else(|| Fault::wrong("label", "is missing"))?,
            ),
            ..form.attachment(EVIDENCE)?
        };
        let paper = door.service.attach(&caller, pk, new).await?;
        Ok(created(&receipt(&paper)))
    })
    .await
}

/// What a form of an upload brought.
#[derive(Default)]
struct Upload {
    document: Option<Bytes>,
    kind: Option<String>,
    label: Option<String>,
}

impl Upload {
    /// The document under the name of its kind.
    fn attachment(self, kind: &str) -> Result<NewAttachment, Fault> {
        let Some(PaperName::Attachment(kind)) = PaperName::parse(kind) else {
            return Err(Fault::wrong("type", "is missing or unknown"));
        };
        let content = self.document.filter(|content| !content.is_empty());
        Ok(NewAttachment {
            kind,
            label: None,
            content: content.ok_or_else(|| Fault::wrong("document", "is missing"))?,
        })
    }
}

async fn read_form(door: &Door, headers: &HeaderMap, body: Body) -> Result<Upload, BodyFault> {
    let limit = door.service.limits().attachment_bytes;
    let mut form = Form::open(headers, body)?;
    let mut upload = Upload::default();
    while let Some(mut part) = form.next().await? {
        match part.name().as_str() {
            "document" => upload.document = Some(part.read(limit).await?),
            "type" => upload.kind = text(&part.read(TEXT_LIMIT).await?),
            "label" => upload.label = text(&part.read(TEXT_LIMIT).await?),
            _ => part.drain().await?,
        }
    }
    Ok(upload)
}

/// A text that is not blank, without the control characters that no database wants.
fn text(content: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(content);
    let text: String = text.trim().chars().filter(|c| !c.is_control()).collect();
    Some(text).filter(|text| !text.is_empty())
}

async fn delete(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::DeleteDocument, async {
        let caller = door.caller().await?;
        let pk = args.number()?;
        let mut fields = door.fields(&headers, body).await?;
        let docpk = fields.required("docpk");
        fields.check(&[])?;
        let number = docpk
            .parse()
            .map_err(|_| Fault::wrong("docpk", "must be a number"))?;
        door.service.detach(&caller, pk, number).await?;
        Ok(ok(&deleted()))
    })
    .await
}

async fn get(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::GetDocument, async {
        let caller = door.caller().await?;
        let pk = args.number()?;
        let mut fields = door.fields(&headers, body).await?;
        let (name, rao) = (fields.required("type"), fields.text("rao_id"));
        fields.check(&[])?;
        let name = PaperName::parse(&name).ok_or_else(|| Fault::wrong("type", "is unknown"))?;
        let papers = door
            .service
            .papers(&caller, pk, name, rao.as_deref())
            .await?;
        Ok(ok(&papers.iter().map(paper).collect()))
    })
    .await
}

async fn get_all(door: Door, args: PathArgs) -> Response {
    door.answer(Call::GetDocuments, async {
        let caller = door.caller().await?;
        let papers = door.service.all_papers(&caller, args.number()?).await?;
        Ok(ok(&papers.iter().map(paper).collect()))
    })
    .await
}

async fn declaration(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::GetDeclaration, async {
        let caller = door.caller().await?;
        let pk = args.number()?;
        let mut fields = door.fields(&headers, body).await?;
        let rao = fields.required("rao");
        let kind = fields.required("type");
        fields.check(&[])?;
        if !kind.eq_ignore_ascii_case("APPROVE") {
            return Err(Fault::wrong("type", "must be APPROVE"));
        }
        let declaration = door.service.declaration(&caller, pk, &rao).await?;
        Ok(ok(&json!({
            "serial_number": declaration.serial_number,
            "receipt": declaration.text,
        })))
    })
    .await
}

async fn generate(door: Door, args: PathArgs, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::GenerateDocument, async {
        let caller = door.caller().await?;
        let pk = args.number()?;
        let mut fields = door.fields(&headers, body).await?;
        let kind = fields.required("doctype");
        fields.check(&[])?;
        let renewal = match kind.as_str() {
            "contract" => false,
            "contract_renew" => true,
            _ => return Err(Fault::wrong("doctype", "is unknown")),
        };
        let contract = door.service.contract_paper(&caller, pk, renewal).await?;
        let document: String = contract.iter().copied().map(char::from).collect();
        Ok(ok(&json!({ "document": document })))
    })
    .await
}

/// A paper with its content.
fn paper(copy: &PaperCopy) -> Value {
    let mut object = receipt(copy);
    object["document"] = STANDARD.encode(&copy.content).into();
    object
}

fn receipt(copy: &PaperCopy) -> Value {
    let mut object = json!({});
    if let Some(number) = copy.number {
        object["pk"] = number.into();
    }
    object["type"] = copy.kind.into();
    object
}
