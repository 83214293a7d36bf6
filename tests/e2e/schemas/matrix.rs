//! What the serializers of others write, and what a plugin sees: equal to what the implementations
//! of others read.

use super::{LONG, shared};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use millstream_tests::{
    Daemon, Message, create_topic, produce, registry, serializers, streams, unique, wait_until,
};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Case {
    case: String,
    value: String,
    headers: Vec<(String, String)>,
    expected: Value,
}

fn bytes(base64: &str) -> Vec<u8> {
    STANDARD.decode(base64).unwrap()
}

fn check(program: &str, least: usize) {
    let (topic, prefix) = (create_topic("matrix", 1), unique("matrix"));
    let printed = serializers(program, &[&registry().url(), &topic]);
    let case = |line: &str| serde_json::from_str(line).unwrap();
    let cases: Vec<Case> = printed.lines().map(case).collect();
    assert!(cases.len() >= least, "{} cases", cases.len());
    let message = |case: &Case| {
        let message = Message::new(bytes(&case.value)).key(case.case.clone());
        let with =
            |message: Message, (name, value): &(String, String)| message.header(name, bytes(value));
        case.headers.iter().fold(message, with)
    };
    produce(&topic, cases.iter().map(message));
    let daemon = Daemon::ready(&shared(&topic, &prefix));
    let seen = wait_until("every record is an event", LONG, || {
        let seen = streams(&prefix);
        assert!(daemon.log().find("malformed").is_none());
        (seen.len() == cases.len()).then_some(seen)
    });
    for Case { case, expected, .. } in &cases {
        let data = &seen[case][0].data;
        let seen: Value = serde_json::from_str(data).unwrap();
        println!("{case}: {}", &data[..data.len().min(120)]);
        assert_eq!(seen, *expected, "{case}: {data}");
    }
}

#[test]
fn protobuf_of_python() {
    check("protobuf_matrix.py", 80);
}

#[test]
fn avro_of_python() {
    check("avro_matrix.py", 60);
}
