//! One open stream and its place in the streams that it follows.

mod give;

use super::cursor;
use super::frame::{self, Frame, Told};
use super::limits::{Limits, Tick};
use super::pages::Frames;
use super::place::{Follow, Position, Reader};
use super::request::Types;
use super::send_buffer::SendBuffer;
use crate::record::{Entry, Gap, StreamId, StreamName};
use bytes::Bytes;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

/// Entries of the first read, as their size is unknown. One more than the usual
/// number of new entries, so that it shows that there are no others.
const FIRST_PAGE: usize = 2;
/// A client that takes nothing for this long does not read now.
const STUCK: Duration = Duration::from_secs(1);
/// After so many skipped entries the client's cursor is moved.
const SILENT: u32 = 64;

/// An open stream.
pub(super) struct Connection {
    pub reader: Reader,
    pub follows: Box<[Follow]>,
    /// Only events of these types, if it asked for some.
    types: Option<Types>,
    limits: Arc<Limits>,
    retry_ms: u32,
    state: Mutex<State>,
}

struct State {
    places: Box<[Position]>,
    out: SendBuffer,
    /// The most entries of the next read.
    page: u16,
    /// The opening frame is sent: the start in every stream is known.
    opened: bool,
    /// The streams, one bit each, that became unverified after a question was
    /// sent; the answer may be outdated.
    unverified: u128,
    /// There may be entries that it had no room for.
    behind: bool,
    /// Entries skipped since the client last received an id.
    silent: u32,
}

