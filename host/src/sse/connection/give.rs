//! Hands entries of a stream to a connection.

use super::super::pages::Frames;
use super::super::place::{EntryPlace, Given, Position};
use super::{Connection, State, frame};
use crate::record::{AWAY, Entry, Gap, Page, StreamId};

/// The fewest entries of one read.
const PAGE: usize = 2;
/// The target size of a page, in bytes.
const FILL: usize = 64 << 10;

impl Connection {
    /// Hands over the entries read from `asked` on, at most `limit`.
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
            // What was read may be trimmed now.
            state.mark_unverified(follow);
        }
        state.out.flush();
        // The buffer may be empty already, so nothing else would ask again.
        let again = state.has_room(self.limits.room()) && std::mem::take(&mut state.behind);
        given.more = asked == Position::Unknown || again || (full && !state.behind);
        given
    }

    /// Sends the opening frame once every place is known and the store knows
    /// that the client is connected. Nothing is read for it before.
    fn open_if_known(&self, state: &mut State) -> bool {
        if state.opened || state.places.contains(&Position::Unknown) {
            return false;
        }
        state.opened = true;
        let id = self.id(state);
        state.out.push(&frame::opening(&id, self.retry_ms.into()));
        true
    }

    /// Continues after the cursor. After a reset or a rewind it starts at the
    /// stream's beginning, since ids start over, perhaps before the cursor.
    fn arrive(&self, state: &mut State, follow: usize, from: EntryPlace, page: &Page) {
        let at = match page.gap {
            None => from.id,
            // The remaining entries were read already and are not repeated.
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

    /// Queues entries while there is room. Returns how many were handled and
    /// their bytes.
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

/// The place before a page's entries, after `id`.
fn before(page: &Page, id: StreamId) -> EntryPlace {
    let counted = page
        .counted
        .map(|all| all.saturating_sub(page.entries.len() as u64));
    EntryPlace { id, counted }
}

/// The place after one of a page's entries.
fn behind(page: &Page, index: usize) -> EntryPlace {
    let rest = page.entries.len() - 1 - index;
    EntryPlace {
        id: page.entries[index].id,
        counted: page.counted.map(|all| all.saturating_sub(rest as u64)),
    }
}

/// As many entries as fill the room approximately.
fn next_page(taken: usize, bytes: usize, limit: usize, most: usize) -> u16 {
    let page = if bytes < FILL / 2 {
        let grown = if taken < limit { limit } else { limit * 2 };
        grown.min(most)
    } else {
        (taken * FILL / bytes).clamp(PAGE.min(most), most)
    };
    page as u16
}
