//! The way out of one connection: frames that wait, and the socket they go to.
//!
//! Frames are written by whoever brings them, at once; only what the socket
//! does not take waits, and then the connection's own task goes on when there
//! is room. Nothing here blocks.

use super::frame::{Frame, LAST_CHUNK};
use super::limits::{Limits, Tick};
use super::socket::{heard, write_all};
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::net::TcpStream;

/// The most that a body takes at once.
const PIECE: usize = 16 << 10;

/// Where frames go.
enum Sink {
    /// Nowhere yet, or into a body that takes them by itself.
    Body,
    /// To a socket of its own.
    Socket(TcpStream),
}

/// What waits for one connection's socket, and the socket.
pub(super) struct SendBuffer {
    limits: Arc<Limits>,
    sink: Sink,
    chunked: bool,
    queue: VecDeque<Bytes>,
    queued: usize,
    /// No more is added; it is over when the queue is empty.
    ended: bool,
    /// It is over now.
    cut: bool,
    /// Since when nothing got out that waits.
    stuck: Option<Tick>,
    last_write: Tick,
    chatter: usize,
    waker: Option<Waker>,
}

impl SendBuffer {
    pub fn new(limits: Arc<Limits>, chunked: bool) -> SendBuffer {
        SendBuffer {
            last_write: limits.now(),
            limits,
            sink: Sink::Body,
            chunked,
            queue: VecDeque::new(),
            queued: 0,
            ended: false,
            cut: false,
            stuck: None,
            chatter: 0,
            waker: None,
        }
    }

    /// Adds a frame. To be followed by [`SendBuffer::flush`].
    pub fn push(&mut self, frame: &Frame) {
        frame.parts(self.chunked).for_each(|part| self.add(part));
    }

    fn add(&mut self, bytes: Bytes) {
        self.queued += bytes.len();
        self.queue.push_back(bytes);
    }

    /// Has what follows go to a socket, behind `head`.
    pub fn attach(&mut self, socket: TcpStream, head: Bytes) {
        self.queued += head.len();
        self.queue.push_front(head);
        self.sink = Sink::Socket(socket);
        self.flush();
    }

    /// Bytes that wait.
    pub fn waiting(&self) -> usize {
        self.queued
    }

    /// Whether it takes no more.
    pub fn over(&self) -> bool {
        self.ended || self.cut
    }

    /// Since when nothing got out that waits.
    pub fn stuck(&self) -> Option<Tick> {
        self.stuck
    }

    /// When something was written last.
    pub fn last_write(&self) -> Tick {
        self.last_write
    }

    /// Ends it behind what waits.
    pub fn end(&mut self) {
        if !self.over() {
            self.ended = true;
            if self.chunked {
                self.add(LAST_CHUNK);
            }
            self.flush();
            self.wake();
        }
    }

    /// Whether it was ended at once.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Releases its socket and what waits.
    pub fn close(&mut self) {
        self.cut();
        self.sink = Sink::Body;
    }

    /// Ends it now, and releases what waits.
    pub fn cut(&mut self) {
        self.cut = true;
        self.queue = VecDeque::new();
        self.queued = 0;
        self.wake();
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Sends what waits, as far as it goes without waiting.
    pub fn flush(&mut self) {
        let was_stuck = self.stuck.is_some();
        if let Sink::Socket(socket) = &self.sink {
            match write_all(socket, &mut self.queue) {
                Ok(0) => {}
                Ok(written) => {
                    self.gone(written);
                    self.stuck = None;
                }
                Err(_) => self.cut = true,
            }
        }
        if self.queue.is_empty() {
            return;
        }
        let now = self.limits.now();
        self.stuck.get_or_insert(now);
        // The task looks for room from now on; a body takes it.
        if !was_stuck || matches!(self.sink, Sink::Body) {
            self.wake();
        }
    }

    fn gone(&mut self, bytes: usize) {
        self.queued -= bytes;
        self.last_write = self.limits.now();
        if self.queue.is_empty() {
            // Most connections have nothing waiting: not even room for it.
            self.queue = VecDeque::new();
        }
    }

    /// Goes on until the socket is full, the other side is gone (`Ready`), or
    /// there is nothing to do; then the context's task is woken in time.
    pub fn poll_socket(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Sink::Socket(socket) = &self.sink else {
            return Poll::Ready(());
        };
        if self.cut || heard(socket, &mut self.chatter, cx) {
            // What the kernel still holds for it is of no use to anyone.
            if self.stuck.is_some() {
                let _ = socket.set_zero_linger();
            }
            return Poll::Ready(());
        }
        while !self.queue.is_empty() {
            let Sink::Socket(socket) = &self.sink else {
                break;
            };
            match socket.poll_write_ready(cx) {
                Poll::Ready(Ok(())) => self.flush(),
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => break,
            }
            if self.cut {
                return Poll::Ready(());
            }
        }
        if self.ended && self.queue.is_empty() {
            return Poll::Ready(());
        }
        self.wait(cx.waker());
        Poll::Pending
    }

    /// Wakes this one when there is something to do.
    pub fn wait(&mut self, waker: &Waker) {
        if !self.waker.as_ref().is_some_and(|w| w.will_wake(waker)) {
            self.waker = Some(waker.clone());
        }
    }

    /// Whether it was cut; if not, wakes this one then.
    pub fn poll_cut(&mut self, waker: &Waker) -> Poll<()> {
        if self.cut {
            return Poll::Ready(());
        }
        self.wait(waker);
        Poll::Pending
    }

    /// Takes some of what waits, as one piece, for a body; `None` at its end, an
    /// error where it is cut.
    ///
    /// Whoever takes it looks for more only when all of it is gone. So what is
    /// large goes in pieces, and each one that is asked for is progress.
    pub fn take(&mut self, waker: &Waker) -> Poll<Option<io::Result<Bytes>>> {
        if self.cut {
            return Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())));
        }
        let Some(piece) = self.piece() else {
            if self.ended {
                return Poll::Ready(None);
            }
            self.wait(waker);
            return Poll::Pending;
        };
        self.gone(piece.len());
        self.stuck = (!self.queue.is_empty()).then(|| self.limits.now());
        Poll::Ready(Some(Ok(piece)))
    }

    /// The first [`PIECE`] of what waits, or less.
    fn piece(&mut self) -> Option<Bytes> {
        let first = self.queue.front_mut()?;
        if first.len() > PIECE {
            return Some(first.split_to(PIECE));
        }
        let mut size = 0;
        let fits = |bytes: &&Bytes| {
            size += bytes.len();
            size <= PIECE
        };
        let count = self.queue.iter().take_while(fits).count();
        if count == 1 {
            return self.queue.pop_front();
        }
        let mut piece = BytesMut::new();
        let pieces = self.queue.drain(..count);
        pieces.for_each(|bytes| piece.extend_from_slice(&bytes));
        Some(piece.freeze())
    }
}
