//! Work that is done after the answer: approvals and signatures of asynchronous requests.
//!
//! A job is a row, written in the transaction that the answer tells of, so that it survives
//! whatever happens to the server. An attempt does what the same call would have done at once; a job
//! whose request has moved on meanwhile is done. What a client got wrong is not tried again, what
//! went wrong here is.

use std::time::Duration;

use model::{RequestPk, Status, Trigger, transition};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{JobKind, LeasedJob, Tx, jobs};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::advance::Actor;
use crate::case::Case;
use crate::credentials::Credentials;
use crate::decisions::Approval;
use crate::signing::{Consent, SignCommand, SignOrder};
use crate::tokens::StoredCredentials;
use crate::{Error, Service};

/// How long an attempt may take before somebody else may try.
const LEASE: time::Duration = time::Duration::seconds(30);
/// Attempts before a job is given up, the first included; they are spread over more time than wrong
/// passwords block an officer.
const ATTEMPTS: i64 = 12;
/// Attempts at the same time.
const SIDE_BY_SIDE: usize = 16;
/// How often to look although nobody called: for what another process queued or left behind.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// How far an asynchronous request has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The request is not asynchronous.
    Unknown,
    /// Waits for its approval.
    Created,
    /// Waits for its signature.
    Approved,
    /// Is being signed.
    Signing,
    /// Done.
    Signed,
    /// The last step failed and is not tried again; why, as far as it may be told.
    Failed(String),
}

/// What became of a call to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningTurn {
    /// All is signed.
    Done,
    /// It will be, in the background.
    Queued,
}

/// A sealed approval.
#[derive(Serialize, Deserialize)]
struct ApprovalJob {
    officer: StoredCredentials,
    rao: Option<String>,
}

/// A sealed signature. What it may do was agreed to when it was queued.
#[derive(Serialize, Deserialize)]
struct SigningJob {
    consent: Consent,
    order: SignOrder,
}

impl Service {
    /// How far an asynchronous request has come.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRequest`].
    pub async fn progress(&self, id: i64) -> Result<Progress, Error> {
        let mut reader = self.store().read().await?;
        let case = self.find(&mut reader, id).await?;
        if !case.row.asynchronous {
            return Ok(Progress::Unknown);
        }
        let (kind, waiting, under_way) = match case.row.status {
            Status::Issued | Status::Renewed => return Ok(Progress::Signed),
            Status::Cancelled => return Ok(Progress::Failed("the request was cancelled".into())),
            Status::EnrollReady => (JobKind::Sign, Progress::Approved, Progress::Signing),
            _ => (JobKind::Approve, Progress::Created, Progress::Created),
        };
        Ok(match jobs::get(&mut reader, case.pk(), kind).await? {
            None => waiting,
            Some(job) if job.given_up => Progress::Failed(job.last_error.unwrap_or_default()),
            Some(_) => under_way,
        })
    }

    /// Signs as [`Service::sign`] does, in the background where the request is asynchronous or
    /// `later` makes it so. The code is checked at once in either case.
    ///
    /// # Errors
    ///
    /// As [`Service::sign`].
    pub async fn sign_in_turn(
        &self,
        id: i64,
        command: SignCommand,
        later: bool,
    ) -> Result<SigningTurn, Error> {
        self.settling(self.take_turn(id, command, later)).await
    }

    async fn take_turn(
        &self,
        id: i64,
        command: SignCommand,
        later: bool,
    ) -> Result<SigningTurn, Error> {
        let mut reader = self.store().read_ahead().await?;
        let case = self.find(&mut reader, id).await?;
        drop(reader);
        if !later && !case.row.asynchronous {
            self.sign_now(case.pk(), command).await?;
            return Ok(SigningTurn::Done);
        }
        let _turn = self.inner.per_request.lock(case.pk()).await;
        let standing = self.standing(case.pk()).await?;
        let consent = self.consent(&standing, &command).await?;
        let order = command.order;
        self.rehearse(standing, order.clone()).await?;

        let mut tx = self.store().begin().await?;
        let mut case = self.relock(&mut tx, case.pk()).await?;
        transition(case.row.status, Trigger::Enrol)?;
        if !case.row.asynchronous {
            case.row.asynchronous = true;
            store::requests::update(&mut tx, &case.row).await?;
        }
        self.queue_job(
            &mut tx,
            &case,
            JobKind::Sign,
            &SigningJob { consent, order },
        )
        .await?;
        self.commit_job(tx).await?;
        Ok(SigningTurn::Queued)
    }

