use super::bystander::Bystander;
use super::{SOON, impatient};
use millstream_tests::http2::{
    CONTINUATION, END_HEADERS, END_STREAM, GOAWAY, HEADERS, Http2, Http2Frame, PING, RST_STREAM,
    block, literal,
};

/// The end of a literal that refers to index 62: the newest entry of either side's table.
const NEWEST: u8 = 0x80 | 62;

/// What arrives until the connection ends or `done` is true.
fn until(http2: &mut Http2, is_there: impl Fn(&Http2Frame) -> bool) -> Option<Http2Frame> {
    loop {
        let frame = http2.next(SOON)?;
        if is_there(&frame) {
            return Some(frame);
        }
    }
}

/// Checks that the stream is refused or the connection ends.
#[track_caller]
fn assert_refused(http2: &mut Http2) {
    let answer = until(http2, |frame| {
        matches!(frame.kind, HEADERS | RST_STREAM | GOAWAY)
    });
    if let Some(Http2Frame {
        kind: HEADERS,
        payload,
        ..
    }) = answer
    {
        // `:status` as a literal after an indexed name (RFC 7541, 6.2), or from the static table.
        let is_refusal = payload
            .windows(3)
            .any(|text| text == b"431" || text == b"400");
        assert!(is_refusal || payload[0] == 0x8c, "{payload:x?}");
    } else {
        assert!(answer.is_some() || http2.has_ended());
    }
}

#[test]
fn a_header_that_references_one_table_entry_thousands_of_times_is_refused() {
    let rig = impatient();
    let mut bystander = Bystander::of(&rig);
    for _ in 0..20 {
        let mut http2 = Http2::open(&rig.daemon.sse(), 65_535);
        // 4000 bytes that go into the table, then one byte for each reference to them.
        let mut bomb = block("/v1/events?client=x", &[]);
        let mut entry = literal("x-bomb", &"a".repeat(3900));
        entry[0] = 0x40;
        bomb.extend(entry);
        bomb.resize(16_000, NEWEST);
        http2.send(HEADERS, END_STREAM | END_HEADERS, 1, &bomb);
        assert_refused(&mut http2);
    }
    bystander.reads_on();
    bystander.noticed_nothing();
}

#[test]
fn ten_thousand_headers_are_refused() {
    let rig = impatient();
    let bystander = Bystander::of(&rig);
    let mut http2 = Http2::open(&rig.daemon.sse(), 65_535);
    http2.send(HEADERS, END_STREAM, 1, &block("/v1/events?client=x", &[]));
    let some = literal("a", "b").repeat(1000);
    for _ in 0..10 {
        http2.send(CONTINUATION, 0, 1, &some);
    }
    http2.send(CONTINUATION, END_HEADERS, 1, &[]);
    assert_refused(&mut http2);
    bystander.noticed_nothing();
}

#[test]
fn endless_headers_are_cut() {
    let rig = impatient();
    let mut bystander = Bystander::of(&rig);
    for piece in [vec![], literal("a", &"b".repeat(8000))] {
        let mut http2 = Http2::open(&rig.daemon.sse(), 65_535);
        http2.send(HEADERS, END_STREAM, 1, &block("/v1/events?client=x", &[]));
        let cut = (0..100_000).any(|_| !http2.send(CONTINUATION, 0, 1, &piece));
        bystander.reads_on();
        assert!(cut, "the daemon read 100,000 frames");
    }
    bystander.noticed_nothing();
}

#[test]
fn a_flood_of_stream_resets_is_cut() {
    let rig = impatient();
    let mut bystander = Bystander::of(&rig);
    let mut http2 = Http2::open(&rig.daemon.sse(), 65_535);
    let block = block("/v1/events?client=x", &[]);
    let mut sent = true;
    for stream in (1..200_000).step_by(2) {
        sent = http2.send(HEADERS, END_STREAM | END_HEADERS, stream, &block)
            && http2.send(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
        if !sent {
            break;
        }
    }
    bystander.reads_on();
    assert!(!sent, "the daemon read 100,000 frames");
    bystander.noticed_nothing();
}

#[test]
fn streams_over_the_limit_are_refused_and_the_others_continue() {
    let rig = impatient();
    let mut bystander = Bystander::of(&rig);
    let mut http2 = Http2::open(&rig.daemon.sse(), 65_535);
    // The server enforces the limit for the connection; each client has a lower limit.
    for n in 0..200 {
        http2.get(2 * n + 1, &format!("/v1/events?client=client-{n}"), &[]);
    }
    let refused = until(&mut http2, |frame| frame.kind == RST_STREAM);
    assert_eq!(
        refused.expect("one stream is refused").payload,
        7_u32.to_be_bytes()
    );
    bystander.reads_on();
    rig.send("client-0", ["goes on"]);
    let event = until(&mut http2, |frame| {
        frame.stream == 1 && String::from_utf8_lossy(&frame.payload).contains("data: goes on")
    });
    assert!(event.is_some());
    bystander.noticed_nothing();
}

#[test]
fn a_ping_flood_with_unread_answers_is_cut() {
    let rig = impatient();
    let mut bystander = Bystander::of(&rig);
    let mut http2 = Http2::open(&rig.daemon.sse(), 65_535);
    let cut = (0..10_000_000).any(|_| !http2.send(PING, 0, 0, &[0; 8]));
    assert!(cut, "the daemon read ten million pings");
    bystander.reads_on();
    bystander.noticed_nothing();
}
