//! A loopback HTTP server that records what reaches it: the far end of webhooks and SMS gateways.

use std::collections::VecDeque;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// One request, as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// What the sink answered; `None` while it keeps the sender waiting.
    pub answered: Option<StatusCode>,
}

impl Received {
    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// When it is not, with the body.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("no JSON ({error}): {}", String::from_utf8_lossy(&self.body))
        })
    }

    /// A header's value; empty when it is missing or no text.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// The server; it stops when dropped.
///
/// It answers 200 until told otherwise. Instructions apply to the next requests, in the order in
/// which they were given, one each.
#[derive(Debug)]
pub struct HttpSink {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl HttpSink {
    /// Starts listening on a random port of 127.0.0.1, within the runtime of the caller.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port on the loopback interface");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            records: watch::Sender::new(Vec::new()),
            released: watch::Sender::new(false),
            replies: Mutex::default(),
            handler: Mutex::default(),
        });
        let router = Router::new()
            .fallback(receive)
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self {
            address,
            shared,
            server,
        }
    }

    /// The address of a path, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Answers the next `times` requests with this status and body.
    pub fn answer_next(&self, times: usize, status: StatusCode, body: impl Into<Bytes>) {
        let body = body.into();
        let reply = Reply::Answer(status, HeaderMap::new(), body);
        lock(&self.shared.replies).extend(std::iter::repeat_n(reply, times));
    }

    /// Answers the next request with this body.
    pub fn serve_next(&self, body: impl Into<Bytes>) {
        self.answer_next(1, StatusCode::OK, body);
    }

    /// Fails the next `times` requests with 500.
    pub fn fail_next(&self, times: usize) {
        self.answer_next(times, StatusCode::INTERNAL_SERVER_ERROR, "told to fail");
    }

    /// Redirects the next request to this address.
    pub fn redirect_next(&self, location: &str) {
        let mut headers = HeaderMap::new();
        headers.insert(
            "location",
            location.parse().expect("an address is a header value"),
        );
        let reply = Reply::Answer(StatusCode::TEMPORARY_REDIRECT, headers, Bytes::new());
        lock(&self.shared.replies).push_back(reply);
    }

    /// Keeps the next `times` requests waiting until [`HttpSink::release`].
    pub fn hold_next(&self, times: usize) {
        self.shared.released.send_replace(false);
        lock(&self.shared.replies).extend(std::iter::repeat_n(Reply::Hold, times));
    }

    /// Answers all that wait with 200.
    pub fn release(&self) {
        self.shared.released.send_replace(true);
    }

    /// Runs this for every request before it is answered, as clients do that call back from
    /// inside their handler.
    pub fn on_request<F, R>(&self, handler: F)
    where
        F: Fn(Received) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        *lock(&self.shared.handler) = Some(Arc::new(move |received| Box::pin(handler(received))));
    }

    /// Everything received so far, in order of arrival.
    pub fn received(&self) -> Vec<Received> {
        self.shared.records.borrow().clone()
    }

    /// Waits until at least `count` requests have arrived, and been answered unless told to hold.
    ///
    /// # Panics
    ///
    /// After a minute, with what did arrive.
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        let mut records = self.shared.records.subscribe();
        let enough = records.wait_for(|records| records.len() >= count);
        match tokio::time::timeout(Duration::from_secs(60), enough).await {
            Ok(Ok(records)) => records.clone(),
            _ => panic!("waited for {count} requests, got {:#?}", self.received()),
        }
    }
}

impl Drop for HttpSink {
    fn drop(&mut self) {
        self.server.abort();
    }
}

type Handler = Arc<dyn Fn(Received) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

struct Shared {
    records: watch::Sender<Vec<Received>>,
    released: watch::Sender<bool>,
    replies: Mutex<VecDeque<Reply>>,
    handler: Mutex<Option<Handler>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

#[derive(Clone)]
enum Reply {
    Answer(StatusCode, HeaderMap, Bytes),
    Hold,
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let reply = lock(&shared.replies).pop_front();
    let reply = reply.unwrap_or(Reply::Answer(
        StatusCode::OK,
        HeaderMap::new(),
        Bytes::new(),
    ));
    let answered = match &reply {
        Reply::Answer(status, ..) => Some(*status),
        Reply::Hold => None,
    };
    let received = Received {
        method,
        uri,
        headers,
        body,
        answered,
    };

    let handler = lock(&shared.handler).clone();
    if let Some(handler) = handler {
        handler(received.clone()).await;
    }
    shared.records.send_modify(|records| records.push(received));
    match reply {
        Reply::Answer(status, headers, body) => (status, headers, body).into_response(),
        Reply::Hold => {
            let _ = shared
                .released
                .subscribe()
                .wait_for(|released| *released)
                .await;
            StatusCode::OK.into_response()
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
