//! Frames, as the HTML standard's event stream format has them
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
//!
//! A frame is encoded once, already as a chunk of HTTP/1.1 (RFC 9112, 7.1);
//! who sends it in another way sends what is inside. An event is two frames
//! side by side, its `id:` line and the rest, for those whose id is their own.

use crate::record::{Entry, Gap, StreamId};
use bytes::Bytes;
use std::io::Write;

/// Bytes kept for a chunk's size: up to eight digits and a line end.
const SIZE: usize = 10;

/// Some bytes to send, shared by everyone that they are sent to.
#[derive(Clone)]
pub struct Frame {
    chunk: Bytes,
    size: usize,
}

impl Frame {
    fn new(write: impl FnOnce(&mut Vec<u8>), capacity: usize) -> Frame {
        let mut whole = Vec::with_capacity(SIZE + capacity + 2);
        whole.resize(SIZE, 0);
        write(&mut whole);
        let size = format!("{:x}\r\n", whole.len() - SIZE);
        let start = SIZE - size.len();
        whole[start..SIZE].copy_from_slice(size.as_bytes());
        whole.extend_from_slice(b"\r\n");
        Frame {
            chunk: Bytes::from(whole).slice(start..),
            size: size.len(),
        }
    }

    /// As a chunk, or as it is.
    pub fn bytes(&self, chunked: bool) -> Bytes {
        if chunked {
            return self.chunk.clone();
        }
        self.chunk.slice(self.size..self.chunk.len() - 2)
    }
}

/// What ends a body of chunks.
pub const LAST_CHUNK: Bytes = Bytes::from_static(b"0\r\n\r\n");

/// Keeps proxies from closing a quiet stream.
pub fn comment() -> Frame {
    Frame::new(|frame| frame.extend_from_slice(b":\n\n"), 3)
}

/// Moves the client's cursor, without an event.
pub fn moved(id: &[u8]) -> Frame {
    Frame::new(
        |frame| {
            id_line(frame, id);
            frame.push(b'\n');
        },
        id.len() + 6,
    )
}

/// The first frame: where the stream begins, so that a client that is cut off
/// before its first event resumes too, and how long it then waits.
pub fn opening(id: &[u8], retry_ms: u64) -> Frame {
    Frame::new(
        |frame| {
            id_line(frame, id);
            retry(frame, retry_ms);
        },
        id.len() + 32,
    )
}

/// The last frame of a stream that the host ends.
pub fn closing(retry_ms: u64) -> Frame {
    Frame::new(|frame| retry(frame, retry_ms), 32)
}

fn retry(frame: &mut Vec<u8>, ms: u64) {
    // Writing into a Vec can't fail.
    let _ = write!(frame, "retry: {ms}\n\n");
}

fn id_line(frame: &mut Vec<u8>, id: &[u8]) {
    frame.extend_from_slice(b"id: ");
    frame.extend_from_slice(id);
    frame.push(b'\n');
}

/// The `id:` line of an event, for a connection with an id of its own.
pub fn id(id: &[u8]) -> Frame {
    Frame::new(|frame| id_line(frame, id), id.len() + 5)
}

/// What a gap event tells.
pub struct Told<'a> {
    /// Why.
    pub gap: Gap,
    /// After which entry events may be missing.
    pub after: StreamId,
    /// Where it goes on: at the next entry there is, or behind what is gone.
    pub resumes_at: StreamId,
    /// The group whose stream it is, if it is a group's.
    pub group: Option<&'a str>,
}

/// Tells that entries may be missing. Comes behind an `id:` line.
pub fn gap(told: &Told<'_>) -> Frame {
    let mut data = serde_json::json!({
        "after": told.after.to_string(),
        "resumes-at": told.resumes_at.to_string(),
        "reason": told.gap.reason(),
    });
    if let Some(group) = told.group {
        data["group"] = group.into();
    }
    let data = format!("event: gap\ndata: {data}\n\n");
    Frame::new(|frame| frame.extend_from_slice(data.as_bytes()), data.len())
}

/// One entry's event, without its id.
pub fn event(entry: &Entry) -> Frame {
    Frame::new(|frame| fields(frame, entry), room(entry))
}

/// One entry's event, with the entry's id.
pub fn event_with_id(entry: &Entry) -> Frame {
    Frame::new(
        |frame| {
            let _ = writeln!(frame, "id: {}", entry.id);
            fields(frame, entry);
        },
        room(entry) + 40,
    )
}

fn room(entry: &Entry) -> usize {
    entry.data.len() + entry.kind.len() + 32
}

fn fields(frame: &mut Vec<u8>, entry: &Entry) {
    if !entry.kind.is_empty() {
        frame.extend_from_slice(b"event: ");
        // Checked to hold no line end when the event was made; an entry that
        // another program wrote may.
        let kind = entry.kind.iter();
        frame.extend(kind.filter(|b| !matches!(b, b'\r' | b'\n')));
        frame.push(b'\n');
    }
    data(frame, &entry.data);
    frame.push(b'\n');
}

/// CR, LF and CRLF each end a line of the payload, and begin a field of its own.
fn data(frame: &mut Vec<u8>, mut payload: &[u8]) {
    loop {
        frame.extend_from_slice(b"data: ");
        let Some(end) = payload.iter().position(|b| matches!(b, b'\r' | b'\n')) else {
            frame.extend_from_slice(payload);
            frame.push(b'\n');
            return;
        };
        frame.extend_from_slice(&payload[..end]);
        frame.push(b'\n');
        let crlf = payload[end..].starts_with(b"\r\n");
        payload = &payload[end + 1 + usize::from(crlf)..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: &str, data: &str, expected: &str) {
        let id = StreamId {
            millis: 1,
            number: 2,
        };
        let (kind, data) = (kind.to_string().into(), data.to_string().into());
        let entry = Entry { id, kind, data };
        assert_eq!(event_with_id(&entry).bytes(false), expected);
        let split = [super::id(b"1-2"), event(&entry)].map(|frame| frame.bytes(false));
        assert_eq!(split.concat(), expected.as_bytes());
    }

    #[test]
    fn every_line_end_of_a_payload_begins_a_data_line() {
        check("", "{}", "id: 1-2\ndata: {}\n\n");
        check("t", "", "id: 1-2\nevent: t\ndata: \n\n");
        check(
            "t",
            "a\nb\rc\r\nd\n",
            "id: 1-2\nevent: t\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \n\n",
        );
    }

    #[test]
    fn a_payload_cannot_forge_a_field() {
        check(
            "",
            "x\nid: 9-9\n\nevent: y",
            "id: 1-2\ndata: x\ndata: id: 9-9\ndata: \ndata: event: y\n\n",
        );
        check("a\nid: 9", "", "id: 1-2\nevent: aid: 9\ndata: \n\n");
    }

    #[test]
    fn a_chunk_tells_the_size_of_what_is_in_it() {
        let frame = opening(b"1-2", 1824);
        assert_eq!(frame.bytes(false), "id: 1-2\nretry: 1824\n\n");
        assert_eq!(frame.bytes(true), "15\r\nid: 1-2\nretry: 1824\n\n\r\n");
    }
}
