//! Group commit: transactions that follow one another closely become durable together.
//!
//! SQLite has one writer. While some transactions wait for their turn, those before them leave the
//! database's own transaction open, each as a savepoint of it, and whoever finds nobody waiting commits
//! for all. Nobody is told of success before the disk has it ([`Flushes`]). A caller alone waits for
//! nobody.
//!
//! A member that gives up takes only its own savepoint back. Where the disk is full, SQLite undoes the
//! whole; then all members fail that have not been told of success.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::PATIENCE;
use super::connection::{Access, Connection, aside};
use super::flush::{Flushes, Outcome};
use super::fold::Folding;
use super::turns::{Turn, Turns};
use crate::error::StoreError;

/// Most transactions that wait for one commit: the first of them waits for the work of all.
const MOST: usize = 64;
/// How often to ask whether another process has let go.
const AGAIN: Duration = Duration::from_millis(5);

/// The one writer.
#[derive(Clone)]
pub(super) struct Writer {
    shared: Arc<Shared>,
}

struct Shared {
    /// Whoever holds this writes.
    desk: Turns<Desk>,
    /// How many wait for their turn.
    waiting: AtomicUsize,
    flushes: Arc<Flushes>,
    folding: Folding,
}

/// The connection that writes, and who waits for the commit of the transaction open on it.
pub(super) struct Desk {
    /// `None` once it is closed.
    connection: Option<Connection>,
    members: Vec<oneshot::Sender<Outcome>>,
    flushes: Arc<Flushes>,
}

/// A transaction. Dropping it undoes it.
pub(crate) struct Member {
    place: Place,
}

/// The right to write, and how to take back what was written with it.
struct Place {
    shared: Arc<Shared>,
    /// `None` once it has ended.
    desk: Option<Turn<Desk>>,
    /// The first has the database's transaction for itself so far; those after it have a savepoint.
    first: bool,
}

impl Writer {
    /// Writes to the database in the file at `path`.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path, Access::Writing)?;
        let folding = Connection::open(path, Access::Folding)?;
        let flushes = Arc::new(Flushes::new(path));
        let desk = Turns::new(Desk {
            connection: Some(connection),
            members: Vec::new(),
            flushes: Arc::clone(&flushes),
        });
        Ok(Self {
            shared: Arc::new(Shared {
                folding: Folding::new(folding, desk.clone()),
                desk,
                waiting: AtomicUsize::new(0),
                flushes,
            }),
        })
    }

    /// What makes it durable.
    pub(super) fn flushes(&self) -> Arc<Flushes> {
        Arc::clone(&self.shared.flushes)
    }

    /// Waits for its turn and begins.
    pub(super) async fn begin(&self) -> Result<Member, StoreError> {
        self.shared.flushes.check()?;
        let waiting = Waiting::count(&self.shared);
        let mut desk = self.shared.desk.take().await;
        waiting.over();
        let first = !desk.open()?.in_transaction();
        let mut place = Place {
            shared: Arc::clone(&self.shared),
            desk: Some(desk),
            first,
        };
        if first {
            place.open_transaction().await?;
        } else {
            place.connection()?.run("SAVEPOINT member")?;
        }
        Ok(Member { place })
    }

    /// Waits for what is under way and closes the connection.
    pub(super) async fn close(&self) {
        self.shared.folding.close().await;
        let mut desk = self.shared.desk.take().await;
        desk.commit();
        aside(|| self.shared.flushes.run());
        desk.connection = None;
    }
}

impl Member {
    /// The connection, on which this transaction's statements run.
    pub(crate) fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        let connection = self.place.connection()?;
        // What comes after an error that undid everything must not stand alone.
        match connection.in_transaction() {
            true => Ok(connection),
            false => Err(undone()),
        }
    }

    /// Makes the transaction durable and visible, together with others that are near.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let (told, outcome) = oneshot::channel();
        self.place.join(told);
        outcome.await.unwrap_or_else(|_| Err(undone()))
    }
}

