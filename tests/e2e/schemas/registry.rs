//! The schema registry: away, without a schema, with a new one.

use super::{LONG, decoding, shared};
use millstream_tests::{
    Daemon, Link, Message, create_topic, get, produce, read_all, registry, servers, streams,
    unique, wait_until,
};

use serde_json::json;
use std::process::{Command, Output};

const V1: &str =
    r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"n","type":"int"}]}"#;
const V2: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"n","type":"int"},{"name":"more","type":"string","default":""}]}"#;

/// Confluent's wire format.
fn framed(id: u32, payload: &[u8]) -> Vec<u8> {
    [&[0][..], &id.to_be_bytes(), payload].concat()
}

/// An order by the first or second version of its schema. Zigzag: only for small numbers.
fn order(id: u32, n: u8, more: Option<&str>) -> Message {
    let mut payload = vec![n << 1];
    if let Some(more) = more {
        payload.push((more.len() as u8) << 1);
        payload.extend(more.as_bytes());
    }
    Message::new(framed(id, &payload)).key("ada")
}

fn events(prefix: &str) -> Vec<String> {
    let entries = streams(prefix).remove("ada").unwrap_or_default();
    entries.into_iter().map(|entry| entry.data).collect()
}

fn wait_events(prefix: &str, expected: &[&str]) {
    wait_until("the events are stored", LONG, || {
        let found = events(prefix);
        assert!(found.len() <= expected.len(), "{found:?}");
        (found == expected).then_some(())
    });
}

