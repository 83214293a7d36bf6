//! One open stream: its cursor, and the frames that wait for its socket.

use super::frame;
use crate::record::{ClientId, Gap, Page, StreamId};
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// Bytes that may wait for one socket; a single event may go past it.
const ROOM: usize = 64 << 10;
/// Entries of one read: nobody knows how large they are before the first.
const PAGE: std::ops::RangeInclusive<usize> = 4..=128;
const FIRST_PAGE: usize = 8;

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
    /// It wants all there is.
    Oldest,
    /// It goes on after this entry; whether those behind it are still there has
    /// to be asked.
    Unsure(StreamId),
    /// It has everything up to here.
    At(StreamId),
}

/// What became of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Given {
    /// Events that the connection took.
    pub events: usize,
    /// There may be more for it, and room.
    pub more: bool,
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
    /// The most entries of the next read.
    page: usize,
    /// There may be more for it than it had room for.
    behind: bool,
    ended: bool,
    waker: Option<Waker>,
}

impl Connection {
    pub fn new(client: ClientId, begin: Begin, retry_ms: u64) -> Connection {
        let (position, opening) = match begin {
            Begin::Live => (Position::Unknown, None),
            Begin::Earliest => (Position::Oldest, Some(StreamId::default())),
            Begin::After(id) => (Position::Unsure(id), Some(id)),
        };
        let mut queue = VecDeque::new();
        queue.extend(opening.map(|id| frame::opening(id, retry_ms)));
        let (queued, behind, ended) = (0, false, false);
        let state = State {
            position,
            queue,
            queued,
            page: FIRST_PAGE,
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

    /// Where it is, and how many entries it takes, if it has room for more. If
    /// not, it will ask.
    pub fn wants(&self) -> Option<(Position, usize)> {
        let mut state = self.state();
        if state.queued >= ROOM {
            state.be_behind();
            return None;
        }
        (!state.ended).then_some((state.position, state.page))
    }

    /// Entries may be gone that it has not seen.
    pub fn doubt(&self) {
        self.state().doubt();
    }

    /// Hands over what was read from `asked` on, at most `limit` entries.
    /// `frames` are the page's entries, encoded.
    pub fn give(&self, asked: Position, page: &Page, frames: &[Bytes], limit: usize) -> Given {
        let mut state = self.state();
        if state.ended {
            return Given::default();
        }
        let full = page.entries.len() >= limit;
        let (events, more) = (0, true);
        if state.position != asked {
            return Given { events, more };
        }
        if full && matches!(asked, Position::At(_)) {
            // So much came at once that some of it may have been trimmed.
            state.doubt();
            return Given { events, more };
        }
        match asked {
            Position::Unknown => {
                state.position = Position::At(page.last);
                state.push(frame::opening(page.last, self.retry_ms));
            }
            Position::Unsure(cursor) => state.arrive(cursor, page.gap),
            Position::Oldest => state.position = Position::At(StreamId::default()),
            Position::At(_) => {}
        }
        let events = state.take_in(page, frames);
        state.page = next_page(&frames[..events], limit);
        if full {
            // Until the next read, what comes after may be trimmed.
            state.doubt();
        }
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
        let more = asked == Position::Unknown || (full && !state.behind);
        Given { events, more }
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

/// As many entries as about fill the room.
fn next_page(taken: &[Bytes], limit: usize) -> usize {
    let bytes: usize = taken.iter().map(Bytes::len).sum();
    if bytes < ROOM / 2 {
        let grown = if taken.len() < limit {
            limit
        } else {
            limit * 2
        };
        return grown.min(*PAGE.end());
    }
    (taken.len() * ROOM / bytes).clamp(*PAGE.start(), *PAGE.end())
}

impl State {
    fn push(&mut self, frame: Bytes) {
        self.queued += frame.len();
        self.queue.push_back(frame);
    }

    /// Goes on after the cursor, or where there is nothing to go on from, from
    /// the stream's beginning: ids start over, and none may come after it.
    fn arrive(&mut self, cursor: StreamId, gap: Option<Gap>) {
        let at = match gap {
            None | Some(Gap::Trimmed) => cursor,
            Some(Gap::Rewound | Gap::Reset) => StreamId::default(),
        };
        self.position = Position::At(at);
        if let Some(gap) = gap {
            self.push(frame::gap(gap, cursor, at));
        }
    }

    /// Queues entries while there is room; returns how many.
    fn take_in(&mut self, page: &Page, frames: &[Bytes]) -> usize {
        for (taken, (entry, frame)) in page.entries.iter().zip(frames).enumerate() {
            if self.queued >= ROOM {
                self.be_behind();
                return taken;
            }
            self.push(frame.clone());
            self.position = Position::At(entry.id);
        }
        frames.len()
    }

    /// By the time that it has room again, entries may have been trimmed.
    fn be_behind(&mut self) {
        self.behind = true;
        self.doubt();
    }

    fn doubt(&mut self) {
        if let Position::At(id) = self.position {
            self.position = Position::Unsure(id);
        }
    }
}
