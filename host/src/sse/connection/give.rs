//! What was read of a stream is handed to a connection.

use super::super::pages::Frames;
use super::super::place::{EntryPlace, Given, Position};
use super::{Connection, State, frame};
use crate::record::{AWAY, Entry, Gap, Page, StreamId};

/// Entries of one read at least.
const PAGE: usize = 2;
/// Bytes that a page should about bring.
const FILL: usize = 64 << 10;

impl Connection {
    /// Hands over what was read of a stream from `asked` on, at most `limit`
    /// entries.
    pub fn give(
        &self,
        follow: usize,
        asked: Position,
        (page, frames): (&Page, &Frames),
        limit: usize,
    ) -> Given {
        let mut state = self.state();
        let mut given = Given::default();
        if state.out.over() {
            return given;
        }
        let full = page.entries.len() >= limit;
        if state.places[follow] != asked {
            state.mark_unverified(follow);
            given.more = true;
            return given;
        }
        if asked == Position::Unknown {
            let (id, counted) = (page.last, page.counted);
            state.places[follow] = Position::At(EntryPlace { id, counted });
        }
        given.opened = self.open_if_known(&mut state);
        match asked {
            Position::Unverified(place) | Position::At(place) => {
                self.arrive(&mut state, follow, place, page);
            }
            Position::Oldest => {
                state.places[follow] = Position::At(before(page, StreamId::default()));
            }
            Position::Unknown => {}
        }
        let (taken, bytes) = self.take_in(&mut state, follow, page, frames, &mut given.events);
        state.page = next_page(taken, bytes, limit, self.limits.settings.page);
        if state.unverified & (1 << follow) != 0 {
            // What was read may be no more.
            state.mark_unverified(follow);
        }
        state.out.flush();
        // All of it may be out already: nobody would look again.
        let again = state.has_room(self.limits.room()) && std::mem::take(&mut state.behind);
        given.more = asked == Position::Unknown || again || (full && !state.behind);
        given
    }

    /// Sends the opening frame once every place is known, and the store knows
    /// that the client is connected: nothing is read for it before.
    fn open_if_known(&self, state: &mut State) -> bool {
        if state.opened || state.places.contains(&Position::Unknown) {
            return false;
        }
        state.opened = true;
        let id = self.id(state);
        state.out.push(&frame::opening(&id, self.retry_ms.into()));
        true
    }

    /// Goes on after the cursor, or where there is nothing to go on from, from
    /// the stream's beginning: ids start over, and none may come after it.
    fn arrive(&self, state: &mut State, follow: usize, from: EntryPlace, page: &Page) {
        let at = match page.gap {
            None => from.id,
            // All that is left is behind the end: nothing is told again.
            Some(Gap::Trimmed | Gap::Away) if page.entries.is_empty() => page.last,
            Some(Gap::Trimmed | Gap::Away) => from.id,
            Some(Gap::Rewound | Gap::Reset) => StreamId::default(),
        };
        state.places[follow] = Position::At(before(page, at));
        if let Some(gap) = page.gap {
            let resumes_at = page.entries.first().map_or(at, |entry| entry.id);
            self.tell(state, follow, gap, from.id, resumes_at);
        }
    }

    /// Queues entries while there is room; returns how many were passed, and
    /// the bytes they were.
    fn take_in(
        &self,
        state: &mut State,
        follow: usize,
        page: &Page,
        frames: &Frames,
        sent: &mut usize,
    ) -> (usize, usize) {
        let began = state.out.waiting();
        let room = self.limits.room();
        for (taken, entry) in page.entries.iter().enumerate() {
            if !state.has_room(room) {
                state.be_behind(follow);
                return (taken, state.out.waiting() - began);
            }
            let before = state.places[follow].id();
            state.places[follow] = Position::At(behind(page, taken));
            if *entry.kind == *AWAY.as_bytes() {
                self.tell(state, follow, Gap::Away, before, entry.id);
            } else if self.hears(entry) {
                self.send(state, frames, taken, entry);
                *sent += 1;
            } else {
                self.pass(state);
            }
        }
        (page.entries.len(), state.out.waiting() - began)
    }

    fn hears(&self, entry: &Entry) -> bool {
        let kind: &[u8] = match entry.kind.is_empty() {
            true => b"message",
            false => &entry.kind,
        };
        let wanted = |types: &[Box<[u8]>]| types.iter().any(|wanted| **wanted == *kind);
        self.types.as_deref().is_none_or(wanted)
    }
}

/// The place before a page's entries, behind this one.
fn before(page: &Page, id: StreamId) -> EntryPlace {
    let counted = page
        .counted
        .map(|all| all.saturating_sub(page.entries.len() as u64));
    EntryPlace { id, counted }
}

/// The place behind one of a page's entries.
fn behind(page: &Page, index: usize) -> EntryPlace {
    let rest = page.entries.len() - 1 - index;
    EntryPlace {
        id: page.entries[index].id,
        counted: page.counted.map(|all| all.saturating_sub(rest as u64)),
    }
}

/// As many entries as about fill the room.
fn next_page(taken: usize, bytes: usize, limit: usize, most: usize) -> u16 {
    let page = if bytes < FILL / 2 {
        let grown = if taken < limit { limit } else { limit * 2 };
        grown.min(most)
    } else {
        (taken * FILL / bytes).clamp(PAGE.min(most), most)
    };
    page as u16
}
