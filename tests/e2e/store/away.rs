//! A client whose events were suppressed while it was away learns of it when it returns.

use super::{
    SOON, Subject, append, at, batch, both, client_stream, events, key, moved, next_of, stored,
};
use millstream::record::{AWAY, News};
use millstream::store::{Append, Appended, Retention, Writer};
use millstream_tests::{servers, wait_until};
use std::time::Duration;

/// Appends one event for `here`, and suppresses one for each of these.
fn suppress(writer: &mut dyn Writer, expected: i64, from: &[&[u8]]) -> Appended {
    let (ledger, events) = (key(0), events(expected, &[("here", "kept")]));
    let mut append = Append {
        suppressed: from,
        reports: &[],
        ..batch(&ledger, expected, expected + 1, &events)
    };
    writer.append(&mut append, None)
}

/// The types of the entries in a client's stream.
fn kinds(subject: &Subject, name: &str) -> Vec<String> {
    let text = |kind: &[u8]| String::from_utf8(kind.to_vec()).unwrap();
    let entries = subject.stream(name);
    entries.iter().map(|entry| text(&entry.kind)).collect()
}

#[test]
fn a_returning_client_finds_one_mark_for_its_suppressed_events_and_a_ring() {
    both(|subject| {
        let mut writer = subject.writer();
        writer.begin(&key(0), None, &at(0), false).unwrap();
        let mut rung = subject.listen();
        let mut next = || subject.next(&mut rung);
        assert_eq!(next(), News::Missed);
        // Independent of how often events are suppressed, and for which other clients.
        stored(suppress(&mut *writer, 0, &[b"away", b"far"]));
        stored(suppress(&mut *writer, 1, &[b"away"]));
        let here = News::Streams(vec![client_stream("here")]);
        assert_eq!((next(), next()), (here.clone(), here.clone()));
        assert_eq!(
            kinds(subject, "away"),
            [""; 0],
            "not before the client is back"
        );

        subject.keep_interest(&["other", "away", "here"], SOON);
        let away = News::Streams(vec![client_stream("away")]);
        assert_eq!(next(), away, "and for no other client");
        assert_eq!(kinds(subject, "away"), [AWAY]);
        assert_eq!(subject.data("away"), [""]);
        assert_eq!(kinds(subject, "here"), ["kind", "kind"]);
        for nobody in ["other", "far"] {
            assert_eq!(kinds(subject, nobody), [""; 0], "{nobody}");
        }

        // A renewed lease is not notified again; a client that was away once more is.
        subject.keep_interest(&["away"], SOON);
        subject.keep_interest(&["away", "other"], SOON);
        stored(suppress(&mut *writer, 2, &[]));
        assert_eq!(next(), here);
        assert_eq!(kinds(subject, "away"), [AWAY]);
        stored(suppress(&mut *writer, 3, &[b"away"]));
        subject.keep_interest(&["away"], SOON);
        assert_eq!((next(), next()), (here, away));
        assert_eq!(kinds(subject, "away"), [AWAY, AWAY]);
    });
}

#[test]
fn many_clients_returning_at_once_each_find_their_mark() {
    both(|subject| {
        let mut writer = subject.writer();
        writer.begin(&key(0), None, &at(0), false).unwrap();
        let names: Vec<String> = (0..2500).map(|n| format!("client {n}")).collect();
        let away = names.iter().step_by(2).map(String::as_bytes);
        let away: Vec<&[u8]> = away.collect();
        stored(suppress(&mut *writer, 0, &away));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        subject.keep_interest(&names, SOON);
        for (n, name) in names.iter().enumerate() {
            let expected: &[&str] = if n % 2 == 0 { &[AWAY] } else { &[] };
            assert_eq!(kinds(subject, name), expected, "{name}");
        }
    });
}

#[test]
fn an_append_that_was_not_stored_leaves_no_mark() {
    both(|subject| {
        let mut writer = subject.writer();
        writer.begin(&key(0), None, &at(5), false).unwrap();
        assert_eq!(moved(suppress(&mut *writer, 4, &[b"away"])), Some(5));
        subject.keep_interest(&["away"], SOON);
        assert_eq!(kinds(subject, "away"), [""; 0]);
    });
}

#[test]
fn an_append_refused_by_redis_leaves_no_mark() {
    let redis = servers().own_redis(&[]);
    let subject = Subject::redis(&redis.url());
    let mut writer = subject.writer();
    writer.begin(&key(0), None, &at(0), false).unwrap();
    redis.order(&["CONFIG", "SET", "maxmemory", "1"]);
    let refused = suppress(&mut *writer, 0, &[b"away"]);
    assert!(matches!(refused, Appended::Unavailable(_)), "{refused:?}");
    redis.order(&["CONFIG", "SET", "maxmemory", "0"]);
    subject.keep_interest(&["away"], SOON);
    assert_eq!(kinds(&subject, "away"), [""; 0]);
    // The same append, after Redis accepts writes again.
    stored(suppress(&mut *writer, 0, &[b"away"]));
    assert_eq!(next_of(&mut *writer, &key(0)), Some(1));
    subject.keep_interest(&["away"], SOON);
    assert_eq!(kinds(&subject, "away"), [AWAY]);
}

#[test]
fn a_client_away_longer_than_the_retention_still_gets_its_mark() {
    let retention = Retention {
        idle_expiry: Duration::from_secs(1),
        ..Retention::default()
    };
    let subject = Subject::new("Redis", &servers().redis.url(), retention);
    let mut writer = subject.writer();
    writer.begin(&key(0), None, &at(0), false).unwrap();
    stored(suppress(&mut *writer, 0, &[b"away"]));
    wait_until("a stream of that age is removed", SOON, || {
        subject.data("here").is_empty().then_some(())
    });
    subject.keep_interest(&["away"], SOON);
    assert_eq!(kinds(&subject, "away"), [AWAY]);
}

#[test]
fn a_mark_does_not_shorten_a_streams_retention() {
    let subject = Subject::redis(&servers().redis.url());
    let mut writer = subject.writer();
    writer.begin(&key(0), None, &at(0), false).unwrap();
    append(&mut *writer, &key(0), 0, &[("away", "kept")]);
    stored(suppress(&mut *writer, 1, &[b"away"]));
    let left = || -> i64 {
        let mut ask = redis::cmd("PTTL");
        ask.arg(format!("{}:{{0}}:client:away", subject.prefix));
        ask.query(&mut servers().redis.connect()).unwrap()
    };
    let before = left();
    subject.keep_interest(&["away"], SOON);
    assert_eq!(kinds(&subject, "away"), ["kind", AWAY]);
    assert!(
        left() > before - 1000 * 60,
        "{before} ms before, {} after",
        left()
    );
}
