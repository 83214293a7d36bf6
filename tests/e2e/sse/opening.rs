use super::SOON;
use super::rig::{Options, Rig, assert_same, numbered};
use millstream_tests::{Message, get, produce, request};

const NOTIFICATIONS: &str = r#"plugin = "bundled:notifications""#;

#[test]
fn a_response_declares_an_event_stream_that_must_not_be_buffered() {
    let rig = Rig::start();
    let sse = rig.ask("client=ada", &[]);
    assert_eq!(sse.status, 200);
    assert_eq!(sse.header("content-type"), Some("text/event-stream"));
    assert_eq!(sse.header("cache-control"), Some("no-store"));
    assert_eq!(sse.header("x-accel-buffering"), Some("no"));
    assert_eq!(sse.header("transfer-encoding"), Some("chunked"));
}

#[test]
fn a_stream_starts_at_the_live_end_and_gets_later_events() {
    let rig = Rig::start();
    let (mut early, begins) = rig.open("client=ada");
    assert_eq!(begins, "0-0", "the stream does not exist yet");
    let entries = rig.store("ada", numbered(0..3), 3);
    let (mut late, begins) = rig.open("client=ada");
    assert_eq!(begins, entries[2].id);
    let (mut asked, begins) = rig.open("client=ada&from=now");
    assert_eq!(begins, entries[2].id);
    let entries = rig.store("ada", numbered(3..5), 5);
    assert_same(&early.events(5, SOON), &entries);
    assert_same(&late.events(2, SOON), &entries[3..]);
    assert_same(&asked.events(2, SOON), &entries[3..]);
}

#[test]
fn from_earliest_gets_all_stored_events_and_later_ones() {
    let rig = Rig::with(Options {
        transform: NOTIFICATIONS,
        ..Options::default()
    });
    let send = |numbers: std::ops::Range<usize>| {
        let value = |n| {
            format!(
                r#"{{"eventId":"e{n}","eventType":"mail","clientId":"ada","message":"no {n}"}}"#
            )
        };
        produce(
            &rig.topic,
            numbers.map(|n| Message::new(value(n)).partition(0)),
        );
    };
    send(0..300); // more than one page of a read
    rig.stored("ada", 300);
    let (mut sse, begins) = rig.open("client=ada&from=earliest");
    assert_eq!(begins, "0-0");
    let mut events = sse.events(300, SOON);
    send(300..302);
    events.extend(sse.events(2, SOON));
    assert_same(&events, &rig.stored("ada", 302));
    for (n, event) in events.iter().enumerate() {
        assert_eq!(event.event.as_deref(), Some("mail"));
        let payload = format!(r#"{{"id":"e{n}","message":"no {n}"}}"#);
        assert_eq!(event.data.as_deref(), Some(&*payload));
    }
}

#[test]
fn an_idle_stream_receives_comments() {
    let rig = Rig::start();
    let (mut sse, _) = rig.open("client=ada");
    for _ in 0..2 {
        let frame = sse.next(SOON).expect("a comment");
        assert_eq!(frame.comment.as_deref(), Some(""));
        assert_eq!((frame.id, frame.data), (None, None));
    }
    rig.send("ada", ["after"]);
    assert_eq!(sse.events(1, SOON)[0].data.as_deref(), Some("after"));
}

#[test]
fn invalid_requests_get_an_explanation() {
    let rig = Rig::start();
    let addr = rig.daemon.sse();
    let post = request("POST", &addr, "/v1/events?client=ada", &[], b"x").unwrap();
    assert_eq!(
        (post.status, post.header("allow")),
        (405, Some("GET, HEAD, OPTIONS"))
    );
    for path in [
        "/",
        "/v1/events/",
        "/v1",
        "/metrics",
        "/%2e%2e/v1/events?client=ada",
    ] {
        assert_eq!(get(&addr, path).status, 404, "{path}");
    }
    for from in ["earliest%20", "0", "LIVE"] {
        let answer = get(&addr, &format!("/v1/events?client=ada&from={from}"));
        assert_eq!(answer.status, 400, "{from}");
        assert!(answer.text().contains("earliest"), "{}", answer.text());
    }
}
