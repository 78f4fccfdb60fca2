//! `avouch renew`, and what a running server does of it by itself.

use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use service::{Renewal, Service, due_name};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::cli;
use crate::registration::office::{Office, configuration_of};
use crate::system::SystemClock;

/// How often a running server looks for files that are due.
const LOOK_EVERY: Duration = Duration::from_secs(24 * 3600);

/// Files with less than this left are in need: before that, a running server has renewed its own
/// certificates.
const IN_NEED: time::Duration = time::Duration::days(60);

/// Renews what is due, with a progress bar.
pub async fn run(options: cli::Renew) -> anyhow::Result<()> {
    let config = configuration_of(&options.place)?;
    let days = options
        .within_days
        .unwrap_or(config.signature.renew_before_days);
    let office = Office::open(&options.place).await?;
    let renewed = renew(office.service(), horizon(days), &options).await;
    office.close().await;
    renewed
}

async fn renew(
    service: &Service,
    wanted: OffsetDateTime,
    options: &cli::Renew,
) -> anyhow::Result<()> {
    let before = match options.regardless {
        true => wanted,
        false => service.renewable_before(wanted).await?,
    };
    let count = service.count_archives_due(before).await?;
    if options.dry_run || count == 0 {
        println!("{count} files are due before {}", before.date());
        let beyond = service.count_archives_due(wanted).await? - count;
        return tell_beyond(beyond, wanted);
    }
    let style = "{wide_bar} {pos}/{len} {eta}";
    let bar = ProgressBar::new(count).with_style(ProgressStyle::with_template(style)?);
    let mut walk = service.archives_due(before);
    let (mut renewed, mut failed) = (0_u64, 0_u64);
    loop {
        let page = walk.next_page().await?;
        if page.is_empty() {
            break;
        }
        for due in page {
            match service.renew_archive(&due).await {
                Ok(Renewal::Renewed(_)) => renewed += 1,
                Ok(Renewal::NotDue) => {}
                Err(error) => {
                    failed += 1;
                    bar.suspend(|| eprintln!("avouch: {}: {error}", due_name(&due)));
                }
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    println!("{renewed} files have a new archive time-stamp");
    if failed > 0 {
        bail!("{failed} files could not be renewed");
    }
    match options.regardless {
        true => Ok(()),
        false => tell_beyond(service.count_archives_due(wanted).await?, wanted),
    }
}

fn tell_beyond(count: u64, before: OffsetDateTime) -> anyhow::Result<()> {
    if count > 0 {
        let before = before.date();
        println!("{count} more run out before {before}; a time-stamp now would not last longer");
    }
    Ok(())
}

/// Renews what is due once a day until `stop`; `days` 0: never.
pub async fn keep(service: Service, days: u32, stop: CancellationToken) {
    if days == 0 {
        return;
    }
    loop {
        if let Err(error) = keep_once(&service, horizon(days), &stop).await {
            tracing::warn!(error = format!("{error:#}"), "renewing archives failed");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn keep_once(
    service: &Service,
    before: OffsetDateTime,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let renewable = service.renewable_before(before).await?;
    let mut walk = service.archives_due(renewable);
    let mut renewed = 0_u64;
    while !stop.is_cancelled() {
        let page = walk.next_page().await.context("looking for archives")?;
        if page.is_empty() {
            break;
        }
        for due in page {
            if stop.is_cancelled() {
                break;
            }
            match service.renew_archive(&due).await {
                Ok(Renewal::Renewed(_)) => renewed += 1,
                Ok(Renewal::NotDue) => {}
                Err(error) => {
                    tracing::warn!(file = due_name(&due), %error, "an archive is not renewed");
                }
            }
        }
    }
    if renewed > 0 {
        tracing::info!(renewed, "renewed archives");
    }
    let soon = before.min(model::Clock::now(&SystemClock) + IN_NEED);
    let files = service.count_archives_due(soon).await?;
    if files > 0 && !stop.is_cancelled() {
        tracing::warn!(files, %soon, "archives run out, and no time-stamp is had that lasts longer");
    }
    Ok(())
}

fn horizon(days: u32) -> OffsetDateTime {
    model::Clock::now(&SystemClock) + time::Duration::days(days.into())
}
