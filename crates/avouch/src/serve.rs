//! `avouch serve`.

use tokio_util::sync::CancellationToken;

use crate::app::{App, StopSignals, Texts};
use crate::cli;
use crate::config::Config;
use crate::installation::Keys;
use crate::logging;
use crate::server::Server;

/// Runs an installation until it is told to stop.
pub async fn run(options: cli::Serve) -> anyhow::Result<()> {
    let mut config = Config::load(&options.config)?;
    if let Some(listen) = options.listen {
        config.server.listen = listen;
    }
    config.server.behind_proxy |= options.behind_proxy;
    logging::start(&config.log)?;

    let keys = Keys::load(&config.storage.keys)?;
    let app = App::open(&config, keys, Texts::AsConfigured).await?;
    let server = Server::bind(&config.server).await?;
    let signals = StopSignals::listen()?;
    let address = server.address()?;
    tracing::info!(%address, public_url = %config.server.public_url, "serving");
    if config.one_shot.api_keys.is_empty() && !address.ip().is_loopback() {
        tracing::warn!("the One-Shot doors are open to everybody: one_shot.api_keys is empty");
    }
    if config.otp.sms_gateway.is_none() {
        tracing::warn!("no code can be sent: otp.sms_gateway is not configured");
    }

    let stop = CancellationToken::new();
    let router = app.router(&config);
    let running = tokio::spawn(app.run(server, router, stop.clone()));
    signals.first().await;
    tracing::info!("stopping");
    stop.cancel();
    running.await?;
    Ok(())
}
