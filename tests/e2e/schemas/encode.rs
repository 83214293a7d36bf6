//! Routed events and tasks, encoded by the registry's schemas.

use super::LONG;
use millstream_tests::{
    Consumed, Daemon, Link, Message, config, create_topic, get, produce, read_all, registry,
    request, servers, streams, unique, wait_until,
};
use serde_json::{Value, json};
use std::process::Command;

const V1: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[
    {"name":"id","type":"string"},{"name":"n","type":"int"}]}"#;
const V2: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[
    {"name":"id","type":"string"},{"name":"n","type":"int"},
    {"name":"note","type":["null","string"],"default":null}]}"#;

/// By-field and by-type: each order goes to its stream and to the topic `out`.
fn pipeline(topic: &str, out: &str, prefix: &str, encode: &str, url: &str) -> String {
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let rest = format!(
        r#"
name = "orders"
encode = {{ {out:?} = {encode} }}
transform = {{ plugin = "bundled:by-field", config = {{ client = "key" }} }}
route = {{ plugin = "bundled:by-type", config = {{ default = {{ deliver = "always", topic = {out:?} }} }} }}
[registry]
url = {url:?}
"#
    );
    config(&kafka, &redis, topic, prefix, &rest)
}

fn order(id: &str, n: &Value) -> Message {
    Message::new(json!({"id": id, "n": n}).to_string()).key("ada")
}

fn wait_records(topic: &str, count: usize) -> Vec<Consumed> {
    wait_until("the records are in the topic", LONG, || {
        let records = read_all(topic);
        assert!(records.len() <= count, "{} records", records.len());
        (records.len() == count).then_some(records)
    })
}

/// The topic's records, decoded by the program.
fn decoded(topic: &str) -> Vec<Value> {
    let (kafka, registry) = (servers().kafka.bootstrap(), registry().url());
    let mut command = Command::new(Daemon::program());
    command.args(["consume", topic, "-b", &kafka, "--from-beginning", "--exit"]);
    command.args(["--decode", "registry", "--registry", &registry]);
    let printed = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let line = |line: &str| serde_json::from_str(line).unwrap();
    printed.lines().map(line).collect()
}

fn id_of(record: &Consumed) -> u32 {
    let value = record.value.as_deref().unwrap();
    assert_eq!(value[0], 0);
    u32::from_be_bytes(value[1..5].try_into().unwrap())
}

