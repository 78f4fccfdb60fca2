//! What every endpoint holds in its hands.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use service::{Error, Service};

use super::dialect::{Dialect, Refusal, Success};
use super::refusal::{Call, Fault};
use crate::body::json::{Fields, read_object};
use crate::config::DoorConfig;
use crate::layers::request_id::RequestId;

/// What the routes of one dialect share.
#[derive(Clone)]
pub(crate) struct DoorState {
    pub(crate) service: Service,
    pub(crate) config: Arc<DoorConfig>,
    pub(crate) dialect: Dialect,
}

/// The door that one request came through.
pub(crate) struct Door {
    pub(crate) service: Service,
    pub(crate) config: Arc<DoorConfig>,
    pub(crate) dialect: Dialect,
    request_id: Option<RequestId>,
}

impl Door {
    /// Does the work and puts its outcome into the dialect's words.
    pub(crate) async fn answer<T: IntoAnswer>(
        &self,
        call: Call,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Response {
        match work.await {
            Ok(done) => done.into_answer(self.dialect),
            Err(fault) => self.refuse(call, fault),
        }
    }

    /// Puts a fault into the words that `call` has for it.
    pub(crate) fn refuse(&self, call: Call, fault: Fault) -> Response {
        let internal = match &fault {
            Fault::Service(Error::Internal(text)) => Some(text.clone()),
            _ => None,
        };
        let clients_fault = fault.is_clients();
        let mut refusal = fault.refusal(call);
        if refusal.status.is_server_error() && !clients_fault {
            let error = internal.unwrap_or_else(|| refusal.text.clone());
            if refusal.passes() {
                tracing::warn!(call = ?call, error, "refused");
            } else {
                tracing::error!(call = ?call, error, "failed");
            }
            refusal = refusal.with_id(self.request_id.clone());
        }
        refusal.into_response(self.dialect)
    }

    /// The body as an object of leniently typed members.
    pub(crate) async fn fields(&self, headers: &HeaderMap, body: Body) -> Result<Fields, Fault> {
        Ok(Fields::new(
            read_object(headers, body, self.service.limits().json_bytes).await?,
        ))
    }
}

impl FromRequestParts<DoorState> for Door {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &DoorState) -> Result<Self, Infallible> {
        let DoorState {
            service,
            config,
            dialect,
        } = state.clone();
        let request_id = parts.extensions.get().cloned();
        Ok(Self {
            service,
            config,
            dialect,
            request_id,
        })
    }
}

/// What an endpoint may answer when all went well.
pub(crate) trait IntoAnswer {
    /// The answer in the dialect's form.
    fn into_answer(self, dialect: Dialect) -> Response;
}

impl IntoAnswer for Success {
    fn into_answer(self, dialect: Dialect) -> Response {
        self.into_response(dialect)
    }
}

impl IntoAnswer for Response {
    fn into_answer(self, _dialect: Dialect) -> Response {
        self
    }
}

/// Lets a request pass only with a key, where the operator has set any.
pub(crate) async fn demand_key(
    State(state): State<DoorState>,
    request: Request,
    next: Next,
) -> Response {
    if state.config.keys.admit(request.headers()) {
        return next.run(request).await;
    }
    let text = "Missing or unknown API key";
    Refusal::new(StatusCode::UNAUTHORIZED, text).into_response(state.dialect)
}
