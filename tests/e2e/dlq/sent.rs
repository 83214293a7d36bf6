//! Letters whose records are sent to their topic again.

use super::{BROKEN, Fixture, LONG, MENDED, check_sum, counts, notes, number, numbers};
use millstream_tests::{Daemon, metrics, produce, read_all, servers, wait_until};
use std::collections::BTreeMap;
use std::time::Duration;

const TO_TOPIC: [&str; 2] = ["--through", "topic"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&TO_TOPIC, more].concat()
}

#[test]
fn records_are_sent_to_their_topic_once_and_their_events_are_stored_once() {
    let place = Fixture::new(3);
    place.fail(notes(2_000));
    let config = place.config(MENDED, "replays = true");
    let (told, _) = place.replay(&config, &with(&["--dry-run"]));
    let (done, code) = place.replay(&config, &with(&["--yes"]));
    assert_eq!(numbers(&told), numbers(&done));
    check_sum(&done);
    assert_eq!(
        (&done["sent"][&place.topic], code),
        (&2_000.into(), Some(0))
    );
    // Before the daemon processes any of them.
    let (again, _) = place.replay(&config, &with(&["--yes"]));
    assert_eq!(number(&again, "before"), 2_000);
    let (forced, _) = place.replay(&config, &with(&["--dry-run", "--force"]));
    assert_eq!(
        forced["sent"][&place.topic], 2_000,
        "a sent record may be lost"
    );
    let daemon = Daemon::ready(&config);
    wait_until("all events are stored", LONG, || {
        (place.entries().len() >= 2_000).then_some(())
    });
    let (again, _) = place.replay(&config, &with(&["--yes"]));
    assert_eq!(number(&again, "before"), 2_000);
    let (forced, _) = place.replay(&config, &with(&["--dry-run", "--force"]));
    assert_eq!(
        number(&forced, "before"),
        2_000,
        "force does not repeat a delivered record"
    );
    let (other_way, _) = place.replay(&config, &["--yes"]);
    assert_eq!(
        number(&other_way, "before"),
        2_000,
        "nor through the plugins"
    );
    let mut sources = place.sources();
    sources.dedup();
    assert_eq!((sources.len(), place.entries().len()), (2_000, 2_000));
    drop(daemon);

    let records = read_all(&place.topic);
    assert_eq!(records.len(), 4_000);
    let copies = records
        .iter()
        .filter(|r| r.header("millstream.replays").is_some());
    let mut partitions = BTreeMap::new();
    for copy in copies.clone() {
        let source = copy.header("millstream.source").unwrap();
        let first = records
            .iter()
            .find(|r| format!("{}/{}/{}", place.topic, r.partition, r.offset) == source);
        let first = first.expect("the original record exists");
        assert_eq!((&copy.key, &copy.value), (&first.key, &first.value));
        let led = partitions.entry(&copy.key).or_insert(copy.partition);
        assert_eq!(*led, copy.partition, "one partition per key");
        assert_eq!(copy.headers.len(), 2, "no error headers");
    }
    assert_eq!(copies.count(), 2_000);
}

#[test]
fn a_record_that_always_fails_is_replayed_up_to_the_limit() {
    let place = Fixture::new(1);
    place.fail(notes(3));
    let config = place.config(BROKEN, "replays = true");
    let daemon = Daemon::ready(&config);
    for round in 1..=2 {
        let (done, _) = place.replay(&config, &with(&["--yes", "--max-replays", "2"]));
        assert_eq!(done["sent"][&place.topic], 3, "{done}");
        place.wait_for_letters(3 + 3 * round);
    }
    let (done, code) = place.replay(&config, &with(&["--yes", "--max-replays", "2"]));
    assert_eq!(counts(&done, "refused", "reason")["max-replays"], 3);
    assert_eq!((number(&done, "before"), code), (6, Some(1)));
    daemon.terminate_within(LONG);
    let letters = read_all(&place.dead);
    for (n, letter) in letters.iter().enumerate() {
        let count = letter.header("millstream.replays").unwrap_or("0");
        assert_eq!(count, (n / 3).to_string(), "the letter keeps the count");
        let source = format!("{}/0/{}", place.topic, n % 3);
        assert_eq!(
            letter.header("millstream.source"),
            Some(&*source),
            "the first source"
        );
    }
    // After the fix, each of the three records is delivered once.
    let (done, _) = place.replay(&place.config(MENDED, "replays = true"), &["--yes"]);
    assert_eq!((number(&done, "replayed"), number(&done, "copies")), (3, 6));
    assert_eq!(place.sources(), place.expected((0..3).map(|n| (0, n))));
}

