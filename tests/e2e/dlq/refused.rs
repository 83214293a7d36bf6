//! Letters that are not replayed, and why.

use super::{Fixture, LONG, MENDED, check_sum, counts, number, numbers};
use millstream_tests::{Daemon, Message, produce, read_all, servers};

fn with(mut letter: Message, name: &str, value: &str) -> Message {
    let name = format!("millstream.error.{name}");
    let header = letter
        .headers
        .iter_mut()
        .find(|(header, _)| *header == name);
    header.unwrap().1 = Some(value.as_bytes().to_vec());
    letter
}

#[test]
fn letters_of_another_consumer_group_are_neither_listed_nor_replayed() {
    let place = Fixture::new(1);
    let of = |offset, group: &str| {
        let letter = place.letter(offset, NOTE, &[]);
        letter.header("millstream.error.group", group)
    };
    produce(
        &place.dead,
        [
            of(0, &place.prefix),
            of(1, "another"),
            place.letter(2, NOTE, &[]),
        ],
    );
    let config = place.config(MENDED, "");
    let listed = |more: &[&str]| {
        let output = place.dlq(&config, &[&["list", "--json"], more].concat());
        String::from_utf8(output.stdout).unwrap().lines().count()
    };
    assert_eq!((listed(&[]), listed(&["--pipeline", "notes"])), (3, 2));
    let (done, code) = place.replay(&config, &["--yes"]);
    check_sum(&done);
    assert_eq!((number(&done, "replayed"), code), (2, Some(1)));
    assert_eq!(counts(&done, "refused", "reason")["not-this-group"], 1);
    assert_eq!(place.sources(), place.expected([(0, 0), (0, 2)]));
}

const NOTE: &str = r#"{"client":"a","kind":"mail"}"#;

#[test]
fn records_of_other_pipelines_or_with_too_many_replays_are_refused() {
    let place = Fixture::new(1);
    let went =
        |count: &str, offset: i64| place.letter(offset, NOTE, &[("millstream.replays", count)]);
    produce(
        &place.dead,
        [
            with(place.letter(0, NOTE, &[]), "topic", "someone-elses"),
            went("3", 1),
            went("4", 2),
            went("many", 3),
            place.letter(4, NOTE, &[]),
        ],
    );
    let config = place.config(MENDED, "replays = true");
    for through in ["plugin", "topic"] {
        let way = ["--through", through];
        let (told, _) = place.replay(&config, &[&way[..], &["--dry-run"]].concat());
        let (done, code) = place.replay(&config, &[&way[..], &["--yes"]].concat());
        assert_eq!(numbers(&told), numbers(&done));
        check_sum(&done);
        assert_eq!(code, Some(1));
        let refused = counts(&done, "refused", "reason");
        assert_eq!(refused["not-this-pipeline"], 1);
        // Replays through the plugins send no record again, so the last count is accepted.
        let over = if through == "plugin" { 2 } else { 3 };
        assert_eq!(refused["max-replays"], over, "{through}");
    }
    let (more, _) = place.replay(&config, &["--yes", "--max-replays", "4"]);
    assert_eq!(number(&more, "replayed"), 1);
    assert_eq!(
        counts(&more, "refused", "reason")["max-replays"],
        1,
        "no number"
    );
}

#[test]
fn a_record_with_some_events_already_stored_is_refused() {
    let place = Fixture::new(1);
    let letter = |offset| with(place.letter(offset, NOTE, &[]), "class", "store-refused");
    let of = |offset, events| letter(offset).header("millstream.error.events", events);
    produce(&place.dead, [of(0, "1"), of(1, "2"), letter(2)]);
    // With one event, the store refused all of them. The present plugin makes one event of each
    // record, which does not show how many there were.
    let config = place.config(MENDED, "");
    let (one, code) = place.replay(&config, &["--yes"]);
    assert_eq!((number(&one, "replayed"), code), (1, Some(1)));
    assert_eq!(counts(&one, "refused", "reason")["partly-stored"], 2);
    let config = place.config(MENDED, "replays = true");
    let (topic, _) = place.replay(&config, &["--yes", "--through", "topic"]);
    assert_eq!(counts(&topic, "refused", "reason")["partly-stored"], 2);
    assert!(servers().kafka.read_all(&place.topic).is_empty());
    let (told, _) = place.replay(&config, &["--dry-run", "--force"]);
    let (forced, code) = place.replay(&config, &["--yes", "--force"]);
    assert_eq!(numbers(&told), numbers(&forced));
    assert_eq!(
        (number(&forced, "replayed"), code),
        (3, Some(0)),
        "with and without a mark"
    );
    assert_eq!(
        place.sources(),
        place.expected([(0, 0), (0, 0), (0, 1), (0, 2)])
    );
}

#[test]
fn a_replayed_record_whose_only_event_was_refused_can_be_replayed_again() {
    let place = Fixture::new(1);
    let mut redis = servers().redis.connect();
    let key = format!("{}:{{0}}:client:a", place.prefix);
    redis::cmd("SET")
        .arg(&key)
        .arg("mine")
        .exec(&mut redis)
        .unwrap();
    let source = format!("{}/0/77", place.topic);
    let record = Message::new(NOTE).partition(0);
    produce(&place.topic, [record.header("millstream.source", source)]);
    let config = place.config(MENDED, "replays = true");
    let daemon = Daemon::ready(&config);
    place.wait_for_letters(1);
    assert_eq!(daemon.terminate_within(LONG), Some(0));
    let letter = &read_all(&place.dead)[0];
    let said = |name: &str| letter.header(&format!("millstream.error.{name}"));
    assert_eq!(
        [said("class"), said("events"), said("group")],
        [Some("store-refused"), Some("1"), Some(&*place.prefix)]
    );
    redis::cmd("DEL").arg(&key).exec(&mut redis).unwrap();
    let (done, code) = place.replay(&config, &["--yes"]);
    assert_eq!((number(&done, "replayed"), code), (1, Some(0)));
    assert_eq!(place.sources(), place.expected([(0, 77)]));
}

#[test]
fn an_event_that_redis_rejects_fails_as_in_the_dry_run() {
    let place = Fixture::new(1);
    produce(
        &place.dead,
        [
            place.letter(0, NOTE, &[]),
            place.letter(1, r#"{"client":"b"}"#, &[]),
        ],
    );
    let mut redis = servers().redis.connect();
    let key = format!("{}:{{0}}:client:a", place.prefix);
    redis::cmd("SET")
        .arg(&key)
        .arg("mine")
        .exec(&mut redis)
        .unwrap();
    let config = place.config(MENDED, "");
    let (told, _) = place.replay(&config, &["--dry-run"]);
    let (done, code) = place.replay(&config, &["--yes"]);
    assert_eq!(numbers(&told), numbers(&done));
    assert_eq!((number(&done, "replayed"), code), (1, Some(1)));
    assert_eq!(counts(&done, "failed", "class")["store-refused"], 1);
    redis::cmd("DEL").arg(&key).exec(&mut redis).unwrap();
    let (again, code) = place.replay(&config, &["--yes"]);
    assert_eq!(
        (number(&again, "replayed"), number(&again, "before"), code),
        (1, 1, Some(0))
    );
    assert_eq!(place.sources(), place.expected([(0, 0), (0, 1)]));
}
