//! Listening: the accept loop, TLS, and an orderly end.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::quiet::Watched;

/// How long a client may take over its request's head, and over the TLS handshake.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// How long nothing may move on a connection. Longer than any call takes that the server works on
/// in silence.
const QUIET: Duration = Duration::from_secs(120);
/// How long requests under way may take to finish once the server is told to stop.
const GRACE: Duration = Duration::from_secs(20);

/// A bound listener, ready to accept.
pub struct Server {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    max_connections: usize,
}

impl Server {
    /// Binds. An address beyond loopback needs TLS, or a proxy in front that brings it.
    pub async fn bind(config: &config::Server) -> anyhow::Result<Self> {
        if !config.listen.ip().is_loopback() && config.tls.is_none() && !config.behind_proxy {
            bail!(
                "listening on {} would carry passwords in the clear: set server.tls to PEM files, \
                 or pass --behind-proxy if a reverse proxy in front ends TLS",
                config.listen
            );
        }
        let tls = config.tls.as_ref().map(acceptor).transpose()?;
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("cannot listen on {}", config.listen))?;
        Ok(Self {
            listener,
            tls,
            max_connections: config.max_connections,
        })
    }

    /// The address in use; the port is known now even if 0 was asked for.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Serves until `stop`, then lets requests under way finish.
    pub async fn run(self, router: Router, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(self.max_connections));
        let graceful = GracefulShutdown::new();
        loop {
            let place = tokio::select! {
                place = Arc::clone(&places).acquire_owned() => place,
                () = stop.cancelled() => break,
            };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stop.cancelled() => break,
            };
            let (Ok(place), Ok((stream, _))) = (place, accepted) else {
                // Out of file descriptors, most likely: some will close.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let connection = Connection {
                router: router.clone(),
                watcher: graceful.watcher(),
                _place: place,
            };
            tokio::spawn(connection.serve(stream, self.tls.clone()));
        }
        drop(self.listener);
        if tokio::time::timeout(GRACE, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("some requests did not end in time and were cut off");
        }
    }
}

struct Connection {
    router: Router,
    watcher: Watcher,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    async fn serve(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        // Small answers must not wait for Nagle; a socket that refuses still works.
        let _ = stream.set_nodelay(true);
        // The protocol is told apart by the first bytes, and no head is late before that.
        match tokio::time::timeout(HEAD_TIMEOUT, stream.peek(&mut [0])).await {
            Ok(Ok(1..)) => {}
            Ok(Ok(0) | Err(_)) | Err(_) => return,
        }
        let stream = Watched::new(stream, QUIET);
        match tls {
            None => self.speak(stream).await,
            Some(tls) => match tokio::time::timeout(HEAD_TIMEOUT, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.speak(stream).await,
                Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
                Err(_) => tracing::debug!("TLS handshake took too long"),
            },
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
        let service = TowerToHyperService::new(self.router);
        let connection = builder
            .serve_connection(TokioIo::new(stream), service)
            .into_owned();
        let connection = self.watcher.watch(connection);
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection ended");
        }
    }
}

fn acceptor(tls: &config::Tls) -> anyhow::Result<TlsAcceptor> {
    let chain = certificates(&tls.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .with_context(|| format!("server.tls.key {}", tls.key.display()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("server.tls: certificate and key")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let context = || format!("server.tls.certificate {}", path.display());
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .with_context(context)?
        .collect::<Result<_, _>>()
        .with_context(context)?;
    if chain.is_empty() {
        bail!("{}: no certificate in it", context());
    }
    Ok(chain)
}
