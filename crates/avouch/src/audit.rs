//! `avouch audit`.

use std::path::Path;

use anyhow::ensure;
use secrecy::ExposeSecret;
use store::Store;

use crate::cli;
use crate::config::Config;

/// Verifies the chain and says how far it reaches.
pub async fn run(options: cli::Audit) -> anyhow::Result<()> {
    let url = match (options.database, options.config) {
        (Some(url), _) => url,
        (None, Some(path)) => Config::load(&path)?
            .storage
            .database
            .expose_secret()
            .to_owned(),
        (None, None) => unreachable!("the command line demands one of the two"),
    };
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = Path::new(path);
        ensure!(path.exists(), "there is no database {}", path.display());
    }
    let store = Store::open(&url).await?;
    let verified = store::audit::verify(&store).await?;
    println!("{} entries, each fits the one before it", verified.entries);
    println!("head {}", hex::encode(verified.head));
    Ok(())
}
