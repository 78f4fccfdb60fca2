//! The issuance log: signed certificates are entered under a salted commitment ([`crate::books`]);
//! housekeeping gives entries their places and signs checkpoints.

use std::collections::HashMap;
use std::convert::Infallible;

use crypto::Ed25519Key;
use store::Reader;
use store::log::{LogEntry, LogKeyRow};
use transparency::tile::Tile;
use transparency::{
    Frontier, Hash, LogKey, NodeId, Receipt, commitment, inclusion_proof, leaf_hash,
};

use crate::books::enter_in_books;
use crate::{Error, Service};

/// Entries that take their places in one transaction.
const BATCH: i64 = 128;
/// What an entry's length takes in an entry tile (C2SP tlog-tiles), and the length itself.
const ENTRY_LENGTH: [u8; 2] = 32_u16.to_be_bytes();
/// What the key is sealed for.
const KEY_CONTEXT: &str = "key of the issuance log";

/// A part of the published log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogTile {
    /// Its bytes.
    pub content: Vec<u8>,
    /// Whether it is full, and never changes any more.
    pub is_full: bool,
}

/// A log in which everything fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogAudit {
    /// How many entries have their place.
    pub entries: u64,
    /// How many checkpoints were signed.
    pub checkpoints: u64,
    /// The root over all entries.
    pub root: Hash,
}

