//! The bundled transforms for change events and CloudEvents, from Kafka to the streams.

use super::LONG;
use millstream_tests::{
    Daemon, Message, config, create_topic, produce, registry, servers, streams, unique, wait_until,
};

const KEY: &str = r#"{"type":"record","name":"Key","fields":[{"name":"id","type":"int"}]}"#;
const ENVELOPE: &str = r#"{"type":"record","name":"Envelope","fields":[
    {"name":"before","type":["null",{"type":"record","name":"Value","fields":[
        {"name":"id","type":"int"},{"name":"owner","type":"string"}]}]},
    {"name":"after","type":["null","Value"]},
    {"name":"op","type":"string"}]}"#;

fn framed(id: u32, payload: &[u8]) -> Vec<u8> {
    [&[0][..], &id.to_be_bytes(), payload].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&[(text.len() as u8) << 1][..], text.as_bytes()].concat()
}

/// A union's branch, and a row in it.
fn row(owner: Option<&str>) -> Vec<u8> {
    match owner {
        None => vec![0],
        Some(owner) => [vec![2, 7 << 1], text(owner)].concat(),
    }
}

fn events(prefix: &str, client: &str) -> Vec<(String, String)> {
    let entries = streams(prefix).remove(client).unwrap_or_default();
    let event = |entry: millstream_tests::Entry| (entry.event_type, entry.data);
    entries.into_iter().map(event).collect()
}

#[test]
fn change_events_in_avro_and_cloudevents_of_every_mode_reach_their_clients() {
    let (changes, cloud) = (create_topic("changes", 1), create_topic("cloud", 1));
    let prefix = unique("bundled");
    let key = registry().register(&format!("{changes}-key"), "AVRO", KEY);
    let value = registry().register(&format!("{changes}-value"), "AVRO", ENVELOPE);
    let change = |before: Option<&str>, after: Option<&str>, op: &str| {
        let envelope = [row(before), row(after), text(op)].concat();
        Message::new(framed(value, &envelope)).key(framed(key, &[7 << 1]))
    };
    let tombstone = Message::tombstone(framed(key, &[7 << 1]));
    produce(
        &changes,
        [
            change(None, Some("ada"), "c"),
            change(Some("ada"), Some("bob"), "u"),
            change(Some("bob"), None, "d"),
            tombstone,
        ],
    );
    let attributes = r#""specversion":"1.0","id":"1","source":"/s","type":"paid""#;
    let event = |n: u32| format!(r#"{{{attributes},"subject":"eve","data":{n}}}"#);
    let structured = Message::new(event(1));
    let structured = structured.header("content-type", "application/cloudevents+json");
    let batch = Message::new(format!("[{},{}]", event(2), event(3)));
    let batch = batch.header("content-type", "application/cloudevents-batch+json");
    let binary = [
        ("specversion", "1.0"),
        ("id", "4"),
        ("source", "/s"),
        ("type", "paid"),
        ("subject", "eve"),
    ];
    let binary = binary
        .iter()
        .fold(Message::new("4"), |message, (name, value)| {
            message.header(&format!("ce_{name}"), *value)
        });
    produce(&cloud, [structured, batch, binary]);

    let (kafka, redis, url) = (
        servers().kafka.bootstrap(),
        servers().redis.url(),
        registry().url(),
    );
    let rest = format!(
        r#"
name = "changes"
decode = "registry"
decode-key = "registry"
transform = {{ plugin = "bundled:debezium", config = {{ client = "/owner" }} }}
[[pipeline]]
name = "cloud"
topics = [{cloud:?}]
transform = {{ plugin = "bundled:cloudevents", config = {{ client = "subject" }} }}
[registry]
url = {url:?}
"#
    );
    let daemon = Daemon::ready(&config(&kafka, &redis, &changes, &prefix, &rest));
    let made = |kind: &str, data: &str| (kind.to_owned(), data.to_owned());
    let (adas, bobs) = (r#"{"id":7,"owner":"ada"}"#, r#"{"id":7,"owner":"bob"}"#);
    let expected = [
        ("ada", vec![made("create", adas), made("delete", adas)]),
        ("bob", vec![made("update", bobs), made("delete", bobs)]),
        (
            "eve",
            ["1", "2", "3", "4"].map(|data| made("paid", data)).to_vec(),
        ),
    ];
    for (client, expected) in expected {
        wait_until("the client's events are stored", LONG, || {
            let found = events(&prefix, client);
            assert!(found.len() <= expected.len(), "{client}: {found:?}");
            (found == expected).then_some(())
        });
    }
    assert_eq!(daemon.terminate(), Some(0));
}
