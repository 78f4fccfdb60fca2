//! `avouch demo`: the whole workflow on a fresh sandbox, step by step.

mod client;
mod inspection;
mod workflow;

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use tokio_util::sync::CancellationToken;

use crate::app::StopSignals;
use crate::cli;
use crate::config::{Log, LogFormat};
use crate::logging;
use crate::sandbox::Sandbox;

/// Plays the workflow, verifies what came out, and leaves it in `DIR/out`.
pub async fn run(options: cli::Demo) -> anyhow::Result<()> {
    logging::start(&Log {
        level: "warn".to_owned(),
        format: LogFormat::Text,
    })?;
    let empty = options
        .dir
        .read_dir()
        .map_or(true, |mut entries| entries.next().is_none());
    ensure!(
        empty,
        "{} is not empty: a demo starts in a fresh folder",
        options.dir.display()
    );

    let sandbox = Sandbox::open(&cli::Sandbox {
        dir: options.dir.clone(),
        listen: options.listen,
        registration_listen: None,
        webhook_url: None,
        webhook_format: "event".to_owned(),
        webhook_secret: None,
        database: None,
        max_video_mib: None,
    })
    .await?;
    let description = sandbox.description.clone();
    let stop = CancellationToken::new();
    let running = tokio::spawn(sandbox.serve(stop.clone()));

    println!("Avouch demo on {}", description.base_url);
    println!();
    let out = options.dir.join("out");
    std::fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    let played = workflow::play(&description, &out).await;
    let outcome = match played {
        Ok(files) => inspection::inspect(&files, &description.root_certificate),
        Err(error) => Err(error),
    };

    if outcome.is_ok() {
        let signals = StopSignals::listen()?;
        report(&options.dir, &description.base_url, options.exit);
        if !options.exit {
            signals.first().await;
        }
    }
    stop.cancel();
    running.await?;
    outcome
}

fn report(dir: &Path, base_url: &str, exits: bool) {
    let out = std::path::absolute(dir.join("out")).unwrap_or_else(|_| PathBuf::from("out"));
    println!();
    println!(
        "The signed documents and summary.json lie in {}",
        out.display()
    );
    println!("  open {}", out.join("agreement.pdf").display());
    println!("  open {}", out.join("contract.pdf").display());
    println!(
        "  trust {} to see the signatures as valid",
        dir.join("keys/root.crt").display()
    );
    if !exits {
        println!("  open {base_url}/docs for the API");
        println!(
            "  read {} for URLs and credentials",
            dir.join("sandbox.json").display()
        );
        println!();
        println!("The sandbox stays up. Press Ctrl-C to stop it.");
    }
}