#[test]
fn routed_events_are_encoded_by_the_latest_schema_and_wait_for_the_first() {
    let (topic, out) = (create_topic("plain", 1), create_topic("encoded", 1));
    let prefix = unique("encode");
    let url = registry().url();
    let daemon = Daemon::ready(&pipeline(&topic, &out, &prefix, "\"registry\"", &url));
    produce(&topic, [order("a", &json!(1)), order("b", &json!("many"))]);
    produce(&topic, [order("c", &json!(3))]);
    let said = wait_until("readiness says why", LONG, || {
        let said = get(&daemon.admin(), "/readyz").text();
        said.contains("schema registry").then_some(said)
    });
    assert!(
        said.contains(&format!("a schema of {out}-value to encode by")),
        "{said}"
    );
    assert!(streams(&prefix).is_empty(), "nothing is stored before");

    let subject = format!("{out}-value");
    let v1 = registry().register(&subject, "AVRO", V1);
    let records = wait_records(&out, 2);
    assert!(records.iter().all(|record| id_of(record) == v1));
    let expected = vec![json!({"id": "a", "n": 1}), json!({"id": "c", "n": 3})];
    assert_eq!(decoded(&out), expected);
    let stored = streams(&prefix).remove("ada").unwrap();
    assert_eq!(stored[0].data, r#"{"id":"a","n":1}"#, "streams have JSON");
    let letters = wait_records(&format!("{topic}-dlq"), 1);
    for (name, value) in [("class", "bad-output"), ("stage", "route")] {
        assert_eq!(
            letters[0].header(&format!("millstream.error.{name}")),
            Some(value)
        );
    }
    let message = letters[0].header("millstream.error.message").unwrap();
    let says = format!("by schema {v1}: field /n: an integer was expected, and \"many\" found");
    assert!(message.contains(&says), "{message}");
    daemon.wait_ready(LONG);

    // A newer schema is used once it is known; until then the one before.
    let v2 = registry().register(&subject, "AVRO", V2);
    let mut count = 2;
    wait_until("the newer schema is used", LONG, || {
        count += 1;
        produce(&topic, [order("d", &json!(count))]);
        let records = wait_records(&out, count);
        let last = id_of(&records[count - 1]);
        assert!(last == v1 || last == v2);
        (last == v2).then_some(())
    });
    let last = decoded(&out).pop().unwrap();
    assert_eq!(last, json!({"id": "d", "n": count, "note": null}));
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn a_known_schema_encodes_while_the_registry_is_away() {
    let (topic, out) = (create_topic("plain", 1), create_topic("encoded", 1));
    let prefix = unique("encode");
    let proto = r#"syntax = "proto3"; package shop;
        message Other {} message Order { string id = 1; int64 n = 2; }"#;
    let id = registry().register(&format!("{out}-value"), "PROTOBUF", proto);
    let link = Link::to(&registry().addr());
    let url = registry().url_through(&link);
    let encode = format!("{{ schema-id = {id}, message = \"shop.Order\" }}");
    let daemon = Daemon::ready(&pipeline(&topic, &out, &prefix, &encode, &url));
    produce(&topic, [order("a", &json!(1))]);
    wait_records(&out, 1);
    link.cut();
    produce(&topic, [order("b", &json!("9007199254740993"))]);
    let records = wait_records(&out, 2);
    assert_eq!(
        records[1].value.as_deref().unwrap()[5..7],
        [2, 2],
        "the second message"
    );
    let expected = vec![
        json!({"id": "a", "n": "1"}),
        json!({"id": "b", "n": "9007199254740993"}),
    ];
    assert_eq!(decoded(&out), expected);
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn tasks_are_encoded_or_refused_and_results_are_decoded() {
    let task = r#"{"type":"record","name":"Task","fields":[{"name":"taskId","type":"string"},
        {"name":"payload","type":{"type":"record","name":"Sum","fields":[{"name":"a","type":"long"}]}}]}"#;
    let (requests, results) = (create_topic("requests", 1), create_topic("results", 1));
    let prefix = unique("tasks");
    let link = Link::to(&registry().addr());
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let url = registry().url_through(&link);
    let rest = format!(
        r#"
name = "results"
decode = "registry"
transform = {{ plugin = "bundled:task-results" }}
[tasks]
request-topic = {requests:?}
encode = "registry"
acknowledge-within = "2s"
[registry]
url = {url:?}
"#
    );
    let daemon = Daemon::ready(&config(&kafka, &redis, &results, &prefix, &rest));
    let post = |body: &str| {
        let headers = [("content-type", "application/json")];
        request(
            "POST",
            &daemon.sse(),
            "/v1/tasks?client=ada",
            &headers,
            body.as_bytes(),
        )
        .unwrap()
    };
    let early = post(r#"{"a": 1}"#);
    assert_eq!(early.status, 503, "{}", early.text());
    assert!(
        early
            .text()
            .contains("the schema of tasks is not available")
    );
    let id = registry().register(&format!("{requests}-value"), "AVRO", task);
    let misfit = wait_until("the schema is known", LONG, || {
        let misfit = post(r#"{"a": "many"}"#);
        (misfit.status != 503).then_some(misfit)
    });
    assert_eq!(misfit.status, 422, "{}", misfit.text());
    let says = format!("by schema {id}: field /payload/a: an integer was expected");
    assert!(misfit.text().contains(&says), "{}", misfit.text());
    assert!(read_all(&requests).is_empty(), "nothing was sent");
    // Known now, so the registry may be away.
    link.cut();
    let taken = post(r#"{"a": 9007199254740993}"#);
    assert_eq!(taken.status, 202, "{}", taken.text());
    link.open();
    let sent = wait_records(&requests, 1);
    assert_eq!(id_of(&sent[0]), id);
    let of: Value = serde_json::from_str(&taken.text()).unwrap();
    let expected = json!({"taskId": of["taskId"], "payload": {"a": 9_007_199_254_740_993_u64}});
    assert_eq!(decoded(&requests), [expected]);

    let result = r#"{"type":"record","name":"Result","fields":[{"name":"taskId","type":"string"},
        {"name":"status","type":"string"},{"name":"sum","type":["null","long"]}]}"#;
    registry().register(&format!("{results}-value"), "AVRO", result);
    let line = json!({"taskId": of["taskId"], "status": "completed", "sum": 7}).to_string();
    let mut command = Command::new("sh");
    command.args(["-c", "printf '%s\\n' \"$1\" | \"$0\" produce \"$2\" -b \"$3\" --registry \"$4\" --encode registry"]);
    command
        .arg(Daemon::program())
        .args([&line, &results, &kafka, &registry().url()]);
    let sent = command.output().unwrap();
    assert!(sent.status.success(), "{sent:?}");
    let data = wait_until("the result is stored", LONG, || {
        let stored = streams(&prefix).remove("ada").unwrap_or_default();
        stored.first().map(|entry| entry.data.clone())
    });
    assert_eq!(serde_json::from_str::<Value>(&data).unwrap()["sum"], 7);
    assert_eq!(daemon.terminate(), Some(0));
}
