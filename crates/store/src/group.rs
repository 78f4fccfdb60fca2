//! Group commit on SQLite: transactions that follow one another closely become durable together.
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

use sqlx::sqlite::SqlitePool;
use sqlx::{Sqlite, SqliteConnection, Transaction};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

use crate::error::StoreError;

/// Most transactions that wait for one commit: the first of them waits for the work of all.
const MOST: usize = 64;

/// The one writer.
#[derive(Clone)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
}

struct Shared {
    pool: SqlitePool,
    /// Whoever holds this writes. The transaction in it is open while others are to join.
    turn: Arc<Mutex<Option<Open>>>,
    /// How many wait for their turn.
    waiting: AtomicUsize,
}

type Outcome = Result<(), StoreError>;

/// The database's own transaction, and who waits for its commit.
struct Open {
    transaction: Transaction<'static, Sqlite>,
    members: Vec<oneshot::Sender<Outcome>>,
}

/// A transaction. Dropping it undoes it.
pub(crate) struct Member {
    shared: Arc<Shared>,
    /// `None` once it has ended.
    turn: Option<Turn>,
}

/// The right to write, and how to take back what was written with it.
struct Turn {
    holder: OwnedMutexGuard<Option<Open>>,
    /// The first has the database's transaction for itself so far; those after it have a savepoint.
    first: bool,
}

impl Writer {
    pub(crate) fn new(pool: SqlitePool) -> Self {
        Self {
            shared: Arc::new(Shared {
                pool,
                turn: Arc::default(),
                waiting: AtomicUsize::new(0),
            }),
        }
    }

    /// Waits for its turn and begins.
    pub(crate) async fn begin(&self) -> Result<Member, StoreError> {
        let waiting = Waiting::count(&self.shared);
        let mut holder = Arc::clone(&self.shared.turn).lock_owned().await;
        waiting.over();
        let first = holder.is_none();
        if first {
            *holder = Some(Open {
                transaction: self.shared.pool.begin_with("BEGIN IMMEDIATE").await?,
                members: Vec::new(),
            });
        }
        let mut member = Member {
            shared: Arc::clone(&self.shared),
            turn: Some(Turn { holder, first }),
        };
        if !first {
            let savepoint = sqlx::query("SAVEPOINT member");
            savepoint.execute(member.connection()?).await?;
        }
        Ok(member)
    }

    /// Waits for what is under way and closes the connection.
    pub(crate) async fn close(&self) {
        let mut holder = Arc::clone(&self.shared.turn).lock_owned().await;
        if let Some(open) = holder.take() {
            open.commit().await;
        }
        self.shared.pool.close().await;
    }
}

impl Member {
    /// The connection, on which this transaction's statements run.
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        match self.turn.as_mut().and_then(|turn| turn.holder.as_mut()) {
            Some(open) => Ok(&mut open.transaction),
            None => Err(undone()),
        }
    }

    /// Makes the transaction durable and visible, together with others that are near.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        let Some(turn) = self.turn.take() else {
            return Err(undone());
        };
        let (told, outcome) = oneshot::channel();
        // A task of its own: others depend on it, whatever becomes of the caller.
        tokio::spawn(join(Arc::clone(&self.shared), turn, told));
        outcome.await.unwrap_or_else(|_| Err(undone()))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // Without a runtime the connection is dropped, which undoes everything.
        if let Some(turn) = self.turn.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(give_up(Arc::clone(&self.shared), turn));
        }
    }
}

/// Leaves a member's work in the open transaction and commits, unless somebody else will.
async fn join(shared: Arc<Shared>, mut turn: Turn, told: oneshot::Sender<Outcome>) {
    if let Some(open) = turn.holder.as_mut() {
        let released = match turn.first {
            true => Ok(()),
            false => sqlx::query("RELEASE member")
                .execute(&mut *open.transaction)
                .await
                .map(drop),
        };
        open.members.push(told);
        if released.is_err() {
            break_up(&mut turn.holder);
        }
    }
    end_turn(&shared, turn.holder).await;
}

/// Takes back what a member did and lets the others go on.
async fn give_up(shared: Arc<Shared>, mut turn: Turn) {
    if turn.first {
        if let Some(open) = turn.holder.take() {
            // It fails where the database undid everything by itself: the pool sees that.
            let _ = open.transaction.rollback().await;
        }
    } else if let Some(open) = turn.holder.as_mut() {
        let undo = sqlx::raw_sql("ROLLBACK TO member; RELEASE member");
        if undo.execute(&mut *open.transaction).await.is_err() {
            break_up(&mut turn.holder);
        }
    }
    end_turn(&shared, turn.holder).await;
}

/// Commits, unless somebody waits who will.
async fn end_turn(shared: &Shared, mut holder: OwnedMutexGuard<Option<Open>>) {
    let full = holder
        .as_ref()
        .is_some_and(|open| open.members.len() >= MOST);
    let last = full || shared.waiting.load(Ordering::SeqCst) == 0;
    if last && let Some(open) = holder.take() {
        open.commit().await;
    }
}

/// The database undid everything by itself: nobody succeeds, and the connection goes.
fn break_up(turn: &mut Option<Open>) {
    if let Some(open) = turn.take() {
        for member in open.members {
            // Nobody listens where the caller has gone.
            let _ = member.send(Err(undone()));
        }
    }
}

impl Open {
    async fn commit(self) {
        let outcome = self.transaction.commit().await.map_err(StoreError::from);
        for member in self.members {
            let told = match &outcome {
                Ok(()) => Ok(()),
                Err(StoreError::StorageFull) => Err(StoreError::StorageFull),
                Err(_) => Err(undone()),
            };
            let _ = member.send(told);
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
                let holder = Arc::clone(&shared.turn).lock_owned().await;
                end_turn(&shared, holder).await;
            });
        }
    }
}

fn undone() -> StoreError {
    StoreError::Unavailable("the transaction was undone".into())
}