    /// Queues the approval of a request by an officer whose credentials are spelt out.
    pub(crate) async fn queue_approval(
        &self,
        tx: &mut Tx,
        case: &Case,
        credentials: Credentials,
    ) -> Result<(), Error> {
        let Credentials {
            username,
            password,
            pin,
            rao,
            ..
        } = credentials;
        let plain = |secret: SecretString| secret.expose_secret().to_owned();
        let officer = StoredCredentials {
            username: username.unwrap_or_default(),
            password: password.map(plain),
            pin: pin.map(plain),
        };
        self.queue_job(tx, case, JobKind::Approve, &ApprovalJob { officer, rao })
            .await
    }

    async fn queue_job<T: Serialize>(
        &self,
        tx: &mut Tx,
        case: &Case,
        kind: JobKind,
        payload: &T,
    ) -> Result<(), Error> {
        let sealed = case.seal(self, context(kind), payload)?;
        if jobs::enqueue(tx, case.pk(), kind, &sealed, self.now()).await? {
            let details = json!({ "job": name(kind) });
            self.record(tx, Actor::Client, "job-queued", Some(case), details)
                .await?;
        }
        Ok(())
    }

    /// Commits, and tells whoever runs jobs that one may wait.
    pub(crate) async fn commit_job(&self, tx: Tx) -> Result<(), Error> {
        self.commit(tx).await?;
        self.inner.jobs.notify_one();
        Ok(())
    }

