//! The sandbox's Registration Authority API: its listener, its client, its scratchcards.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use axum::Router;
use model::RaId;
use model::authority::Permissions;
use url::Url;

use super::{RaoDescription, RegistrationDescription};
use crate::app::App;
use crate::config::Config;
use crate::listeners::{RegistrationServer, registration_server};
use crate::registration::users::ClientFiles;
use crate::server::Server;

/// As many scratchcards no request has used up at least, at each start.
const FREE_SCRATCHCARDS: i64 = 200;
/// Days for which the client's certificate is valid.
const CLIENT_DAYS: i64 = 730;
const CLIENT: &str = "client";

/// What the API of a sandbox is made of.
pub struct Furnishing<'a> {
    /// The sandbox's folder.
    pub dir: &'a Path,
    /// Its configuration.
    pub config: &'a Config,
    /// Its use cases.
    pub app: &'a App,
    /// Its root's certificate, DER.
    pub root: &'a [u8],
    /// Its registration authority.
    pub ra: RaId,
}

impl Furnishing<'_> {
    /// Binds the listener and sees to it that there are a client and scratchcards.
    pub async fn open(
        &self,
        listen: Option<SocketAddr>,
        known: Option<&RegistrationDescription>,
        rao: &RaoDescription,
    ) -> anyhow::Result<((Server, Router), RegistrationDescription)> {
        let RegistrationServer {
            server,
            router,
            base_url,
        } = self.listener(listen, known).await?;
        let client = self.client().await?;
        let description = RegistrationDescription {
            base_url,
            client_certificate: client.certificate,
            client_key: client.key,
            server_ca: client.server_ca,
            ra: self.ra.0,
            rao_id: rao.id,
            rao_username: rao.username.clone(),
            rao_password: rao.password.clone(),
            rao_pin: rao.pin.clone(),
            free_scratchcards: self.scratchcards().await?,
        };
        Ok(((server, router), description))
    }

    /// On the address that was asked for, or else on the port that it had, or else on any.
    async fn listener(
        &self,
        listen: Option<SocketAddr>,
        known: Option<&RegistrationDescription>,
    ) -> anyhow::Result<RegistrationServer> {
        let (config, app) = (self.config, self.app);
        if let Some(listen) = listen {
            return registration_server(config, app, listen).await;
        }
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let port = known
            .and_then(|known| Url::parse(&known.base_url).ok())
            .and_then(|url| url.port());
        if let Some(port) = port {
            let earlier = SocketAddr::new(any.ip(), port);
            if let Ok(server) = registration_server(config, app, earlier).await {
                return Ok(server);
            }
        }
        registration_server(config, app, any).await
    }

    /// An administrator with files of its own, made once.
    async fn client(&self) -> anyhow::Result<ClientFiles> {
        let folder = self.dir.join("client");
        let files = ClientFiles::named(&folder, CLIENT)?;
        if files.exist() {
            return Ok(files);
        }
        crate::installation::make_private_folder(&folder)?;
        let service = &self.app.service;
        let issued = service
            .issue_user(
                &service.operator().await?,
                self.ra,
                Permissions::Administrator,
                CLIENT,
                CLIENT_DAYS,
            )
            .await?;
        ClientFiles::write(&folder, CLIENT, &issued, self.root)
    }

    /// Makes as many scratchcards as are lacking, and counts.
    async fn scratchcards(&self) -> anyhow::Result<i64> {
        let free = self.app.free_scratchcards(self.ra).await?;
        let lacking = u32::try_from(FREE_SCRATCHCARDS - free).unwrap_or(0);
        if lacking > 0 {
            let service = &self.app.service;
            let operator = service.operator().await?;
            service
                .make_scratchcards(&operator, self.ra, lacking)
                .await
                .context("scratchcards")?;
        }
        Ok(free + i64::from(lacking))
    }
}
