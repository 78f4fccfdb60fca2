//! Sessions with a token: a bounded number, each used by one thread at a time, all opened anew when
//! the token went away.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Function, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::Slot;

use crate::token::{HsmError, Settings};

/// Sessions with one token.
pub(crate) struct Pool {
    module: Pkcs11,
    settings: Settings,
    state: Mutex<State>,
    returned: Condvar,
}

struct State {
    slot: Slot,
    idle: Vec<Session>,
    /// Idle sessions and those in use.
    open: usize,
    /// Counts how often all sessions were given up. Handles of keys live no longer than that.
    generation: u64,
    /// The module is being initialised anew: nobody else may be inside it.
    renewing: bool,
    /// The token refused the PIN. Trying again would lock it.
    wrong_pin: bool,
}

/// A session in use, and the generation that it is of.
struct Lease<'a> {
    pool: &'a Pool,
    session: Option<Session>,
    generation: u64,
}

impl Pool {
    /// Loads the module, finds the token and logs in once.
    pub(crate) fn open(settings: Settings) -> Result<Self, HsmError> {
        let module = Pkcs11::new(&settings.module).map_err(|error| HsmError::Module {
            path: settings.module.clone(),
            reason: error.to_string(),
        })?;
        initialize(&module)?;
        let slot = find_slot(&module, &settings)?;
        let pool = Self {
            module,
            settings,
            state: Mutex::new(State {
                slot,
                idle: Vec::new(),
                open: 0,
                generation: 0,
                renewing: false,
                wrong_pin: false,
            }),
            returned: Condvar::new(),
        };
        pool.lease()?;
        Ok(pool)
    }

    /// Does `work` with a session, waiting for one where all are in use. If the token has gone away,
    /// it is looked for and the work done once more.
    pub(crate) fn with<T>(
        &self,
        work: impl Fn(&Session, u64) -> Result<T, HsmError>,
    ) -> Result<T, HsmError> {
        let mut again = true;
        loop {
            let generation = self.state().generation;
            match self.lease().and_then(|lease| lease.run(&work)) {
                Err(HsmError::Token(error)) if again && is_loss(&error) => {
                    tracing::warn!(%error, "the token's sessions are gone; opening new ones");
                    self.renew(generation)?;
                    again = false;
                }
                outcome => return outcome,
            }
        }
    }

