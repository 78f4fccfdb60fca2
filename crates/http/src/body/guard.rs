//! Patience with bodies: none for those that never come, a little for those nobody wants.
//!
//! A client that sends a byte a minute must not hold an upload open for ever. And a client that is
//! answered before its body was read (413, 404) is often still writing: closing on it at once
//! resets the connection, and the answer is lost on the way. So the rest is read and dropped for
//! a while after the answer has gone out.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::{Instant, Sleep, sleep_until};

/// What is read of an unwanted body, in bytes.
const LINGER_BYTES: usize = 256 << 20;
/// How long an unwanted body is read.
const LINGER: Duration = Duration::from_secs(10);

/// How slow a client may be: `least` bytes in every `window`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// The span.
    pub(crate) window: Duration,
    /// Bytes that must come within it, unless the body ends.
    pub(crate) least: u64,
}

/// The client sent too little for too long.
#[derive(Debug, thiserror::Error)]
#[error("the body stalled")]
pub(crate) struct Stalled;

/// Puts the guard around the request's body.
pub(crate) async fn guard(request: Request, patience: Patience) -> Request {
    // Whoever waits for "100 Continue" is not writing yet; reading would ask for the body.
    let waits = request.headers().contains_key(header::EXPECT);
    request.map(|body| {
        if body.is_end_stream() {
            body
        } else {
            Body::new(Guarded::new(body, patience, waits))
        }
    })
}

struct Guarded {
    /// Gone once the body has ended or failed.
    inner: Option<Body>,
    patience: Patience,
    deadline: Pin<Box<Sleep>>,
    /// Bytes since the window began.
    came: u64,
    /// When the reader was last given something: its own slowness must not count.
    handed_over: Option<Instant>,
    waits: bool,
}

impl Guarded {
    fn new(inner: Body, patience: Patience, waits: bool) -> Self {
        Self {
            inner: Some(inner),
            patience,
            deadline: Box::pin(sleep_until(Instant::now() + patience.window)),
            came: 0,
            // The time until the first read is the reader's, too.
            handed_over: Some(Instant::now()),
            waits,
        }
    }
}

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let this = &mut *self;
        let Some(inner) = &mut this.inner else {
            return Poll::Ready(None);
        };
        this.waits = false;
        if let Some(since) = this.handed_over.take() {
            let deadline = this.deadline.deadline() + since.elapsed();
            this.deadline.as_mut().reset(deadline);
        }
        match Pin::new(inner).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                this.came += frame.data_ref().map_or(0, |data| data.len() as u64);
                let now = Instant::now();
                if this.came >= this.patience.least {
                    this.came = 0;
                    this.deadline.as_mut().reset(now + this.patience.window);
                }
                this.handed_over = Some(now);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                this.inner = None;
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(None) => {
                this.inner = None;
                Poll::Ready(None)
            }
            Poll::Pending => {
                ready!(this.deadline.as_mut().poll(context));
                this.inner = None;
                Poll::Ready(Some(Err(Stalled.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or(SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let unread = self
            .inner
            .take()
            .filter(|body| !self.waits && !body.is_end_stream());
        if let (Some(body), Ok(runtime)) = (unread, tokio::runtime::Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(LINGER, swallow(body)));
        }
    }
}

async fn swallow(mut body: Body) {
    let mut left = LINGER_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const PATIENCE: Patience = Patience {
        window: Duration::from_secs(30),
        least: 100,
    };

    /// A body that brings `chunk` bytes every `pause`, `times` times.
    fn dripping(chunk: usize, pause: Duration, times: usize) -> Body {
        Body::from_stream(futures::stream::unfold(0, move |count| async move {
            if count == times {
                return None;
            }
            tokio::time::sleep(pause).await;
            Some((
                Ok::<_, std::io::Error>(Bytes::from(vec![0; chunk])),
                count + 1,
            ))
        }))
    }

    async fn guarded(body: Body) -> Result<usize, axum::Error> {
        let request = guard(Request::new(body), PATIENCE).await;
        request
            .into_body()
            .collect()
            .await
            .map(|all| all.to_bytes().len())
    }

    #[tokio::test(start_paused = true)]
    async fn a_dripping_client_is_given_up_and_a_slow_one_is_not() {
        let stalled = guarded(dripping(1, Duration::from_secs(1), 1000))
            .await
            .unwrap_err();
        assert!(matches!(
            super::super::BodyFault::of_read(&stalled),
            super::super::BodyFault::Stalled
        ));
        let slow = guarded(dripping(100, Duration::from_secs(29), 20)).await;
        assert_eq!(slow.unwrap(), 2000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_is_not_held_against_the_client() {
        let request = guard(
            Request::new(dripping(10, Duration::from_secs(1), 3)),
            PATIENCE,
        )
        .await;
        let mut body = request.into_body();
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(100)).await;
            assert_eq!(
                body.frame()
                    .await
                    .unwrap()
                    .unwrap()
                    .into_data()
                    .unwrap()
                    .len(),
                10
            );
        }
        assert!(body.frame().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn an_unread_body_is_swallowed_unless_the_client_waits_to_be_asked() {
        for (expect, read) in [(false, 3), (true, 0)] {
            let seen = Arc::new(AtomicUsize::new(0));
            let counter = Arc::clone(&seen);
            let chunks = futures::stream::iter(0..3).map(move |_| {
                counter.fetch_add(1, Ordering::Relaxed);
                Ok::<_, std::io::Error>(Bytes::from_static(b"x"))
            });
            let mut request = Request::new(Body::from_stream(chunks));
            if expect {
                request
                    .headers_mut()
                    .insert(header::EXPECT, "100-continue".parse().unwrap());
            }
            drop(guard(request, PATIENCE).await);
            // The clock stands still until every task is idle.
            tokio::time::sleep(Duration::from_secs(60)).await;
            assert_eq!(seen.load(Ordering::Relaxed), read);
        }
    }

    use futures::StreamExt;
}
