//! Reads JSON into values, as serde_json does, several times as fast in wasm.
//!
//! It accepts less than serde_json and explains nothing: whoever gets `None` asks
//! serde_json, whose values and failures are the contract. So all that matters here is
//! that what it accepts, serde_json accepts with the same value.

mod accesses;
mod deserializer;
mod key;
mod tokens;

use super::{Failed, scan};
use serde::Deserialize;

/// How deep serde_json goes. What is nested deeper is left to it.
const DEPTH: u32 = 127;

/// Parses all of `bytes` into `T`; `None` if serde_json has to.
pub(super) fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    let text = match scan::is_ascii(bytes) {
        // SAFETY: ASCII is UTF-8.
        true => unsafe { std::str::from_utf8_unchecked(bytes) },
        false => std::str::from_utf8(bytes).ok()?,
    };
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
        escapes: false,
        failed: false,
    };
    let value = T::deserialize(&mut reader).ok()?;
    reader.space();
    // A value may be there although a part of it failed: its type may try something else
    // then, and might not have to with serde_json.
    (reader.at == text.len() && !reader.failed).then_some(value)
}

/// A place in a text.
struct Reader<'de> {
    text: &'de str,
    at: usize,
    depth: u32,
    /// Whether the last string has escapes.
    escapes: bool,
    /// Whether anything failed.
    failed: bool,
}

type Result<T, E = Failed> = std::result::Result<T, E>;
