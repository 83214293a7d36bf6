use super::bystander::{Bystander, connect, read_to_end};
use super::{SOON, impatient};
use crate::sse::rig::{Options, Rig};
use millstream_tests::http2::{END_HEADERS, END_STREAM, GOAWAY, HEADERS, Http2, PREFACE, block};
use std::io::Write;

/// Checks that the connection ends; answers pings until then.
#[track_caller]
fn assert_ends(http2: &mut Http2) -> Vec<u8> {
    let frames: Vec<_> = std::iter::from_fn(|| http2.next(SOON)).collect();
    assert!(http2.has_ended(), "the connection does not end: {frames:?}");
    frames.iter().map(|frame| frame.kind).collect()
}

#[test]
fn a_partial_preface_is_cut() {
    let rig = impatient();
    let mut bystander = Bystander::of(&rig);
    let halves: Vec<_> = (1..PREFACE.len())
        .map(|length| {
            let mut socket = connect(&rig);
            socket.write_all(&PREFACE[..length]).unwrap();
            socket
        })
        .collect();
    bystander.reads_on();
    halves.into_iter().for_each(|half| drop(read_to_end(half)));
    bystander.noticed_nothing();
}

#[test]
fn a_connection_without_requests_is_closed_although_it_answers_pings() {
    let rig = impatient();
    let mut bystander = Bystander::of(&rig);
    let mut silent = Http2::connect(&rig.daemon.sse());
    silent.raw(PREFACE);
    let mut idle = Http2::open(&rig.daemon.sse(), 65_535);
    let mut asked = Http2::open(&rig.daemon.sse(), 65_535);
    asked.get(1, "/v1/nothing", &[]);
    bystander.reads_on();
    assert_ends(&mut silent);
    assert!(assert_ends(&mut idle).contains(&GOAWAY), "a GOAWAY frame");
    let said = assert_ends(&mut asked);
    assert!(
        said.contains(&HEADERS) && said.contains(&GOAWAY),
        "{said:?}"
    );
    bystander.noticed_nothing();
}

#[test]
fn a_partial_request_does_not_keep_a_connection() {
    let rig = impatient();
    let mut bystander = Bystander::of(&rig);
    let whole = block("/v1/events?client=x", &[]);
    let mut begun = Http2::open(&rig.daemon.sse(), 65_535);
    begun.send(HEADERS, END_STREAM, 1, &whole[..whole.len() / 2]);
    // A frame without its end.
    let mut torn = Http2::open(&rig.daemon.sse(), 65_535);
    torn.raw(&[0, 1, 0, HEADERS, END_STREAM | END_HEADERS, 0, 0, 0, 1, 0]);
    bystander.reads_on();
    assert_ends(&mut begun);
    assert_ends(&mut torn);
    bystander.noticed_nothing();
}

#[test]
fn an_unread_answer_is_given_up() {
    let rig = impatient();
    let mut bystander = Bystander::of(&rig);
    let mut deaf = Http2::open(&rig.daemon.sse(), 0);
    deaf.get(1, "/v1/millstream.js", &[]);
    bystander.reads_on();
    assert_ends(&mut deaf);
    bystander.noticed_nothing();
}

#[test]
fn an_open_stream_keeps_its_connection_alive() {
    // A client that does not read for a while does not answer pings either.
    let rig = Rig::with(Options {
        http: "header-timeout = \"1s\"",
        ..Options::default()
    });
    let mut bystander = Bystander::of(&rig);
    let mut http2 = Http2::open(&rig.daemon.sse(), 65_535);
    http2.get(1, "/v1/events?client=quiet", &[]);
    // Several times the life of a connection without a stream.
    let mut idle = Http2::open(&rig.daemon.sse(), 65_535);
    for _ in 0..3 {
        assert_ends(&mut idle);
        idle = Http2::open(&rig.daemon.sse(), 65_535);
        bystander.reads_on();
    }
    rig.send("quiet", ["comes after all"]);
    loop {
        let frame = http2.next(SOON).expect("the connection is still open");
        if String::from_utf8_lossy(&frame.payload).contains("data: comes after all") {
            break;
        }
    }
    bystander.noticed_nothing();
}
