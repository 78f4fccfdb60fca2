//! Who has signed in to sign, between the code and the signature. Kept in memory only, and not for
//! long: it holds a password.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::Entropy;
use secrecy::SecretString;
use service::enrolment::CloudCredentials;
use tokio::time::Instant;

/// Longer than any code.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// Only right passwords open one, so that nobody but holders can fill this.
const MOST: usize = 10_000;

/// Someone who typed the right password.
#[derive(Clone)]
pub(crate) struct Session {
    /// The name that was typed.
    pub(crate) username: String,
    /// Where the code went, all but its end hidden.
    pub(crate) masked_phone: String,
    password: SecretString,
}

impl Session {
    pub(crate) fn new(credentials: CloudCredentials, masked_phone: String) -> Self {
        Self {
            username: credentials.username,
            masked_phone,
            password: credentials.password,
        }
    }

    /// What was typed.
    pub(crate) fn credentials(&self) -> CloudCredentials {
        CloudCredentials {
            username: self.username.clone(),
            password: self.password.clone(),
        }
    }
}

/// All of them, by the name that a cookie holds.
pub(crate) struct Sessions {
    entropy: Arc<dyn Entropy>,
    held: Mutex<HashMap<String, (Session, Instant)>>,
}

impl Sessions {
    pub(crate) fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self {
            entropy,
            held: Mutex::default(),
        }
    }

    /// Keeps a session; answers its name.
    pub(crate) fn open(&self, session: Session) -> String {
        let mut name = [0; 16];
        self.entropy.fill(&mut name);
        let name = hex::encode(name);
        let now = Instant::now();
        let mut held = self.held();
        held.retain(|_, (_, until)| *until > now);
        if held.len() >= MOST {
            let oldest = held.iter().min_by_key(|(_, (_, until))| *until);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                held.remove(&oldest);
            }
        }
        held.insert(name.clone(), (session, now + LIFETIME));
        name
    }

    /// The session of that name.
    pub(crate) fn find(&self, name: &str) -> Option<Session> {
        let held = self.held();
        let (session, until) = held.get(name)?;
        (*until > Instant::now()).then(|| session.clone())
    }

    /// Forgets it.
    pub(crate) fn close(&self, name: &str) {
        self.held().remove(name);
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, (Session, Instant)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use tokio::time::advance;

    use super::*;

    #[derive(Default)]
    struct Counting(AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_ends_by_itself_and_by_demand() {
        let sessions = Sessions::new(Arc::new(Counting::default()));
        let credentials = || CloudCredentials {
            username: "1".to_owned(),
            password: "p".into(),
        };
        let first = sessions.open(Session::new(credentials(), "7".to_owned()));
        let second = sessions.open(Session::new(credentials(), "7".to_owned()));
        assert_ne!(first, second);
        sessions.close(&second);
        assert!(sessions.find(&second).is_none());
        advance(LIFETIME - Duration::from_secs(1)).await;
        assert_eq!(sessions.find(&first).unwrap().username, "1");
        advance(Duration::from_secs(1)).await;
        assert!(sessions.find(&first).is_none());
    }
}