impl Place {
    fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        self.desk.as_mut().ok_or_else(undone)?.open()
    }

    /// Begins the database's own transaction, as soon as no other process has one.
    async fn open_transaction(&mut self) -> Result<(), StoreError> {
        let start = Instant::now();
        loop {
            match self.connection()?.run("BEGIN IMMEDIATE") {
                Err(StoreError::Busy) if start.elapsed() < PATIENCE => {
                    tokio::time::sleep(AGAIN).await;
                }
                begun => return begun,
            }
        }
    }

    /// Leaves its work in the open transaction and commits, unless somebody else will.
    fn join(mut self, told: oneshot::Sender<Outcome>) {
        let Some(mut desk) = self.desk.take() else {
            return;
        };
        desk.members.push(told);
        if !self.first && desk.run("RELEASE member").is_err() {
            desk.break_up();
        }
        end(&self.shared, desk);
    }
}

impl Drop for Place {
    /// Takes back what was written and lets the others go on.
    fn drop(&mut self) {
        let Some(mut desk) = self.desk.take() else {
            return;
        };
        let undone = match self.first {
            true => desk.run("ROLLBACK"),
            false => {
                let back = desk.run("ROLLBACK TO member");
                back.and_then(|()| desk.run("RELEASE member"))
            }
        };
        if undone.is_err() {
            desk.break_up();
        }
        end(&self.shared, desk);
    }
}

/// Ends a turn: commits, unless somebody waits who will.
fn end(shared: &Shared, mut desk: Turn<Desk>) {
    let last = desk.members.len() >= MOST || shared.waiting.load(Ordering::SeqCst) == 0;
    if !last || desk.members.is_empty() {
        return;
    }
    desk.commit();
    drop(desk);
    shared.folding.after_commit();
}

impl Desk {
    fn open(&mut self) -> Result<&mut Connection, StoreError> {
        let closed = || StoreError::Unavailable("the database is closed".into());
        self.connection.as_mut().ok_or_else(closed)
    }

    fn run(&mut self, sql: &str) -> Outcome {
        self.open()?.run(sql)
    }

    /// Commits what the members did and has it flushed, or undoes all of it; they are told.
    pub(super) fn commit(&mut self) {
        if self.members.is_empty() {
            return;
        }
        let number = self.flushes.commit_begins();
        let outcome = self.run("COMMIT");
        self.clear();
        let members = self.members.drain(..);
        let Err(error) = outcome else {
            self.flushes.commit_ended(number, members);
            return;
        };
        for member in members {
            // Nobody listens where the caller has gone.
            let _ = member.send(Err(match error {
                StoreError::StorageFull => StoreError::StorageFull,
                _ => undone(),
            }));
        }
        self.flushes.commit_ended(number, []);
    }

    /// Nobody succeeds.
    fn break_up(&mut self) {
        self.clear();
        for member in self.members.drain(..) {
            let _ = member.send(Err(undone()));
        }
    }

    /// Undoes what is still open.
    fn clear(&mut self) {
        if let Ok(connection) = self.open()
            && connection.in_transaction()
        {
            // It fails where the database undid everything by itself.
            let _ = connection.run("ROLLBACK");
        }
    }
}

/// A caller that waits for its turn, and whom the one before it counts on to commit.
struct Waiting<'a> {
    shared: &'a Arc<Shared>,
    over: bool,
}

impl<'a> Waiting<'a> {
    fn count(shared: &'a Arc<Shared>) -> Self {
        shared.waiting.fetch_add(1, Ordering::SeqCst);
        Self {
            shared,
            over: false,
        }
    }

    /// It has its turn.
    fn over(mut self) {
        self.over = true;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.shared.waiting.fetch_sub(1, Ordering::SeqCst);
        // It left before its turn came; somebody has to come in its place.
        if !self.over
            && let Ok(runtime) = Handle::try_current()
        {
            let shared = Arc::clone(self.shared);
            runtime.spawn(async move {
                let desk = shared.desk.take().await;
                end(&shared, desk);
            });
        }
    }
}

fn undone() -> StoreError {
    StoreError::Unavailable("the transaction was undone".into())
}
