//! What the serializers of others write, and what a plugin sees: equal to what the implementations
//! of others read. And back: `produce --encode` writes the bytes that the serializers wrote.

use super::{LONG, run_with_input, shared};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use millstream_tests::{
    Daemon, Message, create_topic, produce, read_all, registry, serializers, servers, streams,
    unique, wait_until,
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

#[derive(Deserialize)]
struct Case {
    case: String,
    value: String,
    headers: Vec<(String, String)>,
    /// Of Protobuf: the message's full name.
    message: Option<String>,
    expected: Value,
}

impl Case {
    /// The schema's ID, if it is in front of the value.
    fn schema(&self) -> Option<u32> {
        let value = bytes(&self.value);
        let id = value[1..5].try_into().unwrap();
        self.headers.is_empty().then_some(u32::from_be_bytes(id))
    }
}

fn bytes(base64: &str) -> Vec<u8> {
    STANDARD.decode(base64).unwrap()
}

fn check(program: &str, least: usize, identical: usize) {
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
    assert_eq!(daemon.terminate(), Some(0));
    let data = |case: &Case| seen[&case.case][0].data.clone();
    let same = written_back(&cases, data);
    println!("{same} of {} are written back byte for byte", cases.len());
    assert!(same >= identical);
}

/// Encodes what the plugin saw, and compares: how many have the same bytes. All have the same
/// meaning.
fn written_back(cases: &[Case], data: impl Fn(&Case) -> String) -> usize {
    let topic = create_topic("back", 1);
    let mut of_schema: BTreeMap<_, String> = BTreeMap::new();
    for case in cases {
        if let Some(id) = case.schema() {
            let lines = of_schema.entry((id, &case.message)).or_default();
            *lines += &format!("{}\t{}\n", case.case, data(case));
        }
    }
    let (kafka, registry) = (servers().kafka.bootstrap(), registry().url());
    let at = ["-b", &kafka, "--registry", &registry, "-K", "\t"];
    for ((id, message), lines) in of_schema {
        let id = id.to_string();
        let mut command = Command::new(Daemon::program());
        command.args([
            "produce",
            &topic,
            "--encode",
            "registry",
            "--schema-id",
            &id,
        ]);
        if let Some(message) = message {
            command.args(["--message", message]);
        }
        let sent = run_with_input(command.args(at), &lines);
        assert!(sent.status.success(), "{sent:?}");
    }
    let mut command = Command::new(Daemon::program());
    command.args([
        "consume",
        &topic,
        "--from-beginning",
        "--exit",
        "--decode",
        "registry",
    ]);
    let printed = String::from_utf8(run_with_input(command.args(at), "").stdout).unwrap();
    let line = |line: &str| {
        let (case, json) = line.split_once('\t').unwrap();
        (
            case.to_owned(),
            serde_json::from_str::<Value>(json).unwrap(),
        )
    };
    let read: BTreeMap<String, Value> = printed.lines().map(line).collect();
    let records = read_all(&topic);
    let mut same = 0;
    for case in cases.iter().filter(|case| case.schema().is_some()) {
        assert_eq!(read.get(&case.case), Some(&case.expected), "{}", case.case);
        let key = Some(case.case.as_bytes());
        let record = records
            .iter()
            .find(|record| record.key.as_deref() == key)
            .unwrap();
        let is_same = record.value.as_deref() == Some(&bytes(&case.value)[..]);
        same += usize::from(is_same);
        if !is_same {
            println!("{}: other bytes of the same meaning", case.case);
        }
    }
    same
}

#[test]
fn protobuf_of_python() {
    check("protobuf_matrix.py", 80, 70);
}

#[test]
fn avro_of_python() {
    check("avro_matrix.py", 60, 55);
}

#[test]
fn avro_of_java() {
    check("java_matrix.py", 55, 55);
}
