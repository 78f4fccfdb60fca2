//! What a running server does for its authorities: takes successors over that others appointed,
//! renews what it can renew itself, publishes revocation lists ahead, and warns in time.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crypto::SystemEntropy;
use model::Clock;
use pki::AuthorityUrls;
use service::{Service, TrustAnchors};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::ca::succession::Succession;
use crate::config::Config;
use crate::installation::KeyFolder;
use crate::key_home::KeyHome;
use crate::system::SystemClock;

/// How often the keys folder is looked into.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// How often ends are checked.
const RENEW_EVERY: Duration = Duration::from_secs(3600);
/// How long before the root's next list is due somebody is told.
const LIST_WARNED_BEFORE: time::Duration = time::Duration::days(60);
/// How often a warning is repeated.
const WARN_EVERY: Duration = Duration::from_secs(24 * 3600);

/// What the certificates in a keys folder are, without reading them.
type Inventory = Vec<(PathBuf, u64, SystemTime)>;

/// The duty.
pub struct Duty {
    folder: Arc<KeyFolder>,
    urls: AuthorityUrls,
    service: Service,
    /// What the authorities in use were made from; empty until the first look, since somebody may
    /// have been appointed while they were loaded.
    known: Inventory,
    /// What could not be used; said once.
    refused: Inventory,
}

impl Duty {
    /// For a service whose authorities were loaded from the configured keys folder.
    pub fn new(config: &Config, home: KeyHome, service: Service) -> anyhow::Result<Self> {
        let folder = Arc::new(KeyFolder::open(&config.storage.keys, home)?);
        Ok(Self {
            known: Inventory::new(),
            refused: Inventory::new(),
            urls: config.authority_urls(),
            folder,
            service,
        })
    }

    /// Does it until `stop`. A hang-up signal makes it look at once.
    pub async fn run(mut self, stop: CancellationToken) {
        let Ok(mut hang_up) = signal(SignalKind::hangup()) else {
            tracing::error!("no signals can be listened for");
            return;
        };
        let ticking = |every| {
            let mut interval = interval(every);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        };
        let (mut look, mut renew, mut warn) = (
            ticking(LOOK_EVERY),
            ticking(RENEW_EVERY),
            ticking(WARN_EVERY),
        );
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = hang_up.recv() => self.look().await,
                _ = renew.tick() => self.renew().await,
                _ = warn.tick() => self.warn(),
                _ = look.tick() => {
                    self.look().await;
                    if let Err(error) = self.service.publish_revocation_lists().await {
                        tracing::warn!(%error, "revocation lists were not made ahead");
                    }
                }
            }
        }
    }

    /// Takes over what is new in the keys folder.
    async fn look(&mut self) {
        let found = match self.folder.inventory() {
            Ok(found) => found,
            Err(error) => return tracing::warn!("the keys folder: {error:#}"),
        };
        if found == self.known {
            return;
        }
        match self.take_over().await {
            Ok(()) => {
                if !self.known.is_empty() {
                    tracing::info!("the authorities were exchanged for those in the keys folder");
                }
                self.known = found;
            }
            Err(error) if self.refused != found => {
                tracing::error!("what is new in the keys folder cannot be used: {error:#}");
                self.refused = found;
            }
            Err(_) => {}
        }
    }

    async fn take_over(&self) -> anyhow::Result<()> {
        let (folder, urls) = (Arc::clone(&self.folder), self.urls.clone());
        let load = move || {
            let anchors = TrustAnchors::new(folder.authorities()?, &urls)?;
            anyhow::Ok((anchors, folder.root_list()?))
        };
        let (anchors, root_list) = tokio::task::spawn_blocking(load).await??;
        self.service.publish_root_list(root_list.as_deref())?;
        Ok(self.service.replace_authorities(anchors).await?)
    }

    async fn renew(&mut self) {
        let (folder, urls) = (Arc::clone(&self.folder), self.urls.clone());
        let renewed = tokio::task::spawn_blocking(move || {
            let succession = Succession {
                folder: &folder,
                urls: &urls,
                clock: &SystemClock,
                entropy: &SystemEntropy,
            };
            succession.renew_due()
        });
        match renewed.await {
            Ok(Ok(made)) if made.is_empty() => {}
            Ok(Ok(made)) => {
                for one in made {
                    tracing::info!(name = one.name, "a certificate near its end was renewed");
                }
                self.look().await;
            }
            Ok(Err(error)) => tracing::error!("renewing certificates failed: {error:#}"),
            Err(error) => tracing::error!(%error, "renewing certificates failed"),
        }
    }

    /// Says what ends soon.
    fn warn(&self) {
        for one in self.service.authority_standings() {
            if one.ending {
                let (name, end) = (one.common_name, one.not_after);
                tracing::warn!(%name, %end, "an authority's certificate is near its end or over");
            }
        }
        let soon = SystemClock.now() + LIST_WARNED_BEFORE;
        if let Some(due) = self.service.root_list_due().filter(|due| *due < soon) {
            tracing::warn!(%due, "the root's next revocation list is due: avouch ca root-crl");
        }
    }
}
