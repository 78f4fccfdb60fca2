//! An installation, opened for one command of its operator.

use anyhow::bail;
use crypto::MasterKey;
use service::Service;
use service::registration::Caller;

use crate::app::{App, Messages};
use crate::cli;
use crate::config::Config;
use crate::installation::Keys;
use crate::key_home::KeyHome;
use crate::sandbox;

/// The configuration of the installation or the sandbox.
pub fn configuration_of(place: &cli::Place) -> anyhow::Result<Config> {
    match (&place.config, &place.dir) {
        (Some(file), _) => Config::load(file),
        (None, Some(dir)) => sandbox::configuration_of(dir),
        (None, None) => bail!("either --config or --dir is needed"),
    }
}

/// An installation, opened for one command.
pub struct Office {
    app: App,
    /// The operator, who sees and may do everything.
    pub operator: Caller,
    /// The key that wraps every other one.
    pub master: MasterKey,
    /// The root's certificate, DER.
    pub root: Vec<u8>,
}

impl Office {
    /// Opens the installation or the sandbox.
    pub async fn open(place: &cli::Place) -> anyhow::Result<Self> {
        let config = configuration_of(place)?;
        let keys = Keys::load(&config.storage.keys, KeyHome::open(&config)?)?;
        let (master, root) = (keys.master.clone(), keys.authorities.root.clone());
        let app = App::open(&config, keys, Messages::AsConfigured).await?;
        let operator = app.service.operator().await?;
        Ok(Self {
            app,
            operator,
            master,
            root,
        })
    }

    /// The use cases.
    pub fn service(&self) -> &Service {
        &self.app.service
    }

    /// Closes the stores.
    pub async fn close(self) {
        self.app.close().await;
    }
}
