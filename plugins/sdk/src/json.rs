//! JSON with failures that name the byte.

mod read;
mod scan;
#[cfg(test)]
mod tests;
mod write;

use crate::Failure;
use serde::Deserialize;
use std::fmt::{self, Display};

pub(crate) use write::write;

/// Parses all of `bytes` into `T`; the errors are serde_json's.
pub(crate) fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> serde_json::Result<T> {
    match read::read(bytes) {
        Some(value) => Ok(value),
        None => serde_json::from_slice(bytes),
    }
}

/// Parses all of `bytes` into `T`.
///
/// # Errors
/// `malformed`, with the reason and the byte (from 0).
pub fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Failure> {
    read(bytes).map_err(|e| {
        let at = match e.is_eof() {
            true => bytes.len(),
            false => byte_of(bytes, e.line(), e.column()),
        };
        if let Some(mark) = mark(bytes) {
            return Failure::malformed(format!("not the expected JSON: {mark}"));
        }
        let message = e.to_string();
        let why = message
            .rsplit_once(" at line ")
            .map_or(message.as_str(), |(why, _)| why);
        let hint = match why.ends_with("expected a borrowed string") {
            true => " (the string has an escape: read it into a String, not a &str)",
            false => "",
        };
        Failure::malformed(format!("not the expected JSON: {why}, at byte {at}{hint}"))
    })
}

/// Why the reader or the writer can't go on: serde_json is asked then, and says why.
#[derive(Debug)]
struct Failed;

impl Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("serde_json says why")
    }
}

impl std::error::Error for Failed {}

impl serde::de::Error for Failed {
    fn custom<T: Display>(_: T) -> Failed {
        Failed
    }
}

impl serde::ser::Error for Failed {
    fn custom<T: Display>(_: T) -> Failed {
        Failed
    }
}

/// A byte order mark, which some programs write. JSON must not have it (RFC
/// 8259, section 8.1).
fn mark(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xef, 0xbb, 0xbf, ..] => {
            Some("it begins with a byte order mark (EF BB BF), which the producer must leave out")
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            Some("it begins with the byte order mark of UTF-16, and JSON is UTF-8")
        }
        _ => None,
    }
}

/// serde_json counts lines and columns from 1; column 0 is the line's end.
fn byte_of(bytes: &[u8], line: usize, column: usize) -> usize {
    let line_start = match line.checked_sub(2) {
        None => 0,
        Some(nth) => {
            let ends = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n');
            ends.map(|(at, _)| at + 1).nth(nth).unwrap_or(bytes.len())
        }
    };
    (line_start + column.saturating_sub(1)).min(bytes.len())
}
