//! Folders made durable, for many at once: whoever comes while a folder is being flushed waits for
//! the next flush, and one flush serves all who wait.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The folders that are being flushed.
#[derive(Default)]
pub(crate) struct Flushes(Mutex<HashMap<PathBuf, Arc<Lane>>>);

#[derive(Default)]
struct Lane {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    /// How many have asked.
    asked: u64,
    /// How many of them were served.
    served: u64,
    running: bool,
}

impl Flushes {
    /// Makes durable what `folder` names now. Blocks.
    pub(crate) fn flush(&self, folder: &Path) -> io::Result<()> {
        let lane = {
            let mut lanes = locked(&self.0);
            // Lanes that nobody is in are only referenced by the map.
            lanes.retain(|_, lane| Arc::strong_count(lane) > 1);
            Arc::clone(lanes.entry(folder.to_owned()).or_default())
        };
        lane.flush(|| File::open(folder)?.sync_all())
    }
}

impl Lane {
    fn flush(&self, sync: impl Fn() -> io::Result<()>) -> io::Result<()> {
        let mut state = locked(&self.state);
        state.asked += 1;
        let turn = state.asked;
        while state.served < turn {
            if state.running {
                state = self
                    .ended
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.running = true;
            let serving = state.asked;
            drop(state);
            let done = sync();
            state = locked(&self.state);
            state.running = false;
            self.ended.notify_all();
            // Where it failed the others try for themselves.
            done?;
            state.served = state.served.max(serving);
        }
        Ok(())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_flush_serves_all_who_came_before_it_and_nobody_else() {
        let lane = Lane::default();
        // What is to become durable, and how much of it is.
        let (named, durable) = (AtomicU64::new(0), AtomicU64::new(0));
        let flushes = AtomicU64::new(0);
        let sync = || {
            let seen = named.load(Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(2));
            flushes.fetch_add(1, Ordering::SeqCst);
            durable.fetch_max(seen, Ordering::SeqCst);
            Ok(())
        };
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let mine = named.fetch_add(1, Ordering::SeqCst) + 1;
                        lane.flush(sync).unwrap();
                        assert!(durable.load(Ordering::SeqCst) >= mine);
                    }
                });
            }
        });
        assert!(flushes.load(Ordering::SeqCst) < 320, "nobody shared");
    }

    #[test]
    fn a_failure_is_told_to_whoever_asked_and_the_next_one_tries_again() {
        let lane = Lane::default();
        let failing = || Err(io::ErrorKind::StorageFull.into());
        assert!(lane.flush(failing).is_err());
        lane.flush(|| Ok(())).unwrap();
    }
}
