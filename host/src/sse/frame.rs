//! Frames of the event stream format
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
//!
//! A frame is encoded once, as a chunk of HTTP/1.1 (RFC 9112, 7.1); other
//! transports send its content. An event is two frames, its `id:` line and the
//! rest, because connections with groups have ids of their own.

use crate::record::{Entry, Gap, StreamId};
use bytes::{Bytes, BytesMut};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes reserved for a chunk's size: up to eight digits and a line end.
const SIZE: usize = 10;
/// The end of a chunk.
const END: &[u8] = b"\r\n";
/// A large frame is sent in parts, so that sent parts are released.
const PART: usize = 64 << 10;

/// The bytes of all frames that are held.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// The bytes of all waiting frames, each counted once, however many connections
/// it waits for.
pub fn waiting() -> usize {
    WAITING.load(Ordering::Relaxed)
}

/// Bytes that are counted while held.
struct Counted(Vec<u8>);

impl Counted {
    fn share(bytes: Vec<u8>) -> Bytes {
        WAITING.fetch_add(bytes.capacity(), Ordering::Relaxed);
        Bytes::from_owner(Counted(bytes))
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        WAITING.fetch_sub(self.0.capacity(), Ordering::Relaxed);
    }
}

/// Bytes to send, shared by all their receivers.
#[derive(Clone)]
pub struct Frame {
    first: Bytes,
    rest: Vec<Bytes>,
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
        let (first, rest) = match whole.len() {
            0..=PART => {
                whole.extend_from_slice(END);
                (Counted::share(whole).slice(start..), Vec::new())
            }
            _ => in_parts(&whole[start..]),
        };
        Frame {
            first,
            rest,
            size: size.len(),
        }
    }

    /// The parts, as a chunk or as plain content.
    pub fn parts(&self, chunked: bool) -> impl Iterator<Item = Bytes> {
        let all = std::iter::once(&self.first).chain(&self.rest);
        all.enumerate().map(move |(n, part)| {
            if chunked {
                return part.clone();
            }
            let start = if n == 0 { self.size } else { 0 };
            let end = if n == self.rest.len() { END.len() } else { 0 };
            part.slice(start..part.len() - end)
        })
    }

    /// The same in one piece.
    pub fn bytes(&self, chunked: bool) -> Bytes {
        let mut whole = BytesMut::new();
        self.parts(chunked)
            .for_each(|part| whole.extend_from_slice(&part));
        whole.freeze()
    }
}

/// Splits a chunk into parts; the last one has the chunk's end.
fn in_parts(chunk: &[u8]) -> (Bytes, Vec<Bytes>) {
    let mut parts: Vec<Vec<u8>> = chunk.chunks(PART).map(<[u8]>::to_vec).collect();
    if let Some(last) = parts.last_mut() {
        last.extend_from_slice(END);
    }
    let mut parts = parts.into_iter().map(Counted::share);
    (parts.next().unwrap_or_default(), parts.collect())
}

/// The end of a chunked body.
pub const LAST_CHUNK: Bytes = Bytes::from_static(b"0\r\n\r\n");

/// Keeps proxies from closing a quiet stream.
pub fn comment() -> Frame {
    Frame::new(|frame| frame.extend_from_slice(b":\n\n"), 3)
}

/// Moves the client's cursor without an event.
pub fn moved(id: &[u8]) -> Frame {
    Frame::new(
        |frame| {
            id_line(frame, id);
            frame.push(b'\n');
        },
        id.len() + 6,
    )
}

/// The first frame: the cursor, so that a client that is cut off before its
/// first event can resume, and the reconnect wait.
pub fn opening(id: &[u8], retry_ms: u64) -> Frame {
    Frame::new(
        |frame| {
            id_line(frame, id);
            retry(frame, retry_ms);
        },
        id.len() + 32,
    )
}

/// The last frame of a stream that the server ends.
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

/// An `id:` line, for an id that is not the entry's.
pub fn id(id: &[u8]) -> Frame {
    Frame::new(|frame| id_line(frame, id), id.len() + 5)
}

/// The content of a gap event.
pub struct Told<'a> {
    /// The reason.
    pub gap: Gap,
    /// The entry after which events may be missing.
    pub after: StreamId,
    /// Where the stream continues: at the next entry, or after what is gone.
    pub resumes_at: StreamId,
    /// The group, if it is a group's stream.
    pub group: Option<&'a str>,
}

/// A gap event. An `id:` line precedes it.
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

/// An entry's event without its id.
pub fn event(entry: &Entry) -> Frame {
    Frame::new(|frame| fields(frame, entry), room(entry))
}

/// An entry's event with the entry's id.
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
        // Checked for line ends when the event was made, but another program
        // may have written the entry.
        let kind = entry.kind.iter();
        frame.extend(kind.filter(|b| !matches!(b, b'\r' | b'\n')));
        frame.push(b'\n');
    }
    data(frame, &entry.data);
    frame.push(b'\n');
}

/// CR, LF and CRLF each end a line, so each starts a new `data:` field.
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
    fn every_line_end_of_a_payload_starts_a_data_line() {
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
    fn a_large_frame_is_in_parts_that_are_counted_while_they_are_held() {
        let data: Bytes = vec![b'x'; 5 * PART / 2].into();
        let (id, kind) = (StreamId::default(), Bytes::new());
        let frame = event(&Entry { id, kind, data });
        assert_eq!(frame.parts(true).count(), 3);
        let (chunk, body) = (frame.bytes(true), frame.bytes(false));
        let size = format!("{:x}\r\n", body.len());
        assert_eq!(chunk, [size.as_bytes(), &body, b"\r\n"].concat());
        assert!(body.starts_with(b"data: xxx") && body.ends_with(b"xxx\n\n"));
        let last = frame.parts(false).last().expect("it has one");
        drop(frame);
        assert!(waiting() >= last.len(), "other tests have theirs, too");
    }

    #[test]
    fn a_chunk_states_the_size_of_its_content() {
        let frame = opening(b"1-2", 1824);
        assert_eq!(frame.bytes(false), "id: 1-2\nretry: 1824\n\n");
        assert_eq!(frame.bytes(true), "15\r\nid: 1-2\nretry: 1824\n\n\r\n");
    }
}