/// Why a log does not hold, or could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LogFault {
    /// Somebody changed the log, or a certificate in it.
    #[error("the issuance log is broken at entry {place}: {why}")]
    Broken {
        /// The first entry that does not fit, from 0.
        place: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A certificate was given out past the log.
    #[error("certificate {0} has no entry in the issuance log")]
    Missing(String),
    /// The log could not be read.
    #[error(transparent)]
    Unreadable(#[from] Error),
}

impl From<store::StoreError> for LogFault {
    fn from(error: store::StoreError) -> Self {
        LogFault::Unreadable(error.into())
    }
}

impl Service {
    /// Gives all entries that wait their places and signs a checkpoint over them, if there are any.
    /// Whoever does it at the same time, here or in another process, waits for the other.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn advance_log(&self) -> Result<(), Error> {
        self.enter_earlier_certificates().await?;
        let mut reader = self.store().read().await?;
        let waiting = store::log::waiting(&mut reader, 1).await?;
        let latest = store::log::latest_checkpoint(&mut reader).await?;
        drop(reader);
        if waiting.is_empty() && latest.is_some() {
            return Ok(());
        }
        let key = self.log_key().await?;
        while self.append_batch(&key).await? {}
        Ok(())
    }

    /// Certificates of versions before the log.
    async fn enter_earlier_certificates(&self) -> Result<(), Error> {
        loop {
            let mut reader = self.store().read().await?;
            let found = store::log::without_entry(&mut reader, 1).await?;
            drop(reader);
            if found.is_empty() {
                return Ok(());
            }
            // Under the lock, since another process may be at it.
            let mut tx = self.store().begin().await?;
            store::log::lock_head(&mut tx).await?;
            for (serial, der) in store::log::without_entry(&mut tx, BATCH).await? {
                let row = store::certificates::get(&mut tx, &serial).await?;
                let case = match row.and_then(|row| row.request) {
                    Some(request) => Some(self.reopen(&mut tx, request).await?),
                    None => None,
                };
                let entry = self.book_entry(case.as_ref(), &serial, &der)?;
                enter_in_books(&mut tx, &entry).await?;
            }
            tx.commit().await?;
        }
    }

    /// Gives some entries their places, and signs a checkpoint when none is left; says whether some
    /// are.
    async fn append_batch(&self, key: &LogKey) -> Result<bool, Error> {
        let mut tx = self.store().begin().await?;
        let mut frontier = frontier(&store::log::lock_head(&mut tx).await?)?;
        let waiting = store::log::waiting(&mut tx, BATCH).await?;
        let mut nodes = Vec::new();
        for (serial, commitment) in &waiting {
            store::log::give_place(&mut tx, serial, stored(frontier.size())?).await?;
            frontier.push(leaf_hash(commitment), |node, hash| nodes.push((node, hash)));
        }
        for (node, hash) in &nodes {
            let place = stored(node.index)?;
            store::log::put_node(&mut tx, node.level.into(), place, hash).await?;
        }
        store::log::put_head(&mut tx, &frontier.to_bytes()).await?;
        let more = waiting.len() as i64 == BATCH;
        if !more {
            let size = stored(frontier.size())?;
            let latest = store::log::latest_checkpoint(&mut tx).await?;
            if latest.is_none_or(|(signed, _)| signed < size) {
                let note = key.sign(frontier.size(), &frontier.root());
                store::log::put_checkpoint(&mut tx, size, &note, self.now()).await?;
            }
        }
        tx.commit().await?;
        Ok(more)
    }

    /// The line by which checkpoints are verified: `NAME+HASH+KEY` (C2SP signed-note).
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn log_verifier(&self) -> Result<String, Error> {
        Ok(self.log_key().await?.verifier().line())
    }

    /// The latest checkpoint, a signed note.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn log_checkpoint(&self) -> Result<Option<String>, Error> {
        let mut reader = self.store().read().await?;
        let latest = store::log::latest_checkpoint(&mut reader).await?;
        Ok(latest.map(|(_, note)| note))
    }

    /// What is published below `tile/`; `None` for what no checkpoint covers.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn log_tile(&self, path: &str) -> Result<Option<LogTile>, Error> {
        let Some(tile) = Tile::parse(path) else {
            return Ok(None);
        };
        let mut reader = self.store().read().await?;
        let latest = store::log::latest_checkpoint(&mut reader).await?;
        let size = latest.map_or(0, |(size, _)| size as u64);
        let Some((first, count)) = tile.nodes(size) else {
            return Ok(None);
        };
        let (from, count) = (stored(first.index)?, stored(count)?);
        let content = match tile.level {
            Some(_) => store::log::nodes(&mut reader, first.level.into(), from, count)
                .await?
                .concat(),
            None => store::log::entries(&mut reader, from, count)
                .await?
                .iter()
                .flat_map(|entry| ENTRY_LENGTH.into_iter().chain(entry.commitment))
                .collect(),
        };
        Ok(Some(LogTile {
            content,
            is_full: tile.width == transparency::tile::WIDTH,
        }))
    }

    /// The receipt for a certificate, DER; `None` for one that is not ours. Whoever has the
    /// certificate may have its salt: the log names it to nobody else.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn log_receipt(&self, certificate: &[u8]) -> Result<Option<Receipt>, Error> {
        let Ok(facts) = pki::CertificateFacts::read(certificate) else {
            return Ok(None);
        };
        let mut reader = self.store().read().await?;
        let row = store::certificates::get(&mut reader, &facts.serial).await?;
        drop(reader);
        match row.and_then(|row| row.der) {
            Some(der) if der == certificate => self.log_receipt_of(&facts.serial).await,
            _ => Ok(None),
        }
    }

    /// The receipt for the certificate with this serial number, for the operator.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] only.
    pub async fn log_receipt_of(&self, serial: &str) -> Result<Option<Receipt>, Error> {
        // A certificate that has just been issued waits for its place.
        self.advance_log().await?;
        let mut reader = self.store().read().await?;
        let latest = store::log::latest_checkpoint(&mut reader).await?;
        let entry = store::log::entry(&mut reader, serial).await?;
        let (Some((size, note)), Some(entry)) = (latest, entry) else {
            return Ok(None);
        };
        let Some(place) = entry.place.filter(|place| *place < size) else {
            return Ok(None);
        };
        let salt = self.salt_of(&entry)?;
        let (place, size) = (place as u64, size as u64);
        let mut needed = Vec::new();
        let Ok(_) = inclusion_proof(place, size, |node| {
            needed.push(node);
            Ok::<_, Infallible>(Hash::default())
        });
        let nodes = read_nodes(&mut reader, needed).await?;
        let proof = inclusion_proof(place, size, |node| nodes.get(&node).copied().ok_or(()));
        let proof = proof.map_err(|()| lost_node())?;
        Ok(Some(Receipt::new(&salt, place, &proof, note)))
    }

    /// Rebuilds the whole tree from the certificates and compares it with all that is stored and
    /// was signed.
    ///
    /// # Errors
    ///
    /// [`LogFault`] says what does not fit.
    pub async fn audit_log(&self) -> Result<LogAudit, LogFault> {
        let key = self.log_key().await?;
        let mut reader = self.store().read().await?;
        if let Some((serial, _)) = store::log::without_entry(&mut reader, 1).await?.pop() {
            return Err(LogFault::Missing(serial));
        }
        let mut frontier = Frontier::default();
        let mut checkpoints = Checkpoints::default();
        loop {
            let place = frontier.size();
            let page = store::log::entries(&mut reader, stored(place)?, BATCH).await?;
            checkpoints
                .compare(&mut reader, &frontier, key.verifier())
                .await?;
            if page.is_empty() {
                break;
            }
            for entry in page {
                let place = frontier.size();
                let broken = |why| LogFault::Broken { place, why };
                if entry.place != Some(stored(place)?) {
                    return Err(broken("it is missing"));
                }
                let row = store::certificates::get(&mut reader, &entry.serial).await?;
                let der = row.and_then(|row| row.der);
                let der = der.ok_or_else(|| broken("its certificate is gone"))?;
                let salt = self
                    .salt_of(&entry)
                    .map_err(|_| broken("its salt does not open"))?;
                if commitment(&salt, &der) != entry.commitment {
                    return Err(broken("it is not its certificate's"));
                }
                let mut completed = Vec::new();
                frontier.push(leaf_hash(&entry.commitment), |node, hash| {
                    completed.push((node, hash));
                });
                for (node, hash) in completed {
                    if read_node(&mut reader, node).await? != Some(hash) {
                        return Err(broken("the tree above it is another"));
                    }
                }
                checkpoints
                    .compare(&mut reader, &frontier, key.verifier())
                    .await?;
            }
        }
        checkpoints.must_be_over(frontier.size())?;
        Ok(LogAudit {
            entries: frontier.size(),
            checkpoints: checkpoints.compared,
            root: frontier.root(),
        })
    }

    /// The log's key, made when it is first needed.
    async fn log_key(&self) -> Result<LogKey, Error> {
        let mut reader = self.store().read().await?;
        let mut row = store::log::key(&mut reader).await?;
        drop(reader);
        if row.is_none() {
            let seed = Ed25519Key::generate()?.seed()?;
            let fresh = LogKeyRow {
                name: log_name(&self.policy().public_url),
                sealed: self.master().seal(KEY_CONTEXT, &seed, self.entropy()),
            };
            let mut tx = self.store().begin().await?;
            store::log::put_key(&mut tx, &fresh).await?;
            // Another process may have been faster.
            row = store::log::key(&mut tx).await?;
            tx.commit().await?;
        }
        let row = row.ok_or_else(|| Error::Internal("the issuance log has no key".into()))?;
        let seed = self.master().open(KEY_CONTEXT, &row.sealed)?;
        Ok(LogKey::new(&row.name, Ed25519Key::from_seed(&seed)?)?)
    }

    fn salt_of(&self, entry: &LogEntry) -> Result<[u8; 32], Error> {
        let salt = self
            .master()
            .open(&salt_context(&entry.serial), &entry.sealed_salt)?;
        salt.as_slice()
            .try_into()
            .map_err(|_| Error::Internal("a salt of another length".into()))
    }
}

