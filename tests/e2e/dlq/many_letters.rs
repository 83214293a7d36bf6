//! Ten thousand letters, replayed after their cause is fixed.

use super::{BROKEN, Fixture, LONG, check_sum, counts, number, numbers};
use millstream_tests::{Daemon, Message, produce, servers, wait_until};
use serde_json::json;

const LETTERS: usize = 10_000;

const MENDED: &str = r#"{ plugin = "bundled:by-field", config = { client = "/client", group = "/team", type = "/kind", filter = { "/status" = "active" } } }"#;

/// Of a hundred records, 1 always fails, 9 are filtered, 10 are for a group and 80 for clients.
fn record(n: usize) -> Message {
    let key = format!("k{}", n % 37);
    match n % 100 {
        0 => Message::new(format!("{n} is no JSON object")).key(key),
        of => {
            let status = if of < 10 { "gone" } else { "active" };
            let team = (of < 20).then_some("blue");
            let kind = if n.is_multiple_of(2) { "mail" } else { "chat" };
            let value = json!({
                "client": format!("c{}", n % 50), "team": team, "kind": kind, "status": status
            });
            Message::new(value.to_string()).key(key)
        }
    }
}

#[test]
fn ten_thousand_letters_are_replayed_once_as_in_the_dry_run() {
    // One partition of letters, in which those of each record partition are in order.
    let place = Fixture::with(4, 1);
    place.fail((0..LETTERS).map(record).collect());
    let config = place.config(MENDED, "");

    let (told, code) = place.replay(&config, &["--dry-run"]);
    assert_eq!(code, Some(1), "some would fail again");
    assert!(place.entries().is_empty(), "nothing was stored");
    assert!(!place.is_marked(), "and nothing marked");

    let (done, code) = place.replay(&config, &["--yes"]);
    assert_eq!(code, Some(1));
    check_sum(&done);
    assert_eq!(numbers(&done), numbers(&told), "as the dry run told");
    assert_eq!(number(&done, "chosen"), 10_000);
    assert_eq!(number(&done, "replayed"), 9_000);
    assert_eq!(number(&done, "filtered"), 900);
    assert_eq!(number(&done, "streamed"), 9_000);
    assert_eq!(
        counts(&done, "failed", "class"),
        [("malformed".to_string(), 100)].into()
    );
    let events = done["events"].as_array().unwrap();
    let of_groups = events.iter().filter(|of| of["to"] == "group");
    let of_groups: u64 = of_groups.map(|of| number(of, "count")).sum();
    assert_eq!((events.len(), of_groups), (4, 1_000));
    check_streams(&place);

    let (again, _) = place.replay(&config, &["--yes"]);
    check_sum(&again);
    assert_eq!(number(&again, "before"), 9_900);
    assert_eq!(number(&again, "streamed"), 0);
    assert_eq!(number(&again, "replayed") + number(&again, "filtered"), 0);
    let (told, _) = place.replay(&config, &["--dry-run"]);
    assert_eq!(numbers(&told), numbers(&again));
    check_streams(&place);
}

/// Checks that each record's event is stored once, in the order of its partition.
fn check_streams(place: &Fixture) {
    let redis = &servers().redis;
    let mut streams = redis.streams(&place.prefix);
    streams.extend(
        redis
            .groups(&place.prefix)
            .into_iter()
            .map(|(g, e)| (format!("group {g}"), e)),
    );
    let mut all = Vec::new();
    for (name, entries) in &streams {
        let mut last = std::collections::BTreeMap::new();
        for entry in entries {
            let mut parts = entry.source.rsplitn(4, '/').skip(1);
            let mut part = || parts.next().unwrap();
            let (offset, partition) = (part().parse::<i64>().unwrap(), part().to_string());
            let before = last.insert(partition, offset);
            assert!(before < Some(offset), "{name}: {offset} after {before:?}");
            all.push(entry.source.clone());
        }
    }
    all.sort();
    let total = all.len();
    all.dedup();
    assert_eq!((total, all.len()), (9_000, 9_000), "each once");
}

