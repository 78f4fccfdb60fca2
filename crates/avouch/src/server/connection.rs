//! One connection: the handshake, and the requests that come over it.

use std::net::IpAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use http_doors::Peer;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::Watcher;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::TlsAcceptor;

use super::quiet::Watched;

/// How long a client may take over its request's head, and over the TLS handshake.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// How long nothing may move on a connection. Longer than any call takes that the server works on
/// in silence.
const QUIET: Duration = Duration::from_secs(120);

/// A connection, with the place that it takes.
pub struct Connection {
    router: Router,
    peer: Peer,
    watcher: Watcher,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    /// One that came from `address`.
    pub fn new(
        router: Router,
        address: IpAddr,
        watcher: Watcher,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let peer = Peer {
            address,
            certificate: None,
        };
        Self {
            router,
            peer,
            watcher,
            _place: place,
        }
    }

    /// Serves it to its end.
    pub async fn serve(mut self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        // Small answers must not wait for Nagle; a socket that refuses still works.
        let _ = stream.set_nodelay(true);
        // The protocol is told apart by the first bytes, and no head is late before that.
        match tokio::time::timeout(HEAD_TIMEOUT, stream.peek(&mut [0])).await {
            Ok(Ok(1..)) => {}
            Ok(Ok(0) | Err(_)) | Err(_) => return,
        }
        let stream = Watched::new(stream, QUIET);
        let Some(tls) = tls else {
            return self.speak(stream).await;
        };
        match tokio::time::timeout(HEAD_TIMEOUT, tls.accept(stream)).await {
            Ok(Ok(stream)) => {
                let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
                self.peer.certificate = shown.first().map(|certificate| certificate.to_vec());
                self.speak(stream).await;
            }
            Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
            Err(_) => tracing::debug!("TLS handshake took too long"),
        }
    }

    async fn speak<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(self, stream: S) {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .http2()
            .timer(TokioTimer::new());
        let service = Introducing {
            peer: self.peer,
            router: TowerToHyperService::new(self.router),
        };
        let connection = builder
            .serve_connection(TokioIo::new(stream), service)
            .into_owned();
        let connection = self.watcher.watch(connection);
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection ended");
        }
    }
}

/// Tells the router with each request who is at the other end.
struct Introducing {
    peer: Peer,
    router: TowerToHyperService<Router>,
}

impl Service<Request<Incoming>> for Introducing {
    type Response = Response;
    type Error = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Error;
    type Future = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer.clone());
        self.router.call(request)
    }
}