    fn lease(&self) -> Result<Lease<'_>, HsmError> {
        let mut state = self.state();
        loop {
            if state.wrong_pin {
                return Err(HsmError::Pin);
            }
            if state.renewing {
                state = self.wait(state);
                continue;
            }
            let generation = state.generation;
            if let Some(session) = state.idle.pop() {
                return Ok(Lease {
                    pool: self,
                    session: Some(session),
                    generation,
                });
            }
            if state.open < self.settings.sessions.max(1) {
                state.open += 1;
                let slot = state.slot;
                drop(state);
                // From here on the lease's end gives the place back, also after a failure.
                let mut lease = Lease {
                    pool: self,
                    session: None,
                    generation,
                };
                lease.session = Some(self.log_in(slot)?);
                return Ok(lease);
            }
            state = self.wait(state);
        }
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let woken = self.returned.wait(state);
        woken.unwrap_or_else(PoisonError::into_inner)
    }

    fn log_in(&self, slot: Slot) -> Result<Session, HsmError> {
        let session = self.module.open_rw_session(slot)?;
        match session.login(UserType::User, Some(&self.settings.pin)) {
            // All sessions of a process share one login.
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(Error::Pkcs11(
                RvError::PinIncorrect
                | RvError::PinInvalid
                | RvError::PinLenRange
                | RvError::PinLocked
                | RvError::PinExpired,
                _,
            )) => {
                self.state().wrong_pin = true;
                Err(HsmError::Pin)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Gives all sessions of a generation up, initialises the module anew, since some never notice
    /// that a token is back, and looks for the token.
    fn renew(&self, lost: u64) -> Result<(), HsmError> {
        let mut state = self.state();
        if state.generation != lost {
            return Ok(());
        }
        state.generation += 1;
        state.open -= state.idle.len();
        state.idle.clear();
        state.renewing = true;
        while state.open > 0 {
            state = self.wait(state);
        }
        // It fails where the module was never initialised, or is beyond that.
        let _ = self.module.clone().finalize();
        let found = initialize(&self.module).and_then(|()| find_slot(&self.module, &self.settings));
        if let Ok(slot) = found {
            state.slot = slot;
        }
        state.renewing = false;
        drop(state);
        self.returned.notify_all();
        found.map(drop)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What is inside stays whole between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn generation(&self) -> u64 {
        self.state().generation
    }

    /// Ends all sessions behind the pool's back, as a token does that is pulled out.
    #[cfg(test)]
    pub(crate) fn pull_out(&self) {
        self.module.clone().finalize().unwrap();
    }

    /// Ends the login of all sessions behind the pool's back, as a token does that resets itself.
    #[cfg(test)]
    pub(crate) fn log_out(&self) {
        self.with(|session, _| Ok(session.logout()?)).unwrap();
    }
}

impl Lease<'_> {
    fn run<T>(
        mut self,
        work: impl Fn(&Session, u64) -> Result<T, HsmError>,
    ) -> Result<T, HsmError> {
        let session = self
            .session
            .take()
            .ok_or(HsmError::Token(Error::InvalidValue))?;
        let mut outcome = work(&session, self.generation);
        // Who is logged out sees no keys: what failed may be there after all.
        if outcome.is_err()
            && let Ok(info) = session.get_session_info()
            && info.session_state() != SessionState::RwUser
        {
            let lost = Error::Pkcs11(RvError::UserNotLoggedIn, Function::GetSessionInfo);
            outcome = Err(HsmError::Token(lost));
        }
        if !matches!(&outcome, Err(HsmError::Token(error)) if is_loss(error)) {
            self.session = Some(session);
        }
        outcome
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.state();
        match self.session.take() {
            Some(session) if state.generation == self.generation => state.idle.push(session),
            _ => state.open -= 1,
        }
        drop(state);
        self.pool.returned.notify_all();
    }
}

fn initialize(module: &Pkcs11) -> Result<(), HsmError> {
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn find_slot(module: &Pkcs11, settings: &Settings) -> Result<Slot, HsmError> {
    for slot in module.get_slots_with_initialized_token()? {
        let info = module.get_token_info(slot)?;
        let fits = |wanted: &Option<String>, is: &str| {
            wanted
                .as_deref()
                .is_none_or(|wanted| wanted == is.trim_end())
        };
        if fits(&settings.token, info.label()) && fits(&settings.serial, info.serial_number()) {
            return Ok(slot);
        }
    }
    Err(HsmError::Absent)
}

/// Whether an error means that sessions are over, rather than that the work is refused.
fn is_loss(error: &Error) -> bool {
    use RvError::{
        CryptokiNotInitialized, DeviceError, DeviceRemoved, GeneralError, SessionClosed,
        SessionHandleInvalid, SlotIdInvalid, TokenNotPresent, TokenNotRecognized, UserNotLoggedIn,
    };
    matches!(
        error,
        Error::Pkcs11(
            CryptokiNotInitialized
                | DeviceError
                | DeviceRemoved
                | GeneralError
                | SessionClosed
                | SessionHandleInvalid
                | SlotIdInvalid
                | TokenNotPresent
                | TokenNotRecognized
                | UserNotLoggedIn,
            _
        )
    )
}

#[cfg(test)]
mod tests {
    use crypto::{KeyAlgorithm, SigningKey};
    use testkit::{SoftHsm, in_token};

    use super::Pool;
    use crate::{Settings, Token};

    #[test]
    fn a_token_that_was_pulled_out_and_put_back_signs_again() {
        if !in_token("pool::tests::a_token_that_was_pulled_out_and_put_back_signs_again") {
            return;
        }
        let token = Token::open(Settings {
            module: SoftHsm::module(),
            token: Some(SoftHsm::LABEL.to_owned()),
            serial: None,
            pin: SoftHsm::PIN.to_owned().into(),
            sessions: 2,
        })
        .unwrap();
        let key = token.generate(KeyAlgorithm::EcdsaP256, "key").unwrap();
        for lose in [Pool::pull_out, Pool::log_out, Pool::pull_out] {
            let pool = &token.inner.pool;
            let before = pool.generation();
            lose(pool);
            let signature = key.sign(b"message").unwrap();
            crypto::verify(key.public_key_info(), b"message", &signature).unwrap();
            assert_eq!(pool.generation(), before + 1);
        }
    }
}
