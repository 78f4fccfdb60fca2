//! `GET /async/status/{pk}`: how far a request has come that is worked on in the background.

use axum::response::Response;
use service::{Error, Progress};

use super::dialect::Success;
use super::door::Door;
use super::endpoint::Endpoint;
use super::refusal::Call;
use super::schema;
use crate::path_args::PathArgs;

pub(super) fn endpoints() -> Vec<Endpoint> {
    let progress = schema::one_of(
        "How far it has come; `Unknown` where the request is not asynchronous.",
        &[
            "created", "approved", "signing", "signed", "error", "Unknown",
        ],
    );
    vec![
        Endpoint::get(Call::AsyncStatus, status)
            .paths(&["/async/status/{pk}"], &["/async/status/{pk}"])
            .about(
                "Requests",
                "Get the progress of an asynchronous request",
                "`error`: the approval or the signature failed and is not tried again; the new \
                 dialect says why in `reason`. The request stays where it was.",
            )
            .answers_each(
                Some(progress.clone()),
                Some(progress),
                success(50231, Progress::Approved),
            )
            .refuses(|| {
                vec![(
                    Error::UnknownRequest("7".into()).into(),
                    "No request has this number.",
                )]
            }),
    ]
}

async fn status(door: Door, args: PathArgs) -> Response {
    door.answer(Call::AsyncStatus, async {
        let pk = args.pk()?;
        Ok(success(pk, door.service.progress(pk).await?))
    })
    .await
}

fn success(pk: i64, progress: Progress) -> Success {
    let (word, reason) = match progress {
        Progress::Unknown => ("Unknown", None),
        Progress::Created => ("created", None),
        Progress::Approved => ("approved", None),
        Progress::Signing => ("signing", None),
        Progress::Signed => ("signed", None),
        Progress::Failed(reason) => ("error", Some(reason)),
    };
    let success = Success::payload(format!("Progress of Request {pk}"), word.into());
    match reason {
        Some(reason) => success.with_reason(reason),
        None => success,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::one_shot::Dialect;

    #[test]
    fn the_payload_is_a_word_and_the_new_dialect_says_why_it_is_error() {
        let failed = success(7, Progress::Failed("wrong officer credentials".into()));
        assert_eq!(
            failed.clone().body(Dialect::Legacy),
            json!({ "status": "200 OK", "details": "error" })
        );
        assert_eq!(
            failed.body(Dialect::New),
            json!({
                "status": "success", "message": "Progress of Request 7", "detail": "error",
                "details": "error", "reason": "wrong officer credentials",
            })
        );
    }
}
