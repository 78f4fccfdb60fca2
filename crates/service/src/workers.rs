//! Threads for slow work: decoding, deriving, rendering, signing.
//!
//! There are as many as the machine has cores, so that the work that takes a core takes its turn,
//! and the work that takes much memory (a photograph of 50 megapixels, a key derivation, a
//! typeset page) is never done many times at once. Few threads also keep few heaps: on the
//! runtime's blocking pool, which grows to hundreds, every thread would hold on to its own.

use rayon::ThreadPool;

use crate::Error;

/// Fewest threads, so that one long job does not stop all others.
const FEWEST: usize = 2;

pub(crate) struct Workers(Option<ThreadPool>);

impl Workers {
    /// Starts the threads. Where the system refuses, work is done on the runtime's own pool.
    pub(crate) fn start() -> Self {
        let cores = std::thread::available_parallelism().map_or(FEWEST, usize::from);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(cores.max(FEWEST))
            .thread_name(|number| format!("worker-{number}"))
            // A panic in one job is that job's: its caller learns of it by the lost answer.
            .panic_handler(|_| tracing::error!("a worker's job panicked"))
            .build();
        if let Err(error) = &pool {
            tracing::warn!(%error, "no threads for slow work");
        }
        Self(pool.ok())
    }

    /// Runs `work` when its turn comes.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let job = move || drop(answer.send(work()));
        match &self.0 {
            Some(pool) => pool.spawn(job),
            None => drop(tokio::task::spawn_blocking(job)),
        }
        answered
            .await
            .map_err(|_| Error::Internal("a worker stopped unexpectedly".into()))
    }
}
