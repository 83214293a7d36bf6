//! The streams of an HTTP/2 connection: how many are open, and ending those
//! that their client does not read.
//!
//! hyper buffers what does not fit the client's window and does not poll the
//! body meanwhile, so neither a deadline in the body nor one at the socket ends
//! such a stream. It is ended here by dropping hyper's task for it: the other
//! streams continue, and the client receives `RST_STREAM`.

use super::BoxFuture;
use super::reply::{Body, Reply};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::Response;
use hyper::rt::Executor;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// Tells when the stream of the running task is to be given up, once known.
#[derive(Default)]
struct GivenUp(Mutex<Option<BoxFuture<()>>>);

impl GivenUp {
    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut when = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match when.as_mut() {
            Some(when) => when.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

tokio::task_local! {
    static GIVEN_UP: Arc<GivenUp>;
}

/// Runs each stream in its own task until it is given up.
#[derive(Clone, Copy)]
pub(super) struct StreamTasks;

impl<F> Executor<F> for StreamTasks
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let given_up = Arc::new(GivenUp::default());
        let until = given_up.clone();
        tokio::spawn(GIVEN_UP.scope(given_up, async move {
            let mut stream = pin!(stream);
            poll_fn(|cx| match stream.as_mut().poll(cx) {
                Poll::Ready(_) => Poll::Ready(()),
                Poll::Pending => until.poll(cx),
            })
            .await;
        }));
    }
}

/// Counts the open streams of one connection.
pub(super) struct Open(watch::Sender<usize>);

impl Open {
    pub fn new() -> Arc<Open> {
        Arc::new(Open(watch::Sender::new(0)))
    }

    /// Counts one more stream until the returned guard is dropped.
    pub fn begin(self: &Arc<Open>) -> Begun {
        self.0.send_modify(|open| *open += 1);
        Begun(self.clone())
    }

    /// Returns after no stream was open for `patience`.
    pub async fn none_for(&self, patience: Duration) {
        let mut open = self.0.subscribe();
        // The sender lives in `self`, so neither wait can fail.
        loop {
            let _ = open.wait_for(|open| *open == 0).await;
            if timeout(patience, open.wait_for(|open| *open > 0))
                .await
                .is_err()
            {
                return;
            }
        }
    }
}

/// Guard of an open stream.
pub(super) struct Begun(Arc<Open>);

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.0.send_modify(|open| *open -= 1);
    }
}

impl Begun {
    /// Keeps the stream counted until this answer is sent or given up: a
    /// streaming answer says when, a whole one is given up after `patience`.
    pub fn answers(self, reply: Reply, patience: Duration) -> Response<Counted> {
        let when: BoxFuture<()> = match reply.body() {
            Body::Endless(endless) => endless.given_up(),
            _ => Box::pin(sleep(patience)),
        };
        // Set in every task that `StreamTasks` runs.
        let _ = GIVEN_UP.try_with(|given_up| {
            *given_up.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(when);
        });
        reply.map(|body| Counted { body, _begun: self })
    }
}

/// A body that keeps its stream counted.
pub(super) struct Counted {
    body: Body,
    _begun: Begun,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}