impl Connection {
    /// A connection that starts where `follows` says, the client's own stream
    /// first.
    pub fn new(
        reader: Reader,
        follows: Box<[Follow]>,
        types: Option<Types>,
        limits: Arc<Limits>,
        (chunked, retry_ms): (bool, u32),
    ) -> Connection {
        Connection {
            reader,
            types,
            retry_ms,
            state: Mutex::new(State {
                places: follows.iter().map(|follow| follow.begin).collect(),
                out: SendBuffer::new(limits.clone(), chunked),
                page: FIRST_PAGE.min(limits.settings.page) as u16,
                opened: false,
                unverified: 0,
                behind: false,
                silent: 0,
            }),
            follows,
            limits,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when the stream has begun: from then on it receives every entry.
    pub async fn begun(&self) {
        std::future::poll_fn(|cx| {
            let mut state = self.state();
            if state.opened || state.out.over() {
                return Poll::Ready(());
            }
            state.out.wait(cx.waker());
            Poll::Pending
        })
        .await;
    }

    /// Runs `with` on the send buffer.
    pub fn out<T>(&self, with: impl FnOnce(&mut SendBuffer) -> T) -> T {
        with(&mut self.state().out)
    }

    /// Whether it lacked room before and has some now. Then its feeds must be
    /// read again.
    pub fn catches_up(&self) -> bool {
        let mut state = self.state();
        state.has_room(self.limits.room()) && std::mem::take(&mut state.behind)
    }

    /// Its position in a stream and how many entries it takes; `None` if it has
    /// no room. It asks again when it has.
    pub fn wants(&self, follow: usize) -> Option<(Position, usize)> {
        let mut state = self.state();
        let at = state.places[follow];
        // It begins in all streams at once, so the unknown ones are asked for
        // first.
        let waits = !state.opened && at != Position::Unknown;
        if state.out.over() || (waits && state.places.contains(&Position::Unknown)) {
            return None;
        }
        if !state.has_room(self.limits.room()) {
            state.be_behind(follow);
            return None;
        }
        state.unverified &= !(1 << follow);
        Some((at, state.page.into()))
    }

    /// Entries that it has not seen may be gone.
    pub fn mark_unverified(&self) {
        let mut state = self.state();
        state.unverified = u128::MAX;
        (0..self.follows.len()).for_each(|follow| state.mark_unverified(follow));
    }

    fn tell(
        &self,
        state: &mut State,
        follow: usize,
        gap: Gap,
        after: StreamId,
        resumes_at: StreamId,
    ) {
        let group = match &self.follows[follow].feed.name {
            StreamName::Client(_) => None,
            StreamName::Group(name) => Some(name.as_str()),
        };
        let id = self.id(state);
        state.out.push(&frame::id(&id));
        state.out.push(&frame::gap(&Told {
            gap,
            after,
            resumes_at,
            group,
        }));
        state.silent = 0;
    }

    fn send(&self, state: &mut State, frames: &Frames, index: usize, entry: &Entry) {
        if self.follows.len() == 1 {
            state.out.push(frames.with_id(index, entry));
        } else {
            let id = self.id(state);
            state.out.push(&frame::id(&id));
            state.out.push(frames.without_id(index, entry));
        }
        state.silent = 0;
    }

    /// Skips an entry; moves the client's cursor now and then.
    fn pass(&self, state: &mut State) {
        state.silent += 1;
        if state.silent >= SILENT {
            self.tell_id(state);
        }
    }

    fn tell_id(&self, state: &mut State) {
        let id = self.id(state);
        state.out.push(&frame::moved(&id));
        state.silent = 0;
    }

    /// The cursor as text.
    fn id(&self, state: &State) -> Vec<u8> {
        let mut id = Vec::with_capacity(24 * self.follows.len());
        let places = state.places.iter().map(|place| place.id());
        let mut groups = self.follows.iter().zip(places);
        let own = groups.next().map(|(_, id)| id).unwrap_or_default();
        let groups = groups.map(|(follow, id)| (&*follow.encoded, id));
        cursor::write(&mut id, own, groups);
        id
    }

    /// Does what is due: a comment if the stream is quiet, the end if the
    /// client does not read. Called at least every `every`.
    pub fn tick(&self, now: Tick, every: Duration, comment: &Frame) {
        let mut state = self.state();
        let settings = &self.limits.settings;
        let stuck = state.out.stuck().map(|since| since.until(now));
        if state.out.is_cut() {
            return;
        }
        if stuck.is_some_and(|stuck| stuck >= settings.write_timeout) {
            state.cut();
        } else if stuck.is_none() {
            let quiet = state.out.last_write().until(now);
            if quiet + every > settings.heartbeat {
                match state.silent {
                    0 => state.out.push(comment),
                    _ => self.tell_id(&mut state),
                }
                state.out.flush();
            }
        }
    }

    /// Ends the stream; the client reconnects after `retry_ms`.
    pub fn end(&self, retry_ms: u64) {
        let mut state = self.state();
        if !state.out.over() {
            if state.silent > 0 {
                self.tell_id(&mut state);
            }
            state.out.push(&frame::closing(retry_ms));
            state.out.end();
        }
    }

    /// Whether its socket took nothing for a while, and the waiting bytes.
    pub fn holds(&self, now: Tick) -> (bool, usize) {
        let state = self.state();
        let stuck = state.out.stuck().map(|since| since.until(now));
        (
            stuck.is_some_and(|stuck| stuck >= STUCK),
            state.out.waiting(),
        )
    }

    /// Disconnects it now; the client resumes at its cursor.
    pub fn cut(&self) {
        self.state().cut();
    }

    /// Gives it a socket, with the answer's head to send first.
    pub fn attach(&self, socket: tokio::net::TcpStream, head: Bytes) {
        self.state().out.attach(socket, head);
    }

    /// For the admin API: the cursor and the waiting bytes.
    pub fn describe(&self) -> (String, usize) {
        let state = self.state();
        let id = String::from_utf8_lossy(&self.id(&state)).into_owned();
        (id, state.out.waiting())
    }

    /// Its place in the client's own stream, once begun.
    pub fn own_place(&self) -> Option<StreamId> {
        let state = self.state();
        state.opened.then(|| state.places[0].id())
    }
}

impl State {
    fn cut(&mut self) {
        metrics::counter!("millstream_sse_cut_total").increment(1);
        self.out.cut();
    }

    fn has_room(&self, room: usize) -> bool {
        self.out.waiting() < room
    }

    /// Entries may be trimmed before it has room again.
    fn be_behind(&mut self, follow: usize) {
        self.behind = true;
        self.mark_unverified(follow);
    }

    fn mark_unverified(&mut self, follow: usize) {
        if let Position::At(place) = self.places[follow] {
            self.places[follow] = Position::Unverified(place);
        }
    }
}
