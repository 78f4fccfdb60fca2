//! `GET /contract/{pk}`: the service contract of a certificate.

use axum::http::Uri;
use axum::response::Response;
use model::Status;
use service::{DocumentCopy, Error};

use super::documents;
use super::door::Door;
use super::endpoint::Endpoint;
use super::refusal::Call;
use crate::path_args::PathArgs;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(Call::GetContract, get)
            .paths(&["/contract/{pk}"], &["/document/{pk}/contract"])
            .about(
                "Contract",
                "Get the contract",
                "From `ENROLLREADY` on, with every signature it bears by then; with \
                 `document_type=original`, as it was drawn up. Show it to the signer with the \
                 documents: it is signed with them.",
            )
            .query("document_type", "Which copy.", &["signed", "original"])
            .answers_bytes(&["application/pdf"], "The contract.", false)
            .refuses(|| {
                vec![
                    (documents::wrong_copy(), "There is no such copy."),
                    (
                        Error::UnknownRequest("7".into()).into(),
                        "No request has this number.",
                    ),
                    (
                        Error::WrongStatus(Status::VideoReview).into(),
                        "The request is not approved yet.",
                    ),
                ]
            }),
    ]
}

async fn get(door: Door, args: PathArgs, uri: Uri) -> Response {
    door.answer(Call::GetContract, async {
        let original = documents::copy_in_query(&uri)? == Some(DocumentCopy::Original);
        Ok(documents::download(
            door.service.contract(args.pk()?, original).await?,
        ))
    })
    .await
}
