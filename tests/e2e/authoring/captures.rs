//! Captures from a real Kafka and a real Redis, and single records and letters from there.

use super::{Author, cargo};
use crate::tools::said;
use millstream_tests::{
    Daemon, Message, SHORT_SESSIONS, config, produce, servers, streams, unique, wait_until,
};
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

/// A time-out for things that happen eventually, not an expectation of speed.
const LONG: Duration = Duration::from_secs(120);

/// A daemon that ran the project's plugin on two good orders and a bad one.
struct Ran {
    author: Author,
    topic: String,
}

fn ran() -> Ran {
    let author = Author::new("transform");
    author.run(&["build"]).done();
    let topic = servers().kafka.create_topic("captured", 1);
    let dead = format!("{topic}-dlq");
    servers().kafka.create_topic_named(&dead, 1, &[]);
    let prefix = unique("captured");
    let wasm = author.path("dist/orders.wasm");
    let rest = format!(
        "name = \"orders\"\ntransform = {{ plugin = \"{}\" }}\n{SHORT_SESSIONS}",
        wasm.display()
    );
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let toml = config(&kafka, &redis, &topic, &prefix, &rest);
    author.write("millstream.toml", &toml);
    let order = |customer: &str, id: u32| {
        let value = format!(r#"{{"customer": "{customer}", "id": {id}, "total": 9.5}}"#);
        Message::new(value).key(customer).partition(0)
    };
    let bad = Message::new("no JSON of ada")
        .key("ada")
        .header("trace", "t1");
    produce(
        &topic,
        [
            order("ada", 1),
            order("bob", 2),
            bad.partition(0),
            order("ada", 3),
        ],
    );
    let daemon = Daemon::ready(&toml);
    wait_until("three events and a letter", LONG, || {
        let events: usize = streams(&prefix).values().map(Vec::len).sum();
        let letters: i64 = servers().kafka.ends(&dead).values().sum();
        (events == 3 && letters == 1).then_some(())
    });
    assert_eq!(daemon.terminate(), Some(0));
    Ran { author, topic }
}

impl Ran {
    fn capture(&self, arguments: &[&str]) -> Vec<Value> {
        let arguments = [&["capture"], arguments].concat();
        let lines = said(self.author.command(&arguments), b"").done();
        let parse = |line: &str| serde_json::from_str(line).expect(line);
        lines.lines().map(parse).collect()
    }
}

#[test]
fn records_are_captured_by_topic_client_and_letter_and_taken_again() {
    let ran = ran();
    let Ran { author, topic } = &ran;
    let offsets = |lines: &[Value]| -> Vec<i64> {
        lines
            .iter()
            .map(|line| line["offset"].as_i64().unwrap())
            .collect()
    };

    let all = ran.capture(&["topic", topic]);
    assert_eq!(offsets(&all), [0, 1, 2, 3]);
    assert_eq!(
        all[2]["headers"],
        json!([{ "name": "trace", "value": "t1" }])
    );
    let range = ran.capture(&["topic", topic, "--from", "1", "--before", "3"]);
    assert_eq!(offsets(&range), [1, 2]);
    let one = ran.capture(&["topic", topic, "--from", "-2", "-n", "1"]);
    assert_eq!(offsets(&one), [2]);
    assert_eq!(offsets(&ran.capture(&["client", "ada"])), [0, 3]);
    let letters = ran.capture(&["letters"]);
    assert_eq!(offsets(&letters), [2]);
    assert_eq!(letters[0]["topic"], **topic);
    assert_eq!(letters[0]["failure"]["class"], "malformed");

    let letter = format!("{topic}-dlq/0/0");
    for arguments in [["--letter", &letter], ["--at", &format!("{topic}/0/2")]] {
        let out = author
            .run(&[&["run", "dist/orders.wasm"], &arguments[..]].concat())
            .done();
        let out: Value = serde_json::from_str(out.trim()).expect(&out);
        assert_eq!(out["failure"], "malformed");
        assert_eq!(out["source"], format!("{topic}/0/2"));
    }

    let debugged = author.run(&["debug", &letter]).done();
    let name = format!("letter_{}_dlq_0_0", topic.replace('-', "_"));
    for part in [
        "Malformed: not the expected JSON",
        "fails, as in the pipeline",
        "rust-gdb",
    ] {
        assert!(debugged.contains(part), "{part} in {debugged}");
    }
    let test = author.read(&format!("tests/{name}.rs"));
    assert!(test.contains(&format!(".at(\"{topic}\", 0, 2)")), "{test}");
    // Once the plugin takes the record, the test passes.
    let lenient = "if record.value() == Some(b\"no JSON of ada\") { return Ok(()); }
        let Order";
    author.edit("src/lib.rs", "let Order", lenient);
    cargo(&author.folder, &["test", "--quiet", "--test", &name]).done();

    let missing = author.run(&["run", "dist/orders.wasm", "--at", &format!("{topic}/0/99")]);
    assert!(
        missing
            .failed(1)
            .contains(&format!("no record at {topic}/0/99"))
    );
    let no_letter = author.run(&["debug", &format!("{topic}/0/0")]).failed(1);
    assert!(no_letter.contains("is not a dead letter"), "{no_letter}");
}

#[test]
fn a_redacted_capture_tells_nobody_and_still_belongs_together() {
    let ran = ran();
    let Ran { author, topic } = &ran;
    let file = "fixtures/captured.jsonl";
    let redacted = [
        "--redact",
        "customer",
        "--redact-key",
        "--redact-header",
        "trace",
    ];
    let arguments = [&["capture", "topic", topic, "-o", file], &redacted[..]].concat();
    said(author.command(&arguments), b"").done();
    let text = author.read(file);
    for secret in ["ada", "bob", "t1"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let lines: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let customer = |line: &Value| {
        let value: Value = serde_json::from_str(line["value"].as_str().unwrap()).unwrap();
        (value["customer"].clone(), line["key"].clone())
    };
    let [ada, bob, again] = [0, 1, 3].map(|index| customer(&lines[index]));
    assert_eq!(ada.0, ada.1, "key and field have the same pseudonym");
    assert_eq!(ada, again);
    assert_ne!(ada, bob);
    // It is a fixture.
    let out = author
        .run(&["run", "dist/orders.wasm", "--records", file])
        .done();
    assert_eq!(out.lines().count(), 4);

    let exists = said(author.command(&arguments), b"").failed(1);
    assert!(exists.contains("--force replaces it"), "{exists}");
    let misspelt = [
        "capture",
        "topic",
        topic,
        "-o",
        "other.jsonl",
        "--redact",
        "custmer",
    ];
    let misspelt = said(author.command(&misspelt), b"").failed(1);
    assert!(misspelt.contains("no record has `custmer`"), "{misspelt}");
    assert!(!author.path("other.jsonl").exists());
    let left: Vec<_> = fs::read_dir(&author.folder).unwrap().flatten().collect();
    let hidden = |name: &std::ffi::OsString| name.to_string_lossy().starts_with(".other");
    assert!(
        !left.iter().any(|entry| hidden(&entry.file_name())),
        "nothing is left beside it"
    );
}

#[test]
fn a_share_of_live_traffic_is_captured_beside_the_daemon() {
    let ran = ran();
    let Ran { author, topic } = &ran;
    let arguments = ["capture", "live", "-n", "2", "-o", "live.jsonl"];
    let mut child = author.command(&arguments).spawn().unwrap();
    // It begins at the end: what is written until it reads is not captured.
    wait_until("two records are captured", LONG, || {
        produce(topic, [Message::new("{}").partition(0)]);
        child.try_wait().unwrap()
    });
    let lines = author.read("live.jsonl");
    assert_eq!(lines.lines().count(), 2, "{lines}");
    assert!(lines.lines().all(|line| line.contains("\"value\":\"{}\"")));
}