#[test]
fn each_record_is_decoded_by_its_own_schema_and_malformed_ones_are_dead_letters() {
    let (topic, prefix) = (create_topic("orders", 1), unique("orders"));
    let subject = format!("{topic}-value");
    let v1 = registry().register(&subject, "AVRO", V1);
    let v2 = registry().register(&subject, "AVRO", V2);
    let unknown = 0x7fff_fff0;
    let bad = [
        Message::new(b"{\"n\":1}".to_vec()).key("ada"),
        Message::new(framed(v1, b"")).key("ada"),
        Message::new(framed(unknown, &[2])).key("ada"),
        Message::new(b"\0\0".to_vec()).key("ada"),
    ];
    produce(&topic, [order(v1, 1, None), order(v2, 2, Some("new"))]);
    produce(&topic, bad.clone());
    produce(&topic, [order(v1, 3, None)]);
    let daemon = Daemon::ready(&shared(&topic, &prefix));
    wait_events(
        &prefix,
        &[r#"{"n":1}"#, r#"{"n":2,"more":"new"}"#, r#"{"n":3}"#],
    );
    let letters = read_all(&format!("{topic}-dlq"));
    assert_eq!(letters.len(), bad.len());
    let says = [
        "the value: missing schema ID: the value begins with byte 123",
        &format!("the value, by schema {v1}: field /n: 1 bytes were expected, and 0 are left"),
        "the schema registry has no schema 2147483632: GET /schemas/ids/2147483632: status 404",
        "the value: missing schema ID: the value has 2 bytes",
    ];
    for ((letter, sent), says) in letters.iter().zip(&bad).zip(says) {
        let header = |name: &str| {
            let found = letter.headers.iter().find(|(key, _)| key == name);
            String::from_utf8(found.unwrap().1.clone().unwrap()).unwrap()
        };
        assert_eq!(letter.value, sent.value, "byte for byte");
        assert_eq!(header("millstream.error.class"), "malformed");
        assert_eq!(header("millstream.error.stage"), "ingest");
        let message = header("millstream.error.message");
        assert!(message.contains(says), "{message}");
        assert!(
            letter
                .headers
                .iter()
                .all(|(name, _)| !name.starts_with("millstream.schema"))
        );
    }
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn without_the_registry_known_schemas_go_on_and_an_unknown_one_makes_its_partition_wait() {
    let (topic, prefix) = (create_topic("away", 2), unique("away"));
    let link = Link::to(&registry().addr());
    let subject = format!("{topic}-value");
    let v1 = registry().register(&subject, "AVRO", V1);
    produce(&topic, [order(v1, 1, None).partition(0)]);
    let daemon = Daemon::ready(&decoding(&topic, &prefix, &registry().url_through(&link)));
    wait_events(&prefix, &[r#"{"n":1}"#]);
    link.cut();
    let v2 = registry().register(&subject, "AVRO", V2);
    let more = [
        order(v1, 2, None).partition(0),
        order(v2, 3, Some("x")).partition(1),
    ];
    produce(&topic, more);
    wait_events(&prefix, &[r#"{"n":1}"#, r#"{"n":2}"#]);
    let said = wait_until("readiness says why", LONG, || {
        let said = get(&daemon.admin(), "/readyz").text();
        said.contains("schema registry").then_some(said)
    });
    println!("{said}");
    assert!(said.contains(&format!(
        "does not give the schema {v2}: GET /schemas/ids/{v2}: can't"
    )));
    produce(&topic, [order(v1, 4, None).partition(0)]);
    wait_events(&prefix, &[r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":4}"#]);
    link.open();
    wait_events(
        &prefix,
        &[
            r#"{"n":1}"#,
            r#"{"n":2}"#,
            r#"{"n":4}"#,
            r#"{"n":3,"more":"x"}"#,
        ],
    );
    daemon.wait_ready(LONG);
    // Another partition was decoded all the time, and that did not end the wait.
    let log = daemon.log().lines();
    let over = log.iter().filter(|line| line.contains("no longer waiting"));
    assert_eq!(over.count(), 1, "{log:#?}");
    assert!(read_all(&format!("{topic}-dlq")).is_empty());
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn the_command_line_shows_schemas_and_decoded_records() {
    let topic = create_topic("shown", 1);
    let subject = format!("{topic}-value");
    let v1 = registry().register(&subject, "AVRO", V1);
    let v2 = registry().register(&subject, "AVRO", V2);
    produce(&topic, [order(v1, 1, None), order(v2, 2, Some("m"))]);
    produce(&topic, [Message::new(b"plain".to_vec())]);
    let at = ["--registry", &registry().url()];
    let run = |arguments: &[&str]| tool(&[arguments, &at].concat());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();

    let consumed = run(&[
        "consume",
        &topic,
        "-b",
        &servers().kafka.bootstrap(),
        "--from-beginning",
        "--exit",
        "--decode",
        "registry",
    ]);
    assert_eq!(
        text(consumed.stdout),
        "{\"n\":1}\n{\"n\":2,\"more\":\"m\"}\nplain\n"
    );
    let said = text(consumed.stderr);
    assert!(said.contains(&format!(
        "{topic}/0/2 is left as it is, not decoded: the value: missing schema ID"
    )));

    // As plugins get them: for fixtures, and for one record from Kafka.
    let kafka = servers().kafka.bootstrap();
    let decode = ["-b", &kafka, "--decode", "registry"];
    let captured = run(&[&["capture", "topic", &topic, "-n", "2"][..], &decode].concat());
    let captured = text(captured.stdout);
    let line: serde_json::Value = serde_json::from_str(captured.lines().nth(1).unwrap()).unwrap();
    println!("{line}");
    let value = json!(r#"{"n":2,"more":"m"}"#);
    assert_eq!((&line["value"], &line["key"]), (&value, &json!("ada")));
    let header = |name: &str, value: &str| json!({"name": name, "value": value});
    let told = [
        header("millstream.schema.name", "shop.Order"),
        header("millstream.schema.version", "2"),
        header("millstream.schema.id", &v2.to_string()),
    ];
    assert_eq!(line["headers"], json!(told));
    let at = format!("{topic}/0/1");
    let ran = run(&[
        &["plugin", "run", "bundled:by-field", "--at", &at][..],
        &decode,
    ]
    .concat());
    assert!(text(ran.stdout).contains(r#""json":{"n":2,"more":"m"}"#));

    let listed = text(run(&["registry", "list"]).stdout);
    assert!(listed.lines().any(|line| line == subject), "{listed}");
    let shown = run(&["registry", "show", &subject]);
    assert!(
        text(shown.stderr).contains(&format!("subject {subject}, version 2, schema {v2}, AVRO"))
    );
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["fields"][1]["name"], "more");
    let first = run(&["registry", "show", &subject, "--version", "1"]);
    let by_id = run(&["registry", "show", &v1.to_string()]);
    assert_eq!(first.stdout, by_id.stdout);
    let checked = text(run(&["registry", "check", &subject]).stdout);
    assert_eq!(
        checked,
        format!("schema {v2} can be used: Avro, shop.Order\n")
    );

    let failed = |arguments: &[&str], code: i32, says: &str| {
        let output = run(arguments);
        let said = text(output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(says), "{said}");
    };
    failed(
        &["registry", "show", "no-such-subject"],
        1,
        "the schema registry has none",
    );
    failed(&["registry", "check", "2147483632"], 1, "status 404");
    failed(
        &["registry", "show", "1", "--version", "1"],
        64,
        "--version is for subjects",
    );
    let away = tool(&["registry", "list", "--registry", "http://127.0.0.1:9"]);
    assert!(text(away.stderr).contains("can't connect"));
}

fn tool(arguments: &[&str]) -> Output {
    let mut command = Command::new(Daemon::program());
    command.args(arguments).output().unwrap()
}
