//! A stream, as readers see it.

use super::StreamName;
use bytes::Bytes;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// The id of a stream's entry, as Redis assigns it: milliseconds and a number
/// within the millisecond; also the SSE event id. `0-0` is before every entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Milliseconds since 1970-01-01 UTC by the store's clock.
    pub millis: u64,
    /// The number within that millisecond.
    pub number: u64,
}

/// The text is not a stream id.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "invalid event id: expected two numbers with a hyphen between them, such as 1700000000000-0"
)]
pub struct ParseStreamIdError;

impl FromStr for StreamId {
    type Err = ParseStreamIdError;

    fn from_str(text: &str) -> Result<StreamId, ParseStreamIdError> {
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            plain
                .then(|| digits.parse().ok())
                .flatten()
                .ok_or(ParseStreamIdError)
        };
        let (millis, seq) = text.split_once('-').ok_or(ParseStreamIdError)?;
        Ok(StreamId {
            millis: number(millis)?,
            number: number(seq)?,
        })
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis, self.number)
    }
}

/// One entry of a stream.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its id.
    pub id: StreamId,
    /// The event's type; may be empty.
    pub kind: Bytes,
    /// The payload.
    pub data: Bytes,
}

/// A reader's request for entries of one stream.
#[derive(Clone, Debug)]
pub struct Want {
    /// The stream.
    pub stream: StreamName,
    /// Only entries after this one; `None` asks only for the stream's current
    /// end.
    pub after: Option<StreamId>,
    /// The maximum number of entries.
    pub limit: usize,
    /// Whether to check if entries after `after` may have been removed.
    pub check_gap: bool,
    /// How many entries had ever been added to the stream up to `after`, if
    /// known. Then gaps are checked exactly, regardless of `check_gap`.
    pub counted: Option<u64>,
}

/// The answer to a [`Want`].
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Entries after the cursor, in order, at most the limit.
    pub entries: Vec<Entry>,
    /// The id of the last entry that was ever added, `0-0` for none; known only
    /// if `after` was `None` or `check_gap` was set.
    pub last: StreamId,
    /// Whether entries may have been missed, if it was checked.
    pub gap: Option<Gap>,
    /// How many entries had ever been added to the stream up to the last one of
    /// this page, or up to its end if the page is empty; `None` if the store
    /// can't say.
    pub counted: Option<u64>,
}

/// The type of the entry that tells a stream's readers that they may have
/// missed events while they were away.
pub const AWAY: &str = "millstream.away";

/// Why a reader may have missed entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// Retention removed the cursor's entry, and perhaps some after it.
    Trimmed,
    /// The cursor is after the stream's end: the store lost its last writes.
    Rewound,
    /// The stream no longer exists: it expired, or was removed.
    Reset,
    /// The client was away, and events for connected clients only were not
    /// stored.
    Away,
}

impl Gap {
    /// The reason's name in the `gap` event.
    pub fn reason(self) -> &'static str {
        match self {
            Gap::Trimmed => "trimmed",
            Gap::Rewound => "rewound",
            Gap::Reset => "reset",
            Gap::Away => "away",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_plain_numbers_are_a_stream_id() {
        assert_eq!(
            "12-3".parse(),
            Ok(StreamId {
                millis: 12,
                number: 3
            })
        );
        for bad in [
            "",
            "-",
            "1",
            "1-",
            "-1",
            "1-2-3",
            "+1-2",
            "1-+2",
            " 1-2",
            "1-99999999999999999999",
        ] {
            assert_eq!(bad.parse::<StreamId>(), Err(ParseStreamIdError), "{bad}");
        }
        assert_eq!(
            StreamId {
                millis: 12,
                number: 3
            }
            .to_string(),
            "12-3"
        );
    }
}
