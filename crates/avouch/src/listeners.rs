//! The listeners of an installation: the main one, and the Registration Authority API's.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use axum::Router;
use time::Duration;

use crate::app::App;
use crate::config::Config;
use crate::server::Server;
use crate::server::tls::{Clients, Identity};

/// How long a certificate of our own CA for a listener is valid. A new one is made at every start.
const IDENTITY_LASTS: Duration = Duration::days(397);

/// Binds the main listener. An address beyond loopback needs TLS, or a proxy in front that brings
/// it.
pub async fn main_server(config: &Config) -> anyhow::Result<Server> {
    let server = &config.server;
    if !server.listen.ip().is_loopback() && server.tls.is_none() && !server.behind_proxy {
        bail!(
            "listening on {} would carry passwords in the clear: set server.tls to PEM files, \
             or pass --behind-proxy if a reverse proxy in front ends TLS",
            server.listen
        );
    }
    let acceptor = |tls| {
        Identity::read(tls, "server.tls")?
            .acceptor(Clients::Anyone)
            .context("server.tls: certificate and key")
    };
    let tls = server.tls.as_ref().map(acceptor).transpose()?;
    let bound = Server::bind(server.listen, server.max_connections).await?;
    Ok(bound.with_tls(tls))
}

/// The Registration Authority API's listener.
pub struct RegistrationServer {
    /// It.
    pub server: Server,
    /// The doors behind it.
    pub router: Router,
    /// Where clients reach it, without a trailing slash.
    pub base_url: String,
}

/// Binds the Registration Authority API's listener to `listen`.
pub async fn registration_server(
    config: &Config,
    app: &App,
    listen: SocketAddr,
) -> anyhow::Result<RegistrationServer> {
    let api = &config.registration_authority;
    if !listen.ip().is_loopback() && api.plain && !config.server.behind_proxy {
        bail!(
            "registration_authority.plain on {listen} would carry secrets in the clear: leave it \
             out, or pass --behind-proxy if a reverse proxy in front ends TLS"
        );
    }
    let bound = Server::bind(listen, config.server.max_connections)
        .await
        .context("registration_authority.listen")?;
    let address = bound.address()?;
    let identity = match &api.tls {
        _ if api.plain => None,
        Some(tls) => Some(Identity::read(tls, "registration_authority.tls")?),
        None => {
            let names = api.names_of(address);
            let issued = app.service.server_identity(&names, IDENTITY_LASTS).await?;
            Some(Identity::issued(&issued))
        }
    };
    let acceptor = |identity: Identity| {
        identity
            .acceptor(Clients::AskedForCertificate)
            .context("registration_authority.tls: certificate and key")
    };
    let base_url = api.url_at(address);
    Ok(RegistrationServer {
        server: bound.with_tls(identity.map(acceptor).transpose()?),
        router: app.registration_router(config, base_url.clone())?,
        base_url,
    })
}
