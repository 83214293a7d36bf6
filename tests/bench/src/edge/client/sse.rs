//! The event stream, by
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>; of
//! an event's data it reads only the time stamp.

use crate::edge::clients;
use std::mem::take;

/// Reads a stream in pieces of any length.
#[derive(Default)]
pub struct Parser {
    /// The start of a line whose end has not arrived yet.
    line: Vec<u8>,
    /// The last byte was a CR, so an LF belongs to it.
    after_cr: bool,
    frame: Frame,
}

/// The fields between two empty lines.
#[derive(Default, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Empty if there was none.
    pub id: Vec<u8>,
    pub retry: Option<u64>,
    pub has_data: bool,
    /// When the event was created, if its first line of data has that.
    pub made_at: Option<u64>,
    gap: bool,
}

impl Frame {
    pub fn has_id(&self) -> bool {
        !self.id.is_empty()
    }

    /// Whether this reports that events may be missing.
    pub fn is_gap(&self) -> bool {
        self.gap
    }

    fn clear(&mut self) {
        self.id.clear(); // keeps its capacity for the next one
        *self = Frame {
            id: take(&mut self.id),
            ..Frame::default()
        };
    }
}

impl Parser {
    /// Takes the next bytes, and hands out each frame that they complete.
    pub fn feed(&mut self, mut bytes: &[u8], on_frame: &mut impl FnMut(&Frame)) {
        if take(&mut self.after_cr) {
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.end_line(&bytes[..end], on_frame);
            let cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            if cr {
                self.after_cr = bytes.is_empty();
                bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            }
        }
        self.line.extend_from_slice(bytes);
    }

    fn end_line(&mut self, rest: &[u8], on_frame: &mut impl FnMut(&Frame)) {
        if self.line.is_empty() {
            return self.take_line(rest, on_frame);
        }
        // Its memory is freed: most lines arrive in one piece.
        let mut line = take(&mut self.line);
        line.extend_from_slice(rest);
        self.take_line(&line, on_frame);
    }

    fn take_line(&mut self, line: &[u8], on_frame: &mut impl FnMut(&Frame)) {
        if line.is_empty() {
            on_frame(&self.frame);
            return self.frame.clear();
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = line.split_at(colon.unwrap_or(line.len()));
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        self.frame.take(field, value);
    }
}

impl Frame {
    fn take(&mut self, field: &[u8], value: &[u8]) {
        match field {
            b"id" => {
                self.id.clear();
                self.id.extend_from_slice(value);
            }
            b"event" => self.gap = value == b"gap",
            b"data" if !self.has_data => {
                self.has_data = true;
                self.made_at = clients::made_at(value);
            }
            b"retry" => self.retry = str::from_utf8(value).ok().and_then(|v| v.parse().ok()),
            _ => {} // a comment, or a later line of data
        }
    }
}
