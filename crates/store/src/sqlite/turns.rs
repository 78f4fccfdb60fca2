//! Turns at the one connection that writes.
//!
//! Whoever comes while nobody has the turn takes it at once, before those who waited and are still being
//! woken: else the connection would idle for as long as that takes, which is longer than most
//! transactions. Those who waited are woken in the order in which they came.

use std::ops::{Deref, DerefMut};
use std::pin::pin;
use std::sync::Arc;

use tokio::sync::{Mutex, Notify, OwnedMutexGuard};

/// Something of which there is one, and turns at it.
pub(super) struct Turns<T> {
    one: Arc<Mutex<T>>,
    free: Arc<Notify>,
}

/// A turn, until it is dropped.
pub(super) struct Turn<T> {
    /// `None` only while it is dropped.
    one: Option<OwnedMutexGuard<T>>,
    free: Arc<Notify>,
}

impl<T> Turns<T> {
    pub(super) fn new(one: T) -> Self {
        Self {
            one: Arc::new(Mutex::new(one)),
            free: Arc::default(),
        }
    }

    /// Waits for its turn.
    pub(super) async fn take(&self) -> Turn<T> {
        let mut freed = pin!(self.free.notified());
        loop {
            // From here on it is woken, should the turn become free behind its back.
            freed.as_mut().enable();
            if let Ok(one) = Arc::clone(&self.one).try_lock_owned() {
                return Turn {
                    one: Some(one),
                    free: Arc::clone(&self.free),
                };
            }
            freed.as_mut().await;
            freed.set(self.free.notified());
        }
    }
}

impl<T> Clone for Turns<T> {
    fn clone(&self) -> Self {
        Self {
            one: Arc::clone(&self.one),
            free: Arc::clone(&self.free),
        }
    }
}

impl<T> Deref for Turn<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.one.as_ref().expect("it is not being dropped")
    }
}

impl<T> DerefMut for Turn<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.one.as_mut().expect("it is not being dropped")
    }
}

impl<T> Drop for Turn<T> {
    fn drop(&mut self) {
        self.one = None;
        self.free.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::task::JoinSet;
    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_millis(20);
    const PATIENCE: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn whoever_comes_while_it_is_free_does_not_wait_for_those_being_woken() {
        let turns = Turns::new(());
        let first = turns.take().await;
        let waiting = tokio::spawn({
            let turns = turns.clone();
            async move { drop(turns.take().await) }
        });
        tokio::time::sleep(SOON).await;
        drop(first);
        // On this one thread nobody else has run since.
        let second = timeout(Duration::ZERO, turns.take()).await;
        drop(second.expect("it is free"));
        timeout(PATIENCE, waiting)
            .await
            .expect("it is woken")
            .unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_at_a_time_and_nobody_is_forgotten_when_others_leave() {
        let turns = Turns::new(0);
        let mut crowd = JoinSet::new();
        for number in 0..200 {
            let turns = turns.clone();
            crowd.spawn(async move {
                let patience = match number % 3 {
                    0 => Duration::from_micros(50 * number),
                    _ => PATIENCE,
                };
                let Ok(mut turn) = timeout(patience, turns.take()).await else {
                    return false;
                };
                let before = *turn;
                tokio::task::yield_now().await;
                *turn = before + 1;
                true
            });
        }
        let had = timeout(PATIENCE, crowd.join_all())
            .await
            .expect("nobody hangs");
        let had = had.into_iter().filter(|had| *had).count();
        assert_eq!(*turns.take().await, had);
        assert!(had >= 133);
    }
}
