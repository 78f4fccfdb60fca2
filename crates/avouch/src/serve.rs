//! `avouch serve`.

use tokio_util::sync::CancellationToken;

use crate::app::{App, Messages, StopSignals};
use crate::cli;
use crate::config::Config;
use crate::installation::Keys;
use crate::key_home::KeyHome;
use crate::listeners::{main_server, registration_server};
use crate::logging;

/// Runs an installation until it is told to stop.
pub async fn run(options: cli::Serve) -> anyhow::Result<()> {
    let mut config = Config::load(&options.config)?;
    if let Some(listen) = options.listen {
        config.server.listen = listen;
    }
    config.server.behind_proxy |= options.behind_proxy;
    logging::start(&config.log)?;

    let keys = Keys::load(&config.storage.keys, KeyHome::open(&config)?)?;
    let app = App::open(&config, keys, Messages::AsConfigured).await?;
    let server = main_server(&config).await?;
    let registration = match config.registration_authority.listen {
        Some(listen) => Some(registration_server(&config, &app, listen).await?),
        None => None,
    };
    let signals = StopSignals::listen()?;

    let address = server.address()?;
    if let Some(registration) = &registration {
        let address = registration.server.address()?;
        let public_url = &registration.base_url;
        tracing::info!(%address, %public_url, "serving the Registration Authority API");
        if config.mail.smtp.is_none() {
            tracing::warn!("links reach no subscriber: mail.smtp is not configured");
        }
    }
    tracing::info!(%address, public_url = %config.server.public_url, "serving");
    if config.one_shot.api_keys.is_empty() && !address.ip().is_loopback() {
        tracing::warn!("the One-Shot doors are open to everybody: one_shot.api_keys is empty");
    }
    if config.otp.sms_gateway.is_none() {
        tracing::warn!("no code can be sent: otp.sms_gateway is not configured");
    }

    let stop = CancellationToken::new();
    let mut doors = vec![(server, app.router(&config))];
    doors.extend(registration.map(|it| (it.server, it.router)));
    let running = tokio::spawn(app.run(doors, stop.clone()));
    signals.first().await;
    tracing::info!("stopping");
    stop.cancel();
    running.await?;
    Ok(())
}
