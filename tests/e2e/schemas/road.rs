//! Mixed records through everything that may happen to them: each is an event once, in order.
//!
//! `MILLSTREAM_TEST_RECORDS` and `MILLSTREAM_TEST_AWAY` (seconds) make it longer.

use super::{LONG, decoding};
use millstream_tests::{
    Daemon, Link, Message, assert_exact, create_topic, get, metrics, produce, read_all, registry,
    streams, unique, versioned, wait_until,
};
use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

const PARTITIONS: i32 = 4;
const CLIENTS: usize = 50;

const AVRO: &str = r#"{"type":"record","name":"Mixed","fields":[
    {"name":"clientId","type":"string"},{"name":"eventId","type":"string"}]}"#;
const AVRO_2: &str = r#"{"type":"record","name":"Mixed","fields":[{"name":"more","type":["null","long"],"default":null},
    {"name":"clientId","type":"string"},{"name":"eventId","type":"string"}]}"#;
const PROTOBUF: &str =
    r#"syntax = "proto3"; message Mixed { string client_id = 1; string event_id = 2; }"#;
const JSON: &str =
    r#"{"type":"object","properties":{"clientId":{"type":"string"},"eventId":{"type":"string"}}}"#;

/// The schema IDs of the formats that are in use; the last one comes later.
struct Ids {
    avro: u32,
    protobuf: u32,
    json: u32,
    avro_2: Option<u32>,
}

fn number(name: &str, default: usize) -> usize {
    let given = std::env::var(name).ok();
    given.map_or(default, |given| given.parse().unwrap())
}

impl Ids {
    /// Record `n`: its format depends on its number.
    fn message(&self, n: usize) -> Message {
        let (client, event) = (format!("client-{}", n % CLIENTS), n.to_string());
        let text = |text: &str| [&[2 * text.len() as u8], text.as_bytes()].concat();
        let field = |number: u8, text: &str| {
            [&[number << 3 | 2, text.len() as u8], text.as_bytes()].concat()
        };
        let (id, payload) = match (n % 4, self.avro_2) {
            (0, Some(id)) => (id, [vec![2, 8], text(&client), text(&event)].concat()),
            (0 | 1, _) => (self.avro, [text(&client), text(&event)].concat()),
            (2, _) => {
                // The first message of its file.
                let parts = [vec![0], field(1, &client), field(2, &event)];
                (self.protobuf, parts.concat())
            }
            _ => {
                let json = format!(r#"{{"clientId":"{client}","eventId":"{event}"}}"#);
                (self.json, json.into_bytes())
            }
        };
        let value = [&[0][..], &id.to_be_bytes(), &payload].concat();
        let partition = (n / 7) as i32 % PARTITIONS;
        Message::new(value).key(client).partition(partition)
    }
}

#[test]
fn mixed_records_are_events_once_through_kills_swaps_and_a_registry_that_is_away() {
    let total = number("MILLSTREAM_TEST_RECORDS", 20_000);
    let away = Duration::from_secs(number("MILLSTREAM_TEST_AWAY", 3) as u64);
    let (topic, prefix) = (create_topic("mixed", PARTITIONS), unique("mixed"));
    let link = Link::to(&registry().addr());
    let mut ids = Ids {
        avro: registry().register(&format!("{topic}-a"), "AVRO", AVRO),
        protobuf: registry().register(&format!("{topic}-p"), "PROTOBUF", PROTOBUF),
        json: 0,
        avro_2: None,
    };
    ids.json = registry().register(&format!("{topic}-j"), "JSON", JSON);
    let config = decoding(&topic, &prefix, &registry().url_through(&link));
    let config = config.replace(
        "decode =",
        "transform = { plugin = \"plugins/t.wasm\" }\nbatch = { max-records = 64 }\ndecode =",
    );
    let files = ["one", "two"].map(versioned);
    let mut daemon = Daemon::builder(&config)
        .file("plugins/t.wasm", &files[0])
        .start();
    daemon.wait_ready(LONG);
    let part = total / 8;
    // All swaps, and those of the daemon's present run.
    let (mut swaps, mut counted) = (0, 0.0);
    for step in 0..8 {
        match step {
            // In the middle of the topic, and while the registry is away: the records wait.
            4 => {
                link.cut();
                ids.avro_2 = Some(registry().register(&format!("{topic}-a"), "AVRO", AVRO_2));
            }
            2 | 6 => daemon.kill(),
            _ => {}
        }
        produce(
            &topic,
            (step * part..(step + 1) * part).map(|n| ids.message(n)),
        );
        match step {
            4 => {
                let cut = Instant::now();
                wait_until("partitions wait for the schema", LONG, || {
                    let said = get(&daemon.admin(), "/readyz").text();
                    said.contains("schema registry").then_some(())
                });
                // A condition of the test, not a wait for something.
                wait_until("the time that the registry is away", LONG, || {
                    (cut.elapsed() >= away).then_some(())
                });
                link.open();
            }
            2 | 6 => {
                daemon.restart();
                // A file saved during a start is not counted as a swap.
                daemon.wait_ready(LONG);
                counted = 0.0;
            }
            _ => {
                wait_until("these plugins have made some events", LONG, || {
                    let count: usize = streams(&prefix).values().map(Vec::len).sum();
                    (count > step * part).then_some(())
                });
                let plugin = daemon.dir().join("plugins/t.wasm");
                fs::write(plugin.with_extension("new"), &files[(swaps + 1) % 2]).unwrap();
                fs::rename(plugin.with_extension("new"), &plugin).unwrap();
                swaps += 1;
                counted += 1.0;
                wait_until("the swap is complete", LONG, || {
                    let metrics = metrics(&daemon.admin());
                    let done = metrics.sum("millstream_swaps_total", &["result=\"done\""]);
                    (done >= counted).then_some(())
                });
            }
        }
    }
    let records = read_all(&topic);
    assert_eq!(records.len(), 8 * part);
    let seen = wait_until("all events are stored", LONG, || {
        let seen = streams(&prefix);
        let count: usize = seen.values().map(Vec::len).sum();
        (count >= records.len()).then_some(seen)
    });
    assert_eq!(daemon.terminate(), Some(0));
    assert_exact(&topic, &records, &seen);
    let mut versions = BTreeMap::<String, usize>::new();
    for entry in seen.values().flatten() {
        let data: serde_json::Value = serde_json::from_str(&entry.data).unwrap();
        *versions.entry(data["version"].to_string()).or_default() += 1;
    }
    assert_eq!(versions.len(), 2, "{versions:?}");
    assert!(read_all(&format!("{topic}-dlq")).is_empty());
    println!("{} records, {swaps} swaps, {versions:?}", records.len());
}
