use super::super::payload::read_back;
use super::standard::{Dispatched, EventSource};
use super::{config, text};
use millstream::record::{Entry, Gap, StreamId};
use millstream::sse::frame::{self, Frame, LAST_CHUNK, Told};
use millstream_tests::Body;
use proptest::collection::vec;
use proptest::prelude::*;

/// What is sent: an event with a simple id, one after a composite id, or a frame without an event.
#[derive(Clone, Debug)]
enum Sent {
    Event(Entry),
    EventOfSeveral(String, Entry),
    Moved(String),
    Opening(u64),
    Gap(StreamId, StreamId),
    Comment,
}

fn stream_id() -> impl Strategy<Value = StreamId> {
    (any::<u64>(), any::<u64>()).prop_map(|(millis, number)| StreamId { millis, number })
}

/// Mostly text, sometimes bytes that are not text.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => text().prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..200),
        1 => vec(Just(b'x'), 0..70_000),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    (stream_id(), bytes(), bytes()).prop_map(|(id, kind, data)| Entry {
        id,
        kind: kind.into(),
        data: data.into(),
    })
}

/// A composite id as it is written: without line ends.
fn composite() -> impl Strategy<Value = String> {
    "[0-9]{1,20}-[0-9]{1,20}(,[a-zA-Z0-9%_.~-]{1,40}=[0-9]{1,20}-[0-9]{1,20}){0,4}"
}

fn sent() -> impl Strategy<Value = Sent> {
    prop_oneof![
        6 => entry().prop_map(Sent::Event),
        3 => (composite(), entry()).prop_map(|(id, entry)| Sent::EventOfSeveral(id, entry)),
        1 => composite().prop_map(Sent::Moved),
        1 => any::<u64>().prop_map(Sent::Opening),
        1 => (stream_id(), stream_id()).prop_map(|(after, at)| Sent::Gap(after, at)),
        1 => Just(Sent::Comment),
    ]
}

impl Sent {
    fn frames(&self) -> Vec<Frame> {
        match self {
            Sent::Event(entry) => vec![frame::event_with_id(entry)],
            Sent::EventOfSeveral(id, entry) => {
                vec![frame::id(id.as_bytes()), frame::event(entry)]
            }
            Sent::Moved(id) => vec![frame::moved(id.as_bytes())],
            Sent::Opening(retry) => vec![frame::opening(b"7-7", *retry)],
            Sent::Gap(after, resumes_at) => {
                let told = Told {
                    gap: Gap::Trimmed,
                    after: *after,
                    resumes_at: *resumes_at,
                    group: Some("a \"group\"\u{2028}"),
                };
                vec![frame::id(after.to_string().as_bytes()), frame::gap(&told)]
            }
            Sent::Comment => vec![frame::comment()],
        }
    }

    /// What an EventSource should make of it, and its last event id afterwards.
    fn meant(&self) -> (Option<Dispatched>, Option<String>) {
        let event = |id: &str, entry: &Entry| {
            // A type can't contain line ends: they are left out.
            let kind = String::from_utf8_lossy(&without_line_ends(&entry.kind)).into_owned();
            let kind = if kind.is_empty() {
                "message".to_owned()
            } else {
                kind
            };
            let data = read_back(&String::from_utf8_lossy(&entry.data));
            (Some((id.to_owned(), kind, data)), Some(id.to_owned()))
        };
        match self {
            Sent::Event(entry) => event(&entry.id.to_string(), entry),
            Sent::EventOfSeveral(id, entry) => event(id, entry),
            Sent::Moved(id) => (None, Some(id.clone())),
            Sent::Opening(_) => (None, Some("7-7".to_owned())),
            Sent::Gap(after, resumes_at) => {
                let data = serde_json::json!({
                    "after": after.to_string(),
                    "resumes-at": resumes_at.to_string(),
                    "reason": "trimmed",
                    "group": "a \"group\"\u{2028}",
                });
                let (id, kind) = (after.to_string(), "gap".to_owned());
                (Some((id.clone(), kind, data.to_string())), Some(id))
            }
            Sent::Comment => (None, None),
        }
    }
}

fn without_line_ends(bytes: &[u8]) -> Vec<u8> {
    let bytes = bytes.iter().copied();
    bytes.filter(|b| !matches!(b, b'\r' | b'\n')).collect()
}

/// These bytes in pieces of these sizes, repeated.
fn cut<'a>(bytes: &'a [u8], sizes: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let (mut rest, mut sizes) = (bytes, sizes.iter().cycle());
    std::iter::from_fn(move || {
        let size = (*sizes.next()?).min(rest.len());
        let (piece, left) = rest.split_at(size);
        rest = left;
        (!piece.is_empty()).then_some(piece)
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn frames_are_read_back_with_any_chunking_and_transport(
        all in vec(sent(), 0..12),
        sizes in vec(1_usize..300, 1..6),
    ) {
        let frames: Vec<Frame> = all.iter().flat_map(Sent::frames).collect();
        let plain: Vec<u8> = frames.iter().flat_map(|f| f.bytes(false)).collect();
        let mut chunks: Vec<u8> = frames.iter().flat_map(|f| f.bytes(true)).collect();
        chunks.extend(LAST_CHUNK);

        // Decoding the frames one by one gives the same as all of them at once.
        let expected: Vec<Dispatched> = all.iter().filter_map(|sent| sent.meant().0).collect();
        let last = all.iter().rev().find_map(|sent| sent.meant().1);
        let read = EventSource::read(cut(&plain, &sizes));
        prop_assert_eq!(&read.events, &expected);
        prop_assert_eq!(read.last_event_id, last.unwrap_or_default());
        let retry = |sent: &Sent| match sent {
            Sent::Opening(retry) => Some(*retry),
            _ => None,
        };
        prop_assert_eq!(read.retry, all.iter().rev().find_map(retry));

        let mut body = Body::chunked();
        let carried: Vec<Vec<u8>> = cut(&chunks, &sizes).map(|piece| body.decode(piece)).collect();
        prop_assert!(body.is_done(), "the body is complete");
        prop_assert_eq!(carried.concat(), plain, "chunks carry the same bytes");
    }
}