/// The stored checkpoints, compared with the tree as it grows.
#[derive(Default)]
struct Checkpoints {
    next: Option<(i64, String)>,
    seen: Option<i64>,
    compared: u64,
}

impl Checkpoints {
    /// Compares the checkpoint over so many entries, if there is one.
    async fn compare(
        &mut self,
        reader: &mut Reader,
        frontier: &Frontier,
        verifier: &transparency::LogVerifier,
    ) -> Result<(), LogFault> {
        if self.next.is_none() {
            let after = self.seen.unwrap_or(-1);
            self.next = store::log::checkpoints(reader, after, 1).await?.pop();
        }
        let size = stored(frontier.size())?;
        let Some((_, note)) = self.next.take_if(|(at, _)| *at == size) else {
            return Ok(());
        };
        let broken = |why| LogFault::Broken {
            place: frontier.size(),
            why,
        };
        let signed = verifier
            .open(&note)
            .map_err(|_| broken("the checkpoint before it is not signed with the log's key"))?;
        if (signed.size, signed.root) != (frontier.size(), frontier.root()) {
            return Err(broken("the checkpoint before it is another tree's"));
        }
        self.seen = Some(size);
        self.compared += 1;
        Ok(())
    }

    /// That none tells of more entries than there are.
    fn must_be_over(&self, size: u64) -> Result<(), LogFault> {
        match self.next {
            None => Ok(()),
            Some(_) => Err(LogFault::Broken {
                place: size,
                why: "a checkpoint tells of it, but it is missing",
            }),
        }
    }
}

async fn read_nodes(
    reader: &mut Reader,
    needed: Vec<NodeId>,
) -> Result<HashMap<NodeId, Hash>, Error> {
    let mut nodes = HashMap::with_capacity(needed.len());
    for node in needed {
        let hash = read_node(reader, node).await?.ok_or_else(lost_node)?;
        nodes.insert(node, hash);
    }
    Ok(nodes)
}

async fn read_node(reader: &mut Reader, node: NodeId) -> Result<Option<Hash>, Error> {
    let place = stored(node.index)?;
    let found = store::log::nodes(reader, node.level.into(), place, 1).await?;
    Ok(found.into_iter().next())
}

fn lost_node() -> Error {
    Error::Internal("a node of the issuance log is missing".into())
}

fn frontier(bytes: &[u8]) -> Result<Frontier, Error> {
    Frontier::from_bytes(bytes)
        .ok_or_else(|| Error::Internal("the issuance log's head does not parse".into()))
}

fn stored(number: u64) -> Result<i64, Error> {
    number
        .try_into()
        .map_err(|_| Error::Internal("the issuance log is too long".into()))
}

pub(crate) fn salt_context(serial: &str) -> String {
    format!("salt of certificate {serial}")
}

/// The log's name: where it is, without a scheme (C2SP tlog-checkpoint), and in the letters that a
/// name may have.
fn log_name(public_url: &str) -> String {
    let place = public_url
        .split_once("://")
        .map_or(public_url, |(_, rest)| rest);
    let plain: String = place
        .chars()
        .map(|c| match c {
            '+' => '-',
            c if c.is_whitespace() => '-',
            c => c,
        })
        .collect();
    format!("{}/log", plain.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::log_name;

    #[test]
    fn a_log_is_called_by_where_it_is() {
        assert_eq!(log_name("https://ca.example.com/"), "ca.example.com/log");
        assert_eq!(log_name("http://127.0.0.1:8420"), "127.0.0.1:8420/log");
        assert_eq!(log_name("https://x.example/a+b c"), "x.example/a-b-c/log");
    }
}
