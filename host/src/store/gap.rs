//! Determines what a reader of a stream may have missed.

use crate::record::{Gap, StreamId};

/// The state of a stream when a reader looks at it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// Whether the stream exists.
    pub exists: bool,
    /// The id of its oldest entry, if any.
    pub first: Option<StreamId>,
    /// The last id that it ever had.
    pub last: StreamId,
    /// How many entries it has.
    pub length: u64,
    /// How many were ever added, if the store counts them.
    pub added: Option<u64>,
}

/// A reader's position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    /// The last entry that it has read.
    pub after: StreamId,
    /// How many entries had been added to the stream up to that one, if known.
    pub counted: Option<u64>,
    /// The reader is reconnecting: the stream may have been recreated since.
    pub arrives: bool,
}

/// What a reader at `cursor` may have missed. Entries are removed oldest first.
/// So nothing is missing while an entry at or before the cursor remains, or while
/// all entries added since are there. If the stream shows neither, there may be a
/// gap.
pub(super) fn gap_of(seen: &Seen, cursor: &Cursor) -> Option<Gap> {
    let from_start = cursor.after == StreamId::default();
    if cursor.arrives && !seen.exists {
        return (!from_start).then_some(Gap::Reset);
    }
    if cursor.arrives && cursor.after > seen.last {
        return Some(Gap::Rewound);
    }
    let begins_before = seen.first.is_some_and(|first| first <= cursor.after);
    let all_there = seen.added == Some(seen.length);
    // A connected reader continues in a stream that was removed and recreated.
    let begins_here = all_there && (from_start || !cursor.arrives);
    let as_many = seen.added.zip(cursor.counted);
    let as_many = as_many.and_then(|(added, counted)| added.checked_sub(counted));
    let complete =
        begins_before || cursor.after >= seen.last || begins_here || as_many == Some(seen.length);
    (!complete).then_some(Gap::Trimmed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(millis: u64) -> StreamId {
        StreamId { millis, number: 0 }
    }

    /// A stream to which `added` entries were added, 1-0, 2-0, ..., and which has
    /// the last `length` of them.
    #[track_caller]
    fn check((length, added): (u64, u64), cursor: Cursor, expected: Option<Gap>) {
        let seen = Seen {
            exists: true,
            first: (length > 0).then(|| id(added - length + 1)),
            last: id(added),
            length,
            added: Some(added),
        };
        assert_eq!(gap_of(&seen, &cursor), expected);
    }

    fn connected(at: u64) -> Cursor {
        Cursor {
            after: id(at),
            counted: Some(at),
            arrives: false,
        }
    }

    fn back(at: u64) -> Cursor {
        Cursor {
            counted: None,
            arrives: true,
            ..connected(at)
        }
    }

    #[test]
    fn a_connected_reader_gets_a_gap_exactly_if_unread_entries_were_removed() {
        check((1, 5), connected(4), None);
        check((1, 5), connected(3), Some(Gap::Trimmed));
        check((3, 5), connected(2), None);
        check((3, 5), connected(3), None);
        check((0, 5), connected(5), None);
        check((0, 5), connected(4), Some(Gap::Trimmed));
        check((5, 5), connected(0), None);
        check((4, 5), connected(0), Some(Gap::Trimmed));
        // Removed and recreated meanwhile.
        check((2, 2), connected(9), None);
    }

    #[test]
    fn a_returning_reader_gets_a_gap_if_completeness_is_unknown() {
        check((3, 5), back(3), None);
        check((3, 5), back(2), Some(Gap::Trimmed));
        check((0, 5), back(5), None);
        check((3, 5), back(0), Some(Gap::Trimmed));
        check((5, 5), back(0), None);
        check((3, 5), back(6), Some(Gap::Rewound));
        let gone = Seen::default();
        assert_eq!(gap_of(&gone, &back(1)), Some(Gap::Reset));
        assert_eq!(gap_of(&gone, &back(0)), None);
        // A reader with a count returns to the same stream, and to another one.
        let counted = Cursor {
            arrives: true,
            ..connected(2)
        };
        check((3, 5), counted, None);
        check((2, 5), counted, Some(Gap::Trimmed));
        let anew = Seen {
            exists: true,
            first: Some(id(10)),
            last: id(13),
            length: 4,
            added: Some(4),
        };
        assert_eq!(gap_of(&anew, &counted), Some(Gap::Trimmed));
    }
}
