use super::SOON;
use super::impatient;
use crate::sse::rig::numbered;
use millstream_tests::http2::{DATA, Http2, RST_STREAM};
use millstream_tests::{metrics, wait_until};
use std::time::Duration;

const SLOW: u32 = 1;
const QUICK: u32 = 3;
const AGAIN: u32 = 5;
const WIDE: u32 = 1 << 30;
/// What the slow stream receives.
const NARROW: u32 = 1000;

#[test]
fn a_stalled_stream_is_reset_and_its_siblings_continue() {
    let rig = impatient();
    let mut http2 = Http2::open(&rig.daemon.sse(), NARROW);
    http2.widen(0, WIDE);
    http2.get(SLOW, "/v1/events?client=slow", &[]);
    http2.get(QUICK, "/v1/events?client=quick", &[]);
    http2.widen(QUICK, WIDE);
    let open = || metrics(&rig.daemon.admin()).sum("millstream_sse_connections", &[]);
    wait_until("both streams are open", SOON, || {
        (open() == 2.0).then_some(())
    });

    rig.send("slow", (0..20).map(|_| "x".repeat(100 << 10)));
    let (mut sent, mut of_slow, mut is_reset) = (0, 0, false);
    let mut quick_reads_on = || {
        rig.send("quick", numbered(sent..sent + 1));
        let expected = format!("data: payload {sent}\n");
        sent += 1;
        loop {
            let frame = http2.next(SOON).expect("the connection is open");
            let text = String::from_utf8_lossy(&frame.payload);
            match (frame.stream, frame.kind) {
                (SLOW, DATA) => of_slow += frame.payload.len(),
                (SLOW, RST_STREAM) => is_reset = true,
                (QUICK, DATA) if text.contains(&expected) => return is_reset,
                _ => {}
            }
        }
    };
    wait_until("the slow stream is reset", SOON, || {
        quick_reads_on().then_some(())
    });
    for _ in 0..3 {
        quick_reads_on();
    }
    assert!(of_slow <= NARROW as usize, "{of_slow} bytes arrived");
    wait_until("one stream is open", SOON, || (open() == 1.0).then_some(()));
    let cut = metrics(&rig.daemon.admin()).sum("millstream_sse_cut_total", &[]);
    assert_eq!(cut.to_string(), "1");

    // It resumes on the same connection, whose window was full before.
    http2.get(AGAIN, "/v1/events?client=slow&from=earliest", &[]);
    http2.widen(AGAIN, WIDE);
    let mut got = 0;
    while got < 20 * (100 << 10) {
        let frame = http2.next(SOON).expect("the connection is open");
        if (frame.stream, frame.kind) == (AGAIN, DATA) {
            got += frame.payload.len();
        }
    }
}

/// Each piece read counts as progress, even in a large event.
#[test]
fn a_slow_but_steady_reader_gets_a_large_event_completely() {
    const LARGE: usize = 400 << 10;
    const STEP: u32 = 10_000;
    let rig = impatient();
    let mut http2 = Http2::open(&rig.daemon.sse(), NARROW);
    http2.widen(0, WIDE);
    http2.get(SLOW, "/v1/events?client=slow", &[]);
    let open = || metrics(&rig.daemon.admin()).sum("millstream_sse_connections", &[]);
    wait_until("the stream is open", SOON, || (open() == 1.0).then_some(()));
    // More data is always waiting behind it.
    rig.send(
        "slow",
        [LARGE, 70 << 10, 70 << 10, 70 << 10].map(|n| "x".repeat(n)),
    );
    let (mut got, mut steps) = (0, 0);
    while got < LARGE + (70 << 10) {
        match http2.next(Duration::from_millis(100)) {
            Some(frame) if frame.kind == DATA => got += frame.payload.len(),
            Some(frame) => assert_ne!(frame.kind, RST_STREAM, "after {got} bytes"),
            None => {
                assert!(!http2.has_ended(), "after {got} bytes");
                http2.widen(SLOW, STEP);
                steps += 1;
            }
        }
    }
    assert!(
        steps > 20,
        "reading lasted several write time-outs: {steps}"
    );
    let cut = metrics(&rig.daemon.admin()).sum("millstream_sse_cut_total", &[]);
    assert_eq!(cut.to_string(), "0");
}
