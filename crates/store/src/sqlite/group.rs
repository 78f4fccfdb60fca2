//! Group commit: transactions that follow one another closely become durable together.
//!
//! SQLite has one writer, and each commit waits for the disk. While some transactions wait for their
//! turn, those before them leave the database's own transaction open, each as a savepoint of it,
//! and whoever finds nobody waiting commits for all. Nobody is told of success before that. A
//! caller alone waits for nobody.
//!
//! A member that gives up takes only its own savepoint back. Where the disk fails, SQLite undoes the
//! whole; then all members fail that have not been told of success.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

use super::PATIENCE;
use super::connection::Connection;
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
    desk: Arc<Mutex<Desk>>,
    /// How many wait for their turn.
    waiting: AtomicUsize,
}

type Outcome = Result<(), StoreError>;

/// The connection that writes, and who waits for the commit of the transaction open on it.
struct Desk {
    /// `None` once it is closed.
    connection: Option<Connection>,
    members: Vec<oneshot::Sender<Outcome>>,
}

/// A transaction. Dropping it undoes it.
pub(crate) struct Member {
    turn: Turn,
}

/// The right to write, and how to take back what was written with it.
struct Turn {
    shared: Arc<Shared>,
    /// `None` once it has ended.
    desk: Option<OwnedMutexGuard<Desk>>,
    /// The first has the database's transaction for itself so far; those after it have a savepoint.
    first: bool,
}

impl Writer {
    pub(super) fn new(connection: Connection) -> Self {
        let desk = Desk {
            connection: Some(connection),
            members: Vec::new(),
        };
        Self {
            shared: Arc::new(Shared {
                desk: Arc::new(Mutex::new(desk)),
                waiting: AtomicUsize::new(0),
            }),
        }
    }

    /// Waits for its turn and begins.
    pub(super) async fn begin(&self) -> Result<Member, StoreError> {
        let waiting = Waiting::count(&self.shared);
        let mut desk = Arc::clone(&self.shared.desk).lock_owned().await;
        waiting.over();
        let first = !desk.open()?.in_transaction();
        let mut turn = Turn {
            shared: Arc::clone(&self.shared),
            desk: Some(desk),
            first,
        };
        if first {
            turn.open_transaction().await?;
        } else {
            turn.connection()?.run("SAVEPOINT member")?;
        }
        Ok(Member { turn })
    }

    /// Waits for what is under way and closes the connection.
    pub(super) async fn close(&self) {
        let mut desk = Arc::clone(&self.shared.desk).lock_owned().await;
        desk.commit();
        desk.connection = None;
    }
}

impl Member {
    /// The connection, on which this transaction's statements run.
    pub(crate) fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        let connection = self.turn.connection()?;
        // What comes after an error that undid everything must not stand alone.
        match connection.in_transaction() {
            true => Ok(connection),
            false => Err(undone()),
        }
    }

    /// Makes the transaction durable and visible, together with others that are near.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let (told, outcome) = oneshot::channel();
        self.turn.join(told);
        outcome.await.unwrap_or_else(|_| Err(undone()))
    }
}

impl Turn {
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

impl Drop for Turn {
    /// Takes back what was written and lets the others go on.
    fn drop(&mut self) {
        let Some(mut desk) = self.desk.take() else {
            return;
        };
        let undo = match self.first {
            true => "ROLLBACK",
            false => "ROLLBACK TO member; RELEASE member",
        };
        if desk.run(undo).is_err() {
            desk.break_up();
        }
        end(&self.shared, desk);
    }
}

/// Ends a turn: commits, unless somebody waits who will.
fn end(shared: &Shared, mut desk: OwnedMutexGuard<Desk>) {
    let last = desk.members.len() >= MOST || shared.waiting.load(Ordering::SeqCst) == 0;
    if !last || desk.members.is_empty() {
        return;
    }
    // It waits for the disk.
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(move || desk.commit())),
        Err(_) => desk.commit(),
    }
}

impl Desk {
    fn open(&mut self) -> Result<&mut Connection, StoreError> {
        let closed = || StoreError::Unavailable("the database is closed".into());
        self.connection.as_mut().ok_or_else(closed)
    }

    fn run(&mut self, sql: &str) -> Outcome {
        self.open()?.run(sql)
    }

    /// Makes what the members did durable, or undoes all of it, and tells them.
    fn commit(&mut self) {
        if self.members.is_empty() {
            return;
        }
        let outcome = self.run("COMMIT");
        self.clear();
        for member in self.members.drain(..) {
            let told = match &outcome {
                Ok(()) => Ok(()),
                Err(StoreError::StorageFull) => Err(StoreError::StorageFull),
                Err(_) => Err(undone()),
            };
            // Nobody listens where the caller has gone.
            let _ = member.send(told);
        }
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
                let desk = Arc::clone(&shared.desk).lock_owned().await;
                end(&shared, desk);
            });
        }
    }
}

fn undone() -> StoreError {
    StoreError::Unavailable("the transaction was undone".into())
}
