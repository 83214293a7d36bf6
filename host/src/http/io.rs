//! A socket whose writes have a deadline.
//!
//! hyper does not poll a body while the socket is full, so a time-out inside
//! the body never fires. It has to be here.

use super::takeover::Slot;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// A socket whose write fails after `patience` without progress.
pub(super) struct DeadlineIo<T> {
    inner: T,
    patience: Duration,
    /// The deadline while a write is blocked; most connections never have one.
    waiting: Option<Pin<Box<Sleep>>>,
    /// The slot that learns whether a write is blocked.
    told: Option<Arc<Slot>>,
}

/// Makes the kernel drop a connection whose peer does not acknowledge data for
/// this long (RFC 5482).
pub(super) fn give_up_after(socket: &TcpStream, patience: Duration) {
    let ms = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
    // If it can't be set, the write deadline finds the lost peer later.
    let _ = rustix::net::sockopt::set_tcp_user_timeout(socket, ms);
}

impl<T> DeadlineIo<T> {
    pub fn new(inner: T, patience: Duration) -> DeadlineIo<T> {
        DeadlineIo {
            inner,
            patience,
            waiting: None,
            told: None,
        }
    }

    /// Reports blocked writes to this slot.
    pub fn telling(self, told: Arc<Slot>) -> DeadlineIo<T> {
        let told = Some(told);
        DeadlineIo { told, ..self }
    }

    pub fn into_inner(self) -> T {
        self.inner
    }

    fn checked<R>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if let Some(told) = &self.told {
            told.blocked.store(written.is_pending(), Ordering::Relaxed);
        }
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let patience = self.patience;
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(sleep(patience)));
        match waiting.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for DeadlineIo<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for DeadlineIo<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.checked(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.checked(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        self.checked(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
