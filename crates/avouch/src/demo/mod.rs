//! `avouch demo`: both workflows on a fresh sandbox, step by step.

mod client;
mod inspection;
mod one_shot;
mod outbox;
mod registration;
mod revocation;
mod subscriber;
mod upload;

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use tokio_util::sync::CancellationToken;

use crate::app::StopSignals;
use crate::cli;
use crate::config::{KeyKind, Log, LogFormat};
use crate::logging;
use crate::sandbox::{Description, Sandbox};

/// Plays the workflows, verifies what came out, and leaves it in `DIR/out`.
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
        key_algorithm: KeyKind::default(),
    })
    .await?;
    let description = sandbox.description.clone();
    let stop = CancellationToken::new();
    let running = tokio::spawn(sandbox.serve(stop.clone()));

    println!("Avouch demo on {}", description.base_url);
    let out = options.dir.join("out");
    std::fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    let outcome = play(&description, &out).await;

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

/// Plays one workflow after the other and inspects what each left.
async fn play(sandbox: &Description, out: &Path) -> anyhow::Result<()> {
    let files = one_shot::play(sandbox, out).await?;
    inspection::inspect(&files, &sandbox.root_certificate)?;
    let played = registration::play(sandbox, out).await?;
    inspection::inspect(&played.files, &sandbox.root_certificate)?;
    revocation::show(&played.certificate, sandbox).await
}

/// Leaves a file in `out`.
fn keep(out: &Path, name: &str, content: &[u8]) -> anyhow::Result<PathBuf> {
    let path = out.join(name);
    std::fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn report(dir: &Path, base_url: &str, exits: bool) {
    let out = std::path::absolute(dir.join("out")).unwrap_or_else(|_| PathBuf::from("out"));
    println!();
    println!(
        "The signed documents and summaries lie in {}",
        out.display()
    );
    println!("  open {}", out.join("agreement.pdf").display());
    println!("  open {}", out.join("contract.pdf").display());
    println!("  open {}", out.join("registration-contract.pdf").display());
    println!("  open {}", out.join("cloud-agreement.pdf").display());
    println!(
        "  trust {} to see the signatures as valid",
        dir.join("keys/root.crt").display()
    );
    if !exits {
        println!("  open {base_url}/docs for the API");
        println!("  open {base_url}/sign for the signing page");
        println!(
            "  read {} for URLs and credentials",
            dir.join("sandbox.json").display()
        );
        println!();
        println!("The sandbox stays up. Press Ctrl-C to stop it.");
    }
}
