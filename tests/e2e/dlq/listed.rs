//! `millstream dlq list`, with each filter.

use super::{Fixture, MENDED};
use millstream_tests::{Message, produce, servers};
use serde_json::Value;
use std::process::Output;

fn lines(output: &Output) -> Vec<Value> {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{error}");
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The same letter with other error headers: class, plugin, partition and so on.
fn changed(mut letter: Message, of: &[(&str, &str)]) -> Message {
    for (name, value) in of {
        let name = format!("millstream.error.{name}");
        let header = letter
            .headers
            .iter_mut()
            .find(|(header, _)| *header == name);
        header.unwrap().1 = Some(value.as_bytes().to_vec());
    }
    letter
}

#[test]
fn each_filter_selects_its_letters() {
    let place = Fixture::new(2);
    let at = |offset: i64| place.letter(offset, "{}", &[]);
    let mut old = changed(at(1), &[("class", "malformed")]);
    old.timestamp = Some(1_700_000_000_000);
    let trap = changed(at(2), &[("class", "trap"), ("plugin", "bundled:by-field")]);
    let other = changed(at(3), &[("topic", "elsewhere")])
        .key("ada")
        .partition(1);
    produce(
        &place.dead,
        [
            at(0),
            old,
            trap,
            other,
            Message::new("no letter").partition(0),
        ],
    );
    let config = place.config(MENDED, "");
    let listed = |filter: &[&str]| -> Vec<i64> {
        let output = place.dlq(&config, &[&["list", "--json"], filter].concat());
        let offset = |line: &Value| line["record"]["offset"].as_i64().unwrap();
        lines(&output).iter().map(offset).collect()
    };
    assert_eq!(listed(&[]), [0, 1, 2, 3], "each partition in order");
    assert_eq!(listed(&["--class", "malformed"]), [1]);
    assert_eq!(listed(&["--class", "malformed", "--class", "trap"]), [1, 2]);
    assert_eq!(listed(&["--class", "malformed,trap"]), [1, 2]);
    assert_eq!(listed(&["--plugin", "orders.wasm"]), [0, 1, 3]);
    assert_eq!(listed(&["--plugin", "bundled:by-field"]), [2]);
    assert_eq!(listed(&["--source-topic", "elsewhere"]), [3]);
    assert_eq!(listed(&["--key", "ada"]), [3]);
    assert_eq!(listed(&["--since", "10m"]), [0, 2, 3]);
    assert_eq!(listed(&["--until", "10m"]), [1]);
    assert_eq!(
        listed(&[
            "--since",
            "2023-11-14T22:13:20Z",
            "--until",
            "2023-11-14T22:13:21Z"
        ]),
        [1]
    );
    assert_eq!(listed(&["--since", "2050-01-01T00:00:00Z"]), [0_i64; 0]);
    assert_eq!(listed(&["--partition", "1"]), [3]);
    assert_eq!(listed(&["--partition", "0", "--offset", "2"]), [2]);
    assert_eq!(listed(&["--partition", "0", "--offset", "99"]), [0_i64; 0]);
    assert_eq!(listed(&["--limit", "2"]), [0, 1]);
    assert_eq!(
        listed(&["--class", "trap", "--key", "ada"]),
        [0_i64; 0],
        "all filters must match"
    );

    let text = place.dlq(&config, &["list", "--limit", "1"]);
    let text = String::from_utf8(text.stdout).unwrap();
    println!("{text}");
    assert!(text.contains(&format!("{}/0/0 ", place.dead)), "{text}");
    assert!(text.contains("Showing the first 1 of 4"), "{text}");
    assert!(
        text.contains("Skipped 1 record(s) that are not dead letters"),
        "{text}"
    );
    let none = place.dlq(&config, &["list", "--limit", "0"]);
    let none = String::from_utf8(none.stdout).unwrap();
    assert!(none.starts_with("LETTERS  CLASS"), "the summary: {none}");
    let count = |class: &str| text.lines().filter(|line| line.contains(class)).count();
    assert_eq!(
        (count("malformed"), count("trap")),
        (1, 1),
        "not in the summary: {text}"
    );
}

#[test]
fn several_topics_are_listed_to_their_ends() {
    let (one, two) = (Fixture::new(3), Fixture::new(3));
    let letters = |place: &Fixture| {
        let letter = |n: i32| place.letter(n.into(), "{}", &[]).partition(n % 3);
        produce(&place.dead, (0..300).map(letter));
    };
    letters(&one);
    letters(&two);
    let config = one.config(MENDED, "");
    let named = ["list", "--json", "--topic", &one.dead, "--topic", &two.dead];
    for _ in 0..5 {
        let found = lines(&one.dlq(&config, &named));
        assert_eq!(found.len(), 600);
    }
    let both = format!("{},{}", one.dead, two.dead);
    let found = lines(&one.dlq(&config, &["list", "--json", "--topic", &both]));
    assert_eq!(found.len(), 600);
    let twice = ["list", "--json", "--topic", &one.dead, "--topic", &one.dead];
    assert_eq!(lines(&one.dlq(&config, &twice)).len(), 300);
    // Both topics of a pipeline have letters.
    let topics = format!("topics = [\"{}\", \"{}\"]", one.topic, two.topic);
    let both = config.replace(&format!("topics = [\"{}\"]", one.topic), &topics);
    assert_eq!(lines(&one.dlq(&both, &["list", "--json"])).len(), 600);
}

#[test]
fn letters_are_listed_from_the_topics_of_the_policy() {
    let place = Fixture::new(1);
    let elsewhere = servers().kafka.create_topic("elsewhere", 1);
    produce(&elsewhere, [place.letter(4, "{}", &[])]);
    for policy in ["retry-then-topic", "json-envelope"] {
        let policy = format!(
            "dead-letter = {{ plugin = \"bundled:{policy}\", config = {{ topic = \"{elsewhere}\" }} }}"
        );
        let found = lines(&place.dlq(&place.config(MENDED, &policy), &["list", "--json"]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0]["topic"], *elsewhere);
    }
}

#[test]
fn letters_behind_aborted_transactions_and_their_markers_are_found() {
    let place = Fixture::new(1);
    let transactions = servers().kafka.transactions();
    transactions.begin();
    transactions.produce(&place.dead, [place.letter(0, "{}", &[])]);
    transactions.commit();
    transactions.begin();
    transactions.produce(&place.dead, [place.letter(1, "{}", &[])]);
    transactions.abort();
    let config = place.config(MENDED, "");
    let began = std::time::Instant::now();
    let found = lines(&place.dlq(&config, &["list", "--json"]));
    assert_eq!(found.len(), 1, "an aborted record is not a letter");
    assert!(
        began.elapsed().as_secs() < 5,
        "waited for records after the end: {:?}",
        began.elapsed()
    );
}

#[test]
fn control_characters_of_records_do_not_reach_the_terminal() {
    let place = Fixture::new(1);
    let hostile = "\u{1b}[2J\u{1b}]0;mine\u{7}\r\nnext";
    let letter = changed(
        place.letter(0, hostile, &[(hostile, hostile)]),
        &[
            ("message", hostile),
            ("class", hostile),
            ("plugin", hostile),
            ("stage", hostile),
        ],
    );
    produce(&place.dead, [letter.key(*b"\xff\x1b[2J")]);
    let config = place.config(MENDED, "");
    let shown = format!("{}/0/0", place.dead);
    for arguments in [&["list"][..], &["show", &shown]] {
        let output = place.dlq(&config, arguments);
        assert_eq!(output.status.code(), Some(0));
        let quiet = |byte: &u8| *byte >= 0x20 || *byte == b'\n';
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.bytes().all(|byte| quiet(&byte)), "{text:?}");
        assert!(text.contains("\\u{1b}[2J"), "{text}");
    }
}

#[test]
fn names_of_a_hundred_kilobytes_are_shortened() {
    let place = Fixture::new(1);
    let long = "n".repeat(100_000);
    let names = ["class", "plugin", "stage", "message", "topic"];
    let letter = changed(place.letter(0, "x", &[]), &names.map(|name| (name, &*long)));
    produce(&place.dead, [letter]);
    let config = place.config(MENDED, "");
    let listed = place.dlq(&config, &["list"]).stdout;
    assert!(listed.len() < 20_000, "{} bytes", listed.len());
    let (report, _) = place.replay(&config, &["--yes"]);
    let why = report["refused"][0]["why"].as_str().unwrap();
    assert!(why.len() < 500, "{why}");
}
