//! A connection's place in its streams, as the id of its events.
//!
//! For one stream it is the entry's id, `1795248000123-0`. The places of groups
//! follow, `1795248000123-0,news=1795248000200-3`, so that the one id that a
//! browser keeps resumes each stream exactly. Group names are percent-encoded:
//! an id is plain ASCII without spaces.

use crate::record::{GroupName, ParseStreamIdError, StreamId};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::io::Write;
use thiserror::Error;

/// The characters that are percent-encoded in a group's name.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A place to resume at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The place in the client's own stream.
    pub own: StreamId,
    /// The places in groups.
    pub groups: Vec<(GroupName, StreamId)>,
}

/// The text is not a cursor.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ParseCursorError {
    /// One of its ids is invalid.
    #[error(transparent)]
    Id(#[from] ParseStreamIdError),
    /// The part after the first id is invalid.
    #[error(
        "expected places of groups after the first id, such as ,news=1700000000000-0, each group once"
    )]
    Group,
}

/// The most groups in a cursor, whatever `[http] max-groups` is.
const GROUPS: usize = 64;

impl Cursor {
    /// Parses what [`write()`] wrote.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Cursor, ParseCursorError> {
        let mut parts = text.split(',');
        let own = parts.next().unwrap_or_default().parse()?;
        let mut groups: Vec<(GroupName, StreamId)> = Vec::new();
        for part in parts {
            let (name, id) = part.split_once('=').ok_or(ParseCursorError::Group)?;
            let name: Vec<u8> = percent_decode_str(name).collect();
            let name = GroupName::new(&name).map_err(|_| ParseCursorError::Group)?;
            if groups.len() == GROUPS || groups.iter().any(|(other, _)| *other == name) {
                return Err(ParseCursorError::Group);
            }
            groups.push((name, id.parse()?));
        }
        Ok(Cursor { own, groups })
    }
}

/// A group's name as encoded in a cursor.
pub fn encoded(name: &GroupName) -> String {
    utf8_percent_encode(name.as_str(), ENCODED).to_string()
}

/// Writes the place in the client's own stream and in groups, whose names are
/// [`encoded`].
pub fn write<'a>(
    to: &mut Vec<u8>,
    own: StreamId,
    groups: impl Iterator<Item = (&'a str, StreamId)>,
) {
    // Writing into a Vec can't fail.
    let _ = write!(to, "{own}");
    for (name, id) in groups {
        let _ = write!(to, ",{name}={id}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(millis: u64, number: u64) -> StreamId {
        StreamId { millis, number }
    }

    #[test]
    fn a_written_cursor_parses_to_the_same_cursor() {
        let names = ["news", "a,b=c", "é \"%", "x~-_."].map(|n| GroupName::new(n.as_bytes()));
        let names = names.map(Result::unwrap);
        let ids = [id(1, 2), id(3, 4), id(5, 6), id(0, 0)];
        let groups: Vec<_> = names.into_iter().zip(ids).collect();
        let encoded: Vec<_> = groups.iter().map(|(n, id)| (encoded(n), *id)).collect();
        let mut text = Vec::new();
        write(
            &mut text,
            id(7, 8),
            encoded.iter().map(|(n, id)| (&**n, *id)),
        );
        let text = String::from_utf8(text).unwrap();
        assert!(text.bytes().all(|b| b.is_ascii_graphic()), "{text}");
        let own = id(7, 8);
        assert_eq!(Cursor::parse(&text), Ok(Cursor { own, groups }));
    }

    #[test]
    fn an_invalid_cursor_is_refused() {
        let plain = Cursor {
            own: id(1, 2),
            groups: Vec::new(),
        };
        assert_eq!(Cursor::parse("1-2"), Ok(plain));
        for bad in [
            "",
            "1",
            "1-2,",
            "1-2,a",
            "1-2,a=",
            "1-2,=1-1",
            "1-2,a=1-1,a=1-2",
            "1-2,%00=1-1",
        ] {
            assert!(Cursor::parse(bad).is_err(), "{bad}");
        }
        let of = |groups: usize| {
            let places = (0..groups).map(|group| format!(",g{group}=1-1"));
            Cursor::parse(&format!("1-2{}", places.collect::<String>()))
        };
        assert_eq!(of(GROUPS).map(|cursor| cursor.groups.len()), Ok(GROUPS));
        assert_eq!(of(GROUPS + 1), Err(ParseCursorError::Group));
    }
}
