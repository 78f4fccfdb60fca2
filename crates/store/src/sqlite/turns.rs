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
