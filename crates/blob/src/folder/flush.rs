//! Made durable for many at once: whoever comes while a file or folder is being flushed waits for
//! the next flush, and one flush serves all who wait.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::oneshot;

/// The folders that are being flushed.
#[derive(Default)]
pub(super) struct Flushes(Mutex<HashMap<PathBuf, Arc<Lane>>>);

impl Flushes {
    /// Makes durable what `folder` names now. Blocks.
    pub(super) fn flush(&self, folder: &Path) -> io::Result<()> {
        let lane = {
            let mut lanes = locked(&self.0);
            // Lanes that nobody is in are only referenced by the map.
            lanes.retain(|_, lane| Arc::strong_count(lane) > 1);
            Arc::clone(lanes.entry(folder.to_owned()).or_default())
        };
        lane.flush(|| File::open(folder)?.sync_all())
    }
}

/// The flushes of one folder, one after the other, for threads that may block.
#[derive(Default)]
pub(super) struct Lane(Mutex<State>);

#[derive(Default)]
struct State {
    /// The flush that serves whoever comes now.
    next: Arc<Flush>,
    running: bool,
}

/// One flush, and those who wait for it.
#[derive(Default)]
struct Flush {
    outcome: OnceLock<Outcome>,
    /// Wakes one of them when it can begin, and all when it has ended.
    news: Condvar,
}

/// How something ended that several wait for.
pub(super) type Outcome<T = ()> = Result<T, Arc<io::Error>>;

/// The error, for one of those who waited.
pub(super) fn told(error: &Arc<io::Error>) -> io::Error {
    io::Error::new(error.kind(), Arc::clone(error))
}

impl Lane {
    /// Makes durable what was written before, by this `sync` or by that of somebody who waits as
    /// well. A failure is told to all whom the flush was to serve.
    pub(super) fn flush(&self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let mut state = locked(&self.0);
        let mine = Arc::clone(&state.next);
        let outcome = loop {
            match mine.outcome.get() {
                Some(outcome) => break outcome.clone(),
                None if state.running => {
                    let woken = mine.news.wait(state);
                    state = woken.unwrap_or_else(PoisonError::into_inner);
                }
                None => {
                    state.running = true;
                    state.next = Arc::default();
                    drop(state);
                    let outcome = sync().map_err(Arc::new);
                    let mut state = locked(&self.0);
                    state.running = false;
                    state.next.news.notify_one();
                    mine.news.notify_all();
                    break mine.outcome.get_or_init(|| outcome).clone();
                }
            }
        };
        outcome.map_err(|error| told(&error))
    }
}

/// The flushes of one file, one after the other, for those who wait without a thread.
#[derive(Default)]
pub(super) struct Queue(Mutex<Queued>);

#[derive(Default)]
struct Queued {
    /// Whom the next flush serves.
    waiting: Vec<oneshot::Sender<Outcome>>,
    running: bool,
}

impl Queue {
    /// Asks for a flush of what was written before. The caller has to see to it that the flushes are
    /// [run](Self::run) where nobody else does.
    pub(super) fn enter(&self) -> (oneshot::Receiver<Outcome>, bool) {
        let (told, outcome) = oneshot::channel();
        let mut queued = locked(&self.0);
        queued.waiting.push(told);
        let mine = !std::mem::replace(&mut queued.running, true);
        (outcome, mine)
    }

    /// Flushes until nobody waits. Blocks.
    pub(super) fn run(&self, sync: impl Fn() -> Outcome) {
        loop {
            let waiting = {
                let mut queued = locked(&self.0);
                queued.running = !queued.waiting.is_empty();
                std::mem::take(&mut queued.waiting)
            };
            if waiting.is_empty() {
                return;
            }
            let outcome = sync();
            for told in waiting {
                // Nobody listens where the caller has gone.
                let _ = told.send(outcome.clone());
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::mpsc;
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
    fn a_failure_is_told_to_all_whom_the_flush_was_to_serve_and_to_nobody_else() {
        let lane = Lane::default();
        let (started, ended) = (mpsc::channel(), mpsc::channel());
        std::thread::scope(|scope| {
            let (lane, started) = (&lane, started);
            let first = scope.spawn(move || {
                lane.flush(|| {
                    started.0.send(()).unwrap();
                    ended.1.recv().unwrap();
                    Ok(())
                })
            });
            started.1.recv().unwrap();
            // These come while the first is being served; whichever of them serves them both fails.
            let full = || Err(io::ErrorKind::StorageFull.into());
            let waiting = [(); 2].map(|()| scope.spawn(move || lane.flush(full)));
            while Arc::strong_count(&locked(&lane.0).next) < 3 {
                std::thread::yield_now();
            }
            ended.0.send(()).unwrap();
            first.join().unwrap().unwrap();
            for waited in waiting {
                let error = waited.join().unwrap().unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::StorageFull);
            }
        });
        lane.flush(|| Ok(())).unwrap();
    }

    #[tokio::test]
    async fn whoever_asks_during_a_flush_waits_for_the_next_one() {
        let queue = Arc::new(Queue::default());
        let (started, ended) = (mpsc::channel(), mpsc::channel());
        let (first, mine) = queue.enter();
        assert!(mine);
        let runner = std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                queue.run(|| {
                    started.0.send(()).unwrap();
                    ended.1.recv().unwrap()
                })
            }
        });
        started.1.recv().unwrap();
        let [mut second, third] = [(); 2].map(|()| queue.enter().0);
        ended.0.send(Ok(())).unwrap();
        first.await.unwrap().unwrap();
        started.1.recv().unwrap();
        assert!(second.try_recv().is_err(), "told early");
        let full = io::Error::from(io::ErrorKind::StorageFull);
        ended.0.send(Err(Arc::new(full))).unwrap();
        for told in [second, third] {
            let error = told.await.unwrap().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        }
        runner.join().unwrap();
        assert!(queue.enter().1, "nobody runs them any more");
    }
}