    /// Runs jobs until told to stop, then waits for the attempts under way.
    pub async fn run_jobs(self, stop: CancellationToken) {
        let mut attempts = JoinSet::new();
        loop {
            let pause = match self.start_due(&mut attempts).await {
                Ok(pause) => pause,
                Err(error) => {
                    warn!(%error, "the jobs cannot be read");
                    LOOK_AGAIN
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.inner.jobs.notified() => {}
                Some(_) = attempts.join_next(), if !attempts.is_empty() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        while attempts.join_next().await.is_some() {}
    }

    /// Starts an attempt at everything that is due and says how long nothing else will be.
    async fn start_due(&self, attempts: &mut JoinSet<()>) -> Result<Duration, Error> {
        while attempts.try_join_next().is_some() {}
        let due = {
            let mut reader = self.store().read().await?;
            jobs::next_due_at(&mut reader).await?
        };
        // Only a read so far: looking must not keep writers waiting.
        let Some(due) = due else {
            return Ok(LOOK_AGAIN);
        };
        let now = self.now();
        if due > now {
            return Ok(Duration::try_from(due - now).map_or(LOOK_AGAIN, |it| it.min(LOOK_AGAIN)));
        }
        let room = SIDE_BY_SIDE.saturating_sub(attempts.len());
        if room == 0 {
            return Ok(LOOK_AGAIN);
        }
        let mut tx = self.store().begin().await?;
        let leased = jobs::lease(&mut tx, now, LEASE, room as i64).await?;
        tx.commit().await?;
        // Due, yet not leased: another process has it.
        let pause = if leased.is_empty() {
            LOOK_AGAIN
        } else {
            Duration::ZERO
        };
        for job in leased {
            let service = self.clone();
            attempts.spawn(async move { service.attempt(job).await });
        }
        Ok(pause)
    }

    /// One attempt and the report on it.
    async fn attempt(&self, job: LeasedJob) {
        let outcome = self.work_on(&job).await;
        if let Err(error) = &outcome {
            let (request, attempt) = (job.request, job.attempts);
            warn!(%request, job = name(job.kind), attempt, %error, "an attempt failed");
        }
        // A report that is lost costs a repetition when the lease ends, no more.
        if let Err(error) = self.report(&job, outcome).await {
            let request = job.request;
            warn!(%request, job = name(job.kind), %error, "the outcome is not recorded");
        }
    }

    async fn work_on(&self, job: &LeasedJob) -> Result<(), Error> {
        let case = self.job_case(job.request).await?;
        match (job.kind, case.row.status) {
            (JobKind::Approve, Status::Created) => {
                let ApprovalJob { officer, rao } = case.unseal(context(job.kind), &job.payload)?;
                let credentials = Credentials {
                    token: None,
                    username: Some(officer.username),
                    password: officer.password.map(SecretString::from),
                    pin: officer.pin.map(SecretString::from),
                    rao,
                };
                let officer = self.verify_officer(credentials, case.row.ra).await?;
                self.approve_by(case.pk(), &officer, Approval::default())
                    .await
            }
            (JobKind::Sign, Status::EnrollReady) => {
                let SigningJob { consent, order } = case.unseal(context(job.kind), &job.payload)?;
                self.sign_as_agreed(case.pk(), consent, order).await
            }
            // Done by an attempt that could not report it, done by somebody else, or cancelled.
            _ => Ok(()),
        }
    }

    async fn job_case(&self, pk: RequestPk) -> Result<Case, Error> {
        let mut reader = self.store().read().await?;
        self.reopen(&mut reader, pk).await
    }

    async fn report(&self, job: &LeasedJob, outcome: Result<(), Error>) -> Result<(), Error> {
        let mut tx = self.store().begin().await?;
        match outcome {
            Ok(()) => {
                jobs::done(&mut tx, job).await?;
            }
            Err(error) if passes(&error) && job.attempts < ATTEMPTS => {
                let next_at = self.now() + pause_after(job.attempts);
                jobs::failed(&mut tx, job, next_at, &told(&error)).await?;
            }
            Err(error) => {
                let case = self.relock(&mut tx, job.request).await?;
                let reason = told(&error);
                if jobs::given_up(&mut tx, job, &reason).await? {
                    let details = json!({ "job": name(job.kind), "reason": reason });
                    self.record(&mut tx, Actor::System, "job-given-up", Some(&case), details)
                        .await?;
                }
            }
        }
        self.commit(tx).await
    }
}

/// Whether another attempt may fare better.
fn passes(error: &Error) -> bool {
    matches!(
        error,
        Error::Internal(_)
            | Error::StorageFull
            | Error::NoKeyReady { .. }
            | Error::NoTimeStamp { .. }
            | Error::CredentialBlocked
    )
}

/// Why an attempt failed, as far as clients may know.
fn told(error: &Error) -> String {
    match error {
        Error::Internal(_) => "the server failed".to_owned(),
        other => other.to_string(),
    }
}

/// One second, then twice as long each time, up to five minutes.
fn pause_after(attempts: i64) -> time::Duration {
    let doublings = attempts.clamp(1, 10) - 1;
    time::Duration::seconds((1 << doublings).min(300))
}

/// What a sealed payload is bound to.
fn context(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Approve => "approval-job",
        JobKind::Sign => "signing-job",
    }
}

/// What logs call a job.
fn name(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Approve => "approval",
        JobKind::Sign => "signature",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_outlast_the_time_for_which_wrong_passwords_block() {
        let pauses: Vec<_> = (1..ATTEMPTS).map(pause_after).collect();
        assert_eq!(pauses[0], time::Duration::SECOND);
        assert!(pauses.is_sorted());
        let whole: time::Duration = pauses.into_iter().sum();
        assert!(whole > crate::credentials::PAUSE, "{whole}");
    }

    #[test]
    fn a_client_is_not_told_of_our_insides() {
        let inside = Error::Internal("table job is locked".to_owned());
        assert!(passes(&inside));
        assert_eq!(told(&inside), "the server failed");
        assert!(!passes(&Error::WrongCredentials));
        assert_eq!(told(&Error::WrongCredentials), "wrong officer credentials");
    }
}
