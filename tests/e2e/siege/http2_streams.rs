use super::SOON;
use crate::sse::payload::{payloads, read_back};
use crate::sse::rig::{Rig, numbered};
use millstream_tests::http2::{DATA, END_STREAM, HEADERS, Http2};
use millstream_tests::{Curl, Entry, Event, Frame, Link, Parser, Reader};
use std::collections::HashMap;

/// The values that curl should show.
fn events(entries: &[Entry]) -> Vec<Event> {
    let event = |entry: &Entry| Event {
        id: entry.id.clone(),
        kind: entry.event_type.clone(),
        data: read_back(&entry.data),
    };
    entries.iter().map(event).collect()
}

#[test]
fn curl_reads_and_resumes_over_http2() {
    let rig = Rig::start();
    let link = Link::to(&rig.daemon.sse());
    let url = format!("http://{}/v1/events?client=ada", link.addr());
    let curl = Curl::read(&url, &["--http2-prior-knowledge"]);
    let opened = |times| drop(curl.wait("it is connected", SOON, &|told| told.opened == times));
    opened(1);
    let all = payloads();
    rig.store("ada", all.clone(), all.len());
    for round in 0..3 {
        link.cut();
        let count = all.len() + round * 10;
        rig.store("ada", numbered(count..count + 5), count + 5);
        link.open();
        opened(round + 2);
        let entries = rig.store("ada", numbered(count + 5..count + 10), count + 10);
        let told = curl.wait("all came", SOON, &|told| told.events.len() >= count + 10);
        assert!(told.events == events(&entries), "round {round}");
    }
}

/// The data of each stream.
#[derive(Default)]
struct Streams(HashMap<u32, (Parser, Vec<Frame>)>);

impl Streams {
    /// Reads until this stream has this many events; returns its events.
    #[track_caller]
    fn read(&mut self, http2: &mut Http2, stream: u32, count: usize) -> Vec<Frame> {
        loop {
            let events = self.0.entry(stream).or_default().1.iter();
            let events: Vec<_> = events.filter(|f| f.data.is_some()).cloned().collect();
            if events.len() >= count {
                return events;
            }
            let frame = http2
                .next(SOON)
                .unwrap_or_else(|| panic!("{stream}: {events:?}"));
            if frame.kind == DATA {
                let size = frame.payload.len() as u32;
                http2.widen(0, size.max(1));
                http2.widen(frame.stream, size.max(1));
                let (parser, frames) = self.0.entry(frame.stream).or_default();
                frames.extend(parser.parse(&frame.payload));
            } else if frame.kind == HEADERS {
                assert_eq!(frame.payload[0], 0x88, ":status 200");
            }
        }
    }
}

#[test]
fn many_streams_share_a_connection_and_each_resumes_at_its_position() {
    const CLIENTS: usize = 100;
    let rig = Rig::start();
    let client = |n: usize| format!("client-{n}");
    let path = |n: usize| format!("/v1/events?client={}&from=earliest", client(n));
    let mut last: Vec<Option<String>> = vec![None; CLIENTS];
    for round in 0..2 {
        let (mut http2, mut streams) = (Http2::open(&rig.daemon.sse(), 65_535), Streams::default());
        for (n, last) in last.iter().enumerate() {
            let id = last.as_ref().map(|id| ("last-event-id", id.as_str()));
            http2.get(2 * n as u32 + 1, &path(n), id.as_slice());
        }
        for n in 0..CLIENTS {
            rig.send(&client(n), numbered(round * 3..round * 3 + 3));
        }
        for (n, last) in last.iter_mut().enumerate() {
            let events = streams.read(&mut http2, 2 * n as u32 + 1, 3);
            let got: Vec<_> = events.iter().map(|e| e.data.clone().unwrap()).collect();
            let expected: Vec<_> = numbered(round * 3..round * 3 + 3).collect();
            assert_eq!(got, expected, "{n}");
            *last = events[2].id.clone();
        }
    }
}

#[test]
fn a_head_request_ends_after_its_headers_and_the_connection_stays_usable() {
    let rig = Rig::start();
    rig.store("ada", numbered(0..3), 3);
    let mut http2 = Http2::open(&rig.daemon.sse(), 65_535);
    let path = "/v1/events?client=ada&from=earliest";
    http2.ask("HEAD", 1, path, &[]);
    let head = std::iter::from_fn(|| http2.next(SOON)).find(|frame| frame.stream == 1);
    let head = head.expect("a response");
    assert_eq!(
        (head.kind, head.stream, head.payload[0]),
        (HEADERS, 1, 0x88)
    );
    assert_eq!(
        head.flags & END_STREAM,
        END_STREAM,
        "the response has a body"
    );
    http2.get(3, path, &[]);
    let events = Streams::default().read(&mut http2, 3, 3);
    assert_eq!(events.len(), 3);
}
