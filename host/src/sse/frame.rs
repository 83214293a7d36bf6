//! Frames, as the HTML standard's event stream format has them
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use crate::record::{Entry, Gap, StreamId};
use bytes::Bytes;

/// Keeps proxies from closing a quiet stream.
pub(super) const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// The first frame: where the stream begins, so that a client that is cut off
/// before its first event resumes too, and how long it then waits.
pub(super) fn opening(cursor: StreamId, retry_ms: u64) -> Bytes {
    format!("id: {cursor}\nretry: {retry_ms}\n\n").into()
}

/// The last frame of a stream that the host ends.
pub(super) fn closing(retry_ms: u64) -> Bytes {
    format!("retry: {retry_ms}\n\n").into()
}

/// Tells that entries after `cursor` may be missing, and goes on at `at`: who
/// was told is not told again.
pub(super) fn gap(gap: Gap, cursor: StreamId, at: StreamId) -> Bytes {
    let reason = gap.reason();
    let told = format!(r#"{{"reason":"{reason}","after":"{cursor}"}}"#);
    format!("id: {at}\nevent: gap\ndata: {told}\n\n").into()
}

/// One entry's event.
pub(super) fn event(entry: &Entry) -> Bytes {
    let mut frame = Vec::with_capacity(entry.data.len() + entry.kind.len() + 64);
    frame.extend_from_slice(b"id: ");
    frame.extend_from_slice(entry.id.to_string().as_bytes());
    if !entry.kind.is_empty() {
        frame.extend_from_slice(b"\nevent: ");
        // Checked to hold no line end when the event was made; an entry that
        // another program wrote may.
        frame.extend(entry.kind.iter().filter(|b| !matches!(b, b'\r' | b'\n')));
    }
    data(&mut frame, &entry.data);
    frame.extend_from_slice(b"\n\n");
    frame.into()
}

/// CR, LF and CRLF each end a line of the payload, and begin a field of its own.
fn data(frame: &mut Vec<u8>, mut payload: &[u8]) {
    loop {
        frame.extend_from_slice(b"\ndata: ");
        let Some(end) = payload.iter().position(|b| matches!(b, b'\r' | b'\n')) else {
            frame.extend_from_slice(payload);
            return;
        };
        frame.extend_from_slice(&payload[..end]);
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
        assert_eq!(event(&Entry { id, kind, data }), expected);
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
}
