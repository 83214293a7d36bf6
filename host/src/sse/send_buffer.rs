//! The send buffer of one connection: waiting frames and the socket.
//!
//! A frame is written at once by the thread that brings it. Only what the
//! socket does not take waits, and the connection's task continues when there
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

/// The most bytes that a body takes at once.
const PIECE: usize = 16 << 10;

/// The destination of frames.
enum Sink {
    /// None yet, or a body that takes frames itself.
    Body,
    /// A socket of its own.
    Socket(TcpStream),
}

/// The frames that wait for one connection's socket, and the socket.
pub(super) struct SendBuffer {
    limits: Arc<Limits>,
    sink: Sink,
    chunked: bool,
    queue: VecDeque<Bytes>,
    queued: usize,
    /// Nothing more is added; the stream ends when the queue is empty.
    ended: bool,
    /// The stream ends now.
    cut: bool,
    /// Since when waiting bytes made no progress.
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

    /// Adds a frame. Call [`SendBuffer::flush`] afterwards.
    pub fn push(&mut self, frame: &Frame) {
        frame.parts(self.chunked).for_each(|part| self.add(part));
    }

    fn add(&mut self, bytes: Bytes) {
        self.queued += bytes.len();
        self.queue.push_back(bytes);
    }

    /// Sends what follows to a socket, after `head`.
    pub fn attach(&mut self, socket: TcpStream, head: Bytes) {
        self.queued += head.len();
        self.queue.push_front(head);
        self.sink = Sink::Socket(socket);
        self.flush();
    }

    /// The number of waiting bytes.
    pub fn waiting(&self) -> usize {
        self.queued
    }

    /// Whether it accepts no more frames.
    pub fn over(&self) -> bool {
        self.ended || self.cut
    }

    /// Since when waiting bytes made no progress.
    pub fn stuck(&self) -> Option<Tick> {
        self.stuck
    }

    /// When something was last written.
    pub fn last_write(&self) -> Tick {
        self.last_write
    }

    /// Ends the stream after what waits.
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

    /// Whether it was cut.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Releases the socket and the queue.
    pub fn close(&mut self) {
        self.cut();
        self.sink = Sink::Body;
    }

    /// Ends the stream now and releases the queue.
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

    /// Sends as much as possible without blocking.
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
        // From now on the task waits for room; a body takes the rest itself.
        if !was_stuck || matches!(self.sink, Sink::Body) {
            self.wake();
        }
    }

    fn gone(&mut self, bytes: usize) {
        self.queued -= bytes;
        self.last_write = self.limits.now();
        if self.queue.is_empty() {
            // Most connections have an empty queue, so it takes no memory.
            self.queue = VecDeque::new();
        }
    }

    /// Writes until the socket is full, the client is gone (`Ready`), or
    /// nothing is left; then arranges for the task to be woken.
    pub fn poll_socket(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Sink::Socket(socket) = &self.sink else {
            return Poll::Ready(());
        };
        if self.cut || heard(socket, &mut self.chatter, cx) {
            // The bytes in the kernel's buffer are useless now.
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

    /// Registers this waker.
    pub fn wait(&mut self, waker: &Waker) {
        if !self.waker.as_ref().is_some_and(|w| w.will_wake(waker)) {
            self.waker = Some(waker.clone());
        }
    }

    /// Ready if the stream was cut; otherwise registers the waker.
    pub fn poll_cut(&mut self, waker: &Waker) -> Poll<()> {
        if self.cut {
            return Poll::Ready(());
        }
        self.wait(waker);
        Poll::Pending
    }

    /// Takes one piece of what waits, for a body: `None` at the end, an error
    /// if the stream was cut.
    ///
    /// The caller takes the next piece only when all of this one is gone. So a
    /// large frame is taken in pieces, and each piece counts as progress.
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

    /// The first [`PIECE`] bytes of what waits, or less.
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
