//! What every endpoint holds in its hands.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use service::registration::{Caller, ClientRefusal};
use service::{Error, Service};

use super::config::RegistrationDoorConfig;
use super::failure_id;
use super::peer::{self, Peer, Unreadable};
use super::refusal::{Call, Fault};
use crate::body::json::{Fields, read_fields};
use crate::layers::request_id::RequestId;
use crate::path_args::PathArgs;

/// What the routes share.
#[derive(Clone)]
pub(crate) struct DoorState {
    pub(crate) service: Service,
    pub(crate) config: Arc<RegistrationDoorConfig>,
}

/// The door that one request came through.
pub(crate) struct Door {
    pub(crate) service: Service,
    pub(crate) config: Arc<RegistrationDoorConfig>,
    certificate: Result<Option<Vec<u8>>, Unreadable>,
    failure: String,
}

impl Door {
    /// The API user who calls.
    pub(crate) async fn caller(&self) -> Result<Caller, Fault> {
        let caller = self.caller_if_any().await?;
        caller.ok_or_else(|| Error::UnknownClient(ClientRefusal::Missing).into())
    }

    /// The API user who calls, where a certificate is shown at all.
    pub(crate) async fn caller_if_any(&self) -> Result<Option<Caller>, Fault> {
        match self.certificate.as_ref().map_err(|fault| *fault)? {
            Some(certificate) => Ok(Some(self.service.caller(certificate).await?)),
            None => Ok(None),
        }
    }

    /// Does the work and puts its outcome into the API's form.
    pub(crate) async fn answer(
        &self,
        call: Call,
        work: impl Future<Output = Result<Response, Fault>>,
    ) -> Response {
        match work.await {
            Ok(done) => done,
            Err(fault) => self.refuse(call, fault),
        }
    }

    /// Puts a fault into the form that `call` has for it.
    pub(crate) fn refuse(&self, call: Call, fault: Fault) -> Response {
        let internal = match &fault {
            Fault::Service(Error::Internal(text)) => Some(text.clone()),
            _ => None,
        };
        let refusal = fault.refusal(call);
        let failure = self.failure.as_str();
        if refusal.is_ours() {
            let error = internal.as_deref().unwrap_or(&refusal.error);
            tracing::error!(call = ?call, failure, error, "failed");
        } else {
            tracing::info!(call = ?call, failure, status = refusal.status.as_u16(), "refused");
        }
        refusal.into_response(failure, self.config.strict_http)
    }

    /// The members of the body: JSON, or one of the two kinds of form.
    pub(crate) async fn fields(&self, headers: &HeaderMap, body: Body) -> Result<Fields, Fault> {
        let limit = self.service.limits().json_bytes;
        Ok(Fields::new(read_fields(headers, body, limit).await?))
    }
}

impl FromRequestParts<DoorState> for Door {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &DoorState) -> Result<Self, Infallible> {
        let DoorState { service, config } = state.clone();
        let peer = parts.extensions.get::<Peer>();
        Ok(Self {
            certificate: peer::certificate(peer, &parts.headers, config.forwarded.as_ref()),
            failure: failure_id::of(parts.extensions.get::<RequestId>()),
            service,
            config,
        })
    }
}

impl PathArgs {
    /// The number of a request, scratchcard, authority, officer or user. One that is too large for
    /// any is still a number.
    pub(super) fn number(&self) -> Result<i64, Fault> {
        let text = self.raw("pk");
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Fault::MalformedNumber);
        }
        Ok(text.parse().unwrap_or(i64::MAX))
    }
}

/// 200 with JSON.
pub(super) fn ok(body: &Value) -> Response {
    json(StatusCode::OK, body)
}

/// 201 with JSON.
pub(super) fn created(body: &Value) -> Response {
    json(StatusCode::CREATED, body)
}

fn json(status: StatusCode, body: &Value) -> Response {
    (status, axum::Json(body)).into_response()
}
