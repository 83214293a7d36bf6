//! One open stream: its cursor, and the frames that wait for its socket.

use super::frame;
use crate::record::{ClientId, Page, StreamId};
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// Bytes that may wait for one socket; a single event may go past it.
const ROOM: usize = 64 << 10;

/// Where a connection asked to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// At what comes next.
    Live,
    /// At the oldest entry there is.
    Earliest,
    /// After this entry.
    After(StreamId),
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Position {
    /// It waits to be told where the stream ends.
    Unknown,
    /// It resumed here; whether entries are missing is not known yet.
    Resumed(StreamId),
    /// It has everything up to here.
    At(StreamId),
}

/// An open stream.
pub(super) struct Connection {
    pub client: ClientId,
    state: Mutex<State>,
    retry_ms: u64,
}

struct State {
    position: Position,
    queue: VecDeque<Bytes>,
    queued: usize,
    /// There may be more for it than it had room for.
    behind: bool,
    ended: bool,
    waker: Option<Waker>,
}

impl Connection {
    pub fn new(client: ClientId, begin: Begin, retry_ms: u64) -> Connection {
        let (position, opening) = match begin {
            Begin::Live => (Position::Unknown, None),
            Begin::Earliest => (Position::At(StreamId::default()), Some(StreamId::default())),
            Begin::After(id) => (Position::Resumed(id), Some(id)),
        };
        let mut queue = VecDeque::new();
        queue.extend(opening.map(|id| frame::opening(id, retry_ms)));
        let (queued, behind, ended) = (0, false, false);
        let state = State {
            position,
            queue,
            queued,
            behind,
            ended,
            waker: None,
        };
        Connection {
            client,
            state: Mutex::new(state),
            retry_ms,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it is, if it has room for more. If not, it will ask.
    pub fn wants(&self) -> Option<Position> {
        let mut state = self.state();
        if state.queued >= ROOM {
            state.behind = true;
            return None;
        }
        (!state.ended).then_some(state.position)
    }

    /// Hands over what was read from `asked` on. `frames` are the page's
    /// entries, encoded. Returns whether more may be there.
    pub fn give(&self, asked: Position, page: &Page, frames: &[Bytes], limit: usize) -> bool {
        let mut state = self.state();
        if state.position != asked || state.ended {
            return true;
        }
        match asked {
            Position::Unknown => {
                state.position = Position::At(page.last);
                state.push(frame::opening(page.last, self.retry_ms));
            }
            Position::Resumed(id) => {
                state.position = Position::At(id);
                if let Some(gap) = page.gap {
                    state.push(frame::gap(gap, id));
                }
            }
            Position::At(_) => {}
        }
        for (entry, frame) in page.entries.iter().zip(frames) {
            if state.queued >= ROOM {
                state.behind = true;
                break;
            }
            state.push(frame.clone());
            state.position = Position::At(entry.id);
        }
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
        let full = page.entries.len() >= limit;
        asked == Position::Unknown || (full && !state.behind)
    }

    /// Adds a comment if nothing else is on its way.
    pub fn comment(&self) {
        let mut state = self.state();
        if state.queue.is_empty() && !state.ended {
            state.push(frame::COMMENT);
            if let Some(waker) = state.waker.take() {
                waker.wake();
            }
        }
    }

    /// Ends the stream; the client comes back after `retry_ms`.
    pub fn end(&self, retry_ms: u64) {
        let mut state = self.state();
        state.push(frame::closing(retry_ms));
        state.ended = true;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    /// Takes all that waits, as one piece; `Ready(None)` at the end. The flag
    /// tells that there may be more now that there is room.
    pub fn take(&self, waker: &Waker) -> (Poll<Option<Bytes>>, bool) {
        let mut state = self.state();
        if state.queue.is_empty() {
            if state.ended {
                return (Poll::Ready(None), false);
            }
            state.waker = Some(waker.clone());
            return (Poll::Pending, false);
        }
        let all = match state.queue.len() {
            1 => state.queue.pop_front().unwrap_or_default(),
            _ => {
                let mut all = BytesMut::with_capacity(state.queued);
                state
                    .queue
                    .drain(..)
                    .for_each(|frame| all.extend_from_slice(&frame));
                all.freeze()
            }
        };
        state.queued = 0;
        (Poll::Ready(Some(all)), std::mem::take(&mut state.behind))
    }
}

impl State {
    fn push(&mut self, frame: Bytes) {
        self.queued += frame.len();
        self.queue.push_back(frame);
    }
}