#[test]
fn letters_are_replayed_while_their_pipeline_runs() {
    let place = Fixture::new(2);
    place.fail(super::notes(2_000));
    let config = place.config(super::MENDED, "");
    let daemon = Daemon::ready(&config);
    let live = |from: usize| (from..from + 500).map(|n| super::note("live", n));
    produce(&place.topic, live(0));
    let (done, code) = place.replay(&config, &["--yes"]);
    produce(&place.topic, live(500));
    assert_eq!((number(&done, "replayed"), code), (2_000, Some(0)));
    wait_until("the pipeline's own events", LONG, || {
        (place.sources().len() >= 3_000).then_some(())
    });
    let mut sources = place.sources();
    sources.dedup();
    assert_eq!(sources.len(), 3_000, "each once");
    assert!(!daemon.log_contains("ERROR"), "nothing broke");
}

#[test]
fn letters_that_fail_again_can_be_replayed_after_another_fix() {
    let place = Fixture::new(1);
    place.fail(super::notes(300));
    let still = r#"{ plugin = "bundled:by-field", config = { client = "/client", type = "/n" , filter = { "/kind" = "none" } } }"#;
    let (dry, code) = place.replay(&place.config(BROKEN, ""), &["--dry-run"]);
    assert_eq!((number(&dry, "replayed"), code), (0, Some(1)));
    let (failed, code) = place.replay(&place.config(BROKEN, ""), &["--yes"]);
    assert_eq!(code, Some(1));
    assert_eq!(counts(&failed, "failed", "class")["unaddressable"], 300);
    let first = failed["failed"][0]["first"].as_str().unwrap();
    assert_eq!(first, format!("{}/0/0", place.dead));
    assert_eq!(
        failed["failed"][0]["message"],
        "`/no/such/field` is missing"
    );
    let (done, code) = place.replay(&place.config(super::MENDED, ""), &["--yes"]);
    assert_eq!((number(&done, "replayed"), code), (300, Some(0)));
    assert_eq!(place.sources(), place.expected((0..300).map(|n| (0, n))));
    // This transform would filter them, but they are already replayed.
    let (again, _) = place.replay(&place.config(still, ""), &["--yes"]);
    assert_eq!(number(&again, "before"), 300);
}

#[test]
fn a_record_that_is_now_filtered_is_not_replayed_again() {
    let place = Fixture::new(1);
    place.fail(super::notes(10));
    let filter = r#"{ plugin = "bundled:by-field", config = { client = "/client", filter = { "/kind" = "none" } } }"#;
    let (done, code) = place.replay(&place.config(filter, ""), &["--yes"]);
    assert_eq!((number(&done, "filtered"), code), (10, Some(0)));
    let (again, _) = place.replay(&place.config(super::MENDED, ""), &["--yes"]);
    assert_eq!(number(&again, "before"), 10, "filtered letters are marked");
    assert!(place.entries().is_empty());
}

#[test]
fn a_batch_with_too_many_events_is_stored_in_parts() {
    let place = Fixture::new(1);
    let text = "x".repeat(300);
    let value = |n: i64| match n {
        50 => "y".repeat(5_000),
        _ => format!(r#"{{"client":"a","kind":"mail","text":"{text}"}}"#),
    };
    produce(
        &place.dead,
        (0..100).map(|n| place.letter(n, &value(n), &[])),
    );
    let open = super::MENDED.strip_suffix('}').unwrap();
    let small = format!("{open}, limits = {{ output = \"1KiB\" }} }}");
    let config = place.config(&small, "batch = { max-record-bytes = \"2KiB\" }");
    let (told, _) = place.replay(&config, &["--dry-run"]);
    let (done, _) = place.replay(&config, &["--yes"]);
    assert_eq!(numbers(&told), numbers(&done));
    check_sum(&done);
    assert_eq!(
        counts(&done, "failed", "class"),
        [("too-large".to_string(), 1)].into()
    );
    let wanted = (0..100).filter(|n| *n != 50);
    assert_eq!(place.sources(), place.expected(wanted.map(|n| (0, n))));
}