#[test]
fn a_replay_killed_while_sending_can_be_resumed_without_duplicate_events() {
    let place = Fixture::new(2);
    place.fail(notes(2_000));
    // Small batches, so that it is killed midway.
    let config = place.config(MENDED, "replays = true\nbatch = { max-records = 5 }");
    let daemon = Daemon::ready(&config);
    let sent = || servers().kafka.ends(&place.topic).values().sum::<i64>() - 2_000;
    let (mut known, mut killed) = (0, 0);
    for round in 0..4 {
        let arguments = [&["replay", "--yes"], &TO_TOPIC[..]].concat();
        let (replay, _) = place.start(&config, &arguments);
        wait_until("some more are sent", LONG, || {
            (sent() > known || replay.exit_status().is_some()).then_some(())
        });
        std::thread::sleep(Duration::from_millis(11 * round));
        replay.kill();
        known = sent();
        killed += u32::from(known < 2_000);
    }
    assert!(killed > 0, "it was killed too late");
    let (done, code) = place.replay(&config, &with(&["--yes"]));
    check_sum(&done);
    assert_eq!(code, Some(0));
    println!("{} records sent for 2000 letters", sent());
    wait_until("all events are stored", LONG, || {
        (place.entries().len() >= 2_000).then_some(())
    });
    daemon.terminate_within(LONG);
    let mut sources = place.sources();
    sources.dedup();
    assert_eq!((sources.len(), place.entries().len()), (2_000, 2_000));
}

#[test]
fn replay_through_a_topic_requires_a_pipeline_that_recognizes_copies() {
    let place = Fixture::new(1);
    let other = servers().kafka.create_topic("other", 1);
    produce(&place.dead, [place.letter(0, "{}", &[])]);
    let config = place.config(MENDED, "");
    let output = place.dlq(&config, &["replay", "--through", "topic", "--yes"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("set `replays = true`"), "{error}");
    assert_eq!(output.status.code(), Some(64));
    assert!(read_all(&place.topic).is_empty());
    let (done, code) = place.replay(&config, &with(&["--yes", "--force", "--to", &other]));
    assert_eq!((&done["sent"][&other], code), (&1.into(), Some(0)));
    assert_eq!(read_all(&other).len(), 1);
    let config = place.config(MENDED, "replays = true");
    let (again, _) = place.replay(&config, &with(&["--yes", "--to", &other]));
    assert_eq!(number(&again, "before"), 1);
    let (own, _) = place.replay(&config, &with(&["--yes"]));
    assert_eq!(
        own["sent"][&place.topic], 1,
        "it was sent to another topic before"
    );
}

#[test]
fn a_record_sent_but_not_marked_is_sent_again_and_its_copy_dropped() {
    let place = Fixture::new(1);
    let own = servers().own_redis(&[]);
    let config = place.config(MENDED, "replays = true");
    let config = config.replace(&servers().redis.url(), &own.url());
    let value = r#"{"client":"a","kind":"mail"}"#;
    produce(&place.dead, (0..20).map(|n| place.letter(n, value, &[])));
    // Redis answers the look-ups but holds back the marks.
    own.order(&["CLIENT", "PAUSE", "600000", "WRITE"]);
    let arguments = [&["replay", "--yes"], &TO_TOPIC[..]].concat();
    let (replay, _) = place.start(&config, &arguments);
    let sent = || servers().kafka.ends(&place.topic)[&0];
    wait_until("all records are sent", LONG, || {
        (sent() == 20).then_some(())
    });
    replay.kill();
    own.order(&["CLIENT", "UNPAUSE"]);
    let (done, code) = place.replay(&config, &with(&["--yes"]));
    assert_eq!((&done["sent"][&place.topic], code), (&20.into(), Some(0)));
    assert_eq!(sent(), 40, "sent twice, as no mark was stored");
    let daemon = Daemon::ready(&config);
    wait_until("the daemon has processed every record", LONG, || {
        let done = metrics(&daemon.admin()).sum("millstream_records_total", &[]);
        (done >= 40.0).then_some(())
    });
    let entries = own.streams(&place.prefix).remove("a").unwrap();
    let sources: Vec<_> = entries.into_iter().map(|entry| entry.source).collect();
    let expected: Vec<_> = (0..20)
        .map(|n| format!("{}/0/{n}/0", place.topic))
        .collect();
    assert_eq!(sources, expected, "each once, with its first source");
}
