//! RSA keys made ahead. One takes a tenth of a second and more, which nobody who signs should wait
//! for.
//!
//! One thread makes them, so that it takes one core at most, until the pool is full. A key leaves the
//! pool once and never comes back; the pool lives in memory only, and whatever is left in it is wiped
//! with it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crypto::{KeyAlgorithm, SoftwareKey};
use tokio::sync::Notify;
use tokio::time;

use crate::Error;

/// How long a call waits for a key. Whoever would have to wait longer is told so at once.
const PATIENCE: Duration = Duration::from_secs(2);

/// What making a key takes until one was made.
const FIRST_GUESS: Duration = Duration::from_millis(250);

/// Between two tries of a back end that fails.
const PAUSE: Duration = Duration::from_secs(1);

/// Keys that wait for their one use.
pub(crate) struct KeyPool {
    shared: Arc<Shared>,
}

/// How a pool is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPoolGauges {
    /// Keys that are ready.
    pub size: usize,
    /// Keys that may be ready at most.
    pub capacity: usize,
    /// Keys made since the start.
    pub made: u64,
    /// Keys taken since the start.
    pub taken: u64,
    /// How often a key was wanted and none was ready.
    pub empty: u64,
    /// How many of those went away without one.
    pub refused: u64,
    /// Calls that wait for a key now.
    pub waiting: usize,
    /// What making a key takes, on average.
    pub making: Duration,
}

struct Shared {
    algorithm: KeyAlgorithm,
    capacity: usize,
    state: Mutex<State>,
    /// There is room, or it is over.
    room: Condvar,
    /// A key is ready.
    ready: Notify,
}

#[derive(Default)]
struct State {
    keys: VecDeque<SoftwareKey>,
    made: u64,
    taken: u64,
    empty: u64,
    refused: u64,
    waiting: usize,
    spent: Duration,
    over: bool,
}

impl KeyPool {
    /// Begins to make keys, `capacity` of them and as many again as are taken.
    pub(crate) fn start(algorithm: KeyAlgorithm, capacity: usize) -> Self {
        let shared = Arc::new(Shared {
            algorithm,
            capacity: capacity.max(1),
            state: Mutex::default(),
            room: Condvar::new(),
            ready: Notify::new(),
        });
        let maker = Arc::clone(&shared);
        thread::spawn(move || maker.make());
        Self { shared }
    }

    /// Takes a key, waiting a moment where none is ready.
    ///
    /// Fails with [`Error::NoKeyReady`].
    pub(crate) async fn take(&self) -> Result<SoftwareKey, Error> {
        let shared = &*self.shared;
        let _waiting = {
            let mut state = shared.state();
            // Nobody overtakes those who wait.
            if state.waiting < state.keys.len()
                && let Some(key) = shared.pop(&mut state)
            {
                return Ok(key);
            }
            state.empty += 1;
            let wait = state.making() * (state.waiting as u32 + 1);
            if wait > PATIENCE {
                state.refused += 1;
                return Err(no_key_ready(wait));
            }
            state.waiting += 1;
            Waiting(shared)
        };
        let key = async {
            loop {
                shared.ready.notified().await;
                let mut state = shared.state();
                if let Some(key) = shared.pop(&mut state) {
                    return key;
                }
            }
        };
        time::timeout(PATIENCE, key).await.map_err(|_| {
            let mut state = shared.state();
            state.refused += 1;
            no_key_ready(state.making() * state.waiting as u32)
        })
    }

    /// How it is doing.
    pub(crate) fn gauges(&self) -> KeyPoolGauges {
        let state = self.shared.state();
        KeyPoolGauges {
            size: state.keys.len(),
            capacity: self.shared.capacity,
            made: state.made,
            taken: state.taken,
            empty: state.empty,
            refused: state.refused,
            waiting: state.waiting,
            making: state.making(),
        }
    }
}

impl Drop for KeyPool {
    fn drop(&mut self) {
        self.shared.state().over = true;
        self.shared.room.notify_one();
    }
}

/// One who waits, counted until it has a key or gives up.
struct Waiting<'a>(&'a Shared);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

impl Shared {
    /// The thread that makes keys.
    fn make(&self) {
        while self.has_room() {
            let start = Instant::now();
            match SoftwareKey::generate(self.algorithm) {
                Ok(key) => {
                    let mut state = self.state();
                    state.keys.push_back(key);
                    state.made += 1;
                    state.spent += start.elapsed();
                    drop(state);
                    self.ready.notify_one();
                }
                Err(error) => {
                    tracing::error!(%error, "no key could be made");
                    thread::sleep(PAUSE);
                }
            }
        }
    }

    /// Waits until there is room; `false` when the pool is over.
    fn has_room(&self) -> bool {
        let full = |state: &mut State| !state.over && state.keys.len() >= self.capacity;
        let state = self
            .room
            .wait_while(self.state(), full)
            .unwrap_or_else(PoisonError::into_inner);
        !state.over
    }

    fn pop(&self, state: &mut State) -> Option<SoftwareKey> {
        let key = state.keys.pop_front()?;
        state.taken += 1;
        self.room.notify_one();
        Some(key)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What is inside stays whole between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn making(&self) -> Duration {
        match u32::try_from(self.made) {
            Ok(made) if made > 0 => self.spent / made,
            _ => FIRST_GUESS,
        }
    }
}

fn no_key_ready(wait: Duration) -> Error {
    Error::NoKeyReady {
        retry_after: wait.as_secs() as u32 + 1,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use crypto::SigningKey;

    use super::*;

    async fn full(pool: &KeyPool) {
        while pool.gauges().size < pool.gauges().capacity {
            time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn everybody_gets_a_key_of_their_own_and_the_pool_fills_again() {
        // The cheapest kind: what counts is who gets which.
        let pool = Arc::new(KeyPool::start(KeyAlgorithm::EcdsaP256, 8));
        full(&pool).await;
        let takers = (0..64).map(|_| {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { pool.take().await.unwrap().public_key_info().to_vec() })
        });
        let keys = futures::future::join_all(takers).await;
        let different: HashSet<_> = keys.into_iter().map(Result::unwrap).collect();
        assert_eq!(different.len(), 64);
        full(&pool).await;
        let gauges = pool.gauges();
        assert_eq!((gauges.made, gauges.taken), (72, 64));
        assert_eq!((gauges.waiting, gauges.refused), (0, 0));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_crowd_that_would_wait_too_long_is_told_so_at_once() {
        let pool = KeyPool::start(KeyAlgorithm::Rsa3072, 1);
        full(&pool).await;
        pool.shared.state().spent = Duration::from_secs(30);
        let first = pool.take().await.unwrap();
        assert_eq!(first.algorithm(), KeyAlgorithm::Rsa3072);
        let start = Instant::now();
        let refused = pool.take().await.unwrap_err();
        assert!(start.elapsed() < PATIENCE);
        let Error::NoKeyReady { retry_after } = refused else {
            panic!("{refused}");
        };
        assert_eq!(retry_after, 31);
        let gauges = pool.gauges();
        assert_eq!((gauges.taken, gauges.empty, gauges.refused), (1, 1, 1));
    }
}
