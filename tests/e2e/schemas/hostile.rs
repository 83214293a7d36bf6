//! Hostile schemas and records: refused with a reason, in bounded time and memory. With
//! `--nocapture` each test prints what became of each.

use super::LONG;
use millstream_tests::{
    Daemon, Message, config, create_topic, produce, read_all, registry, scratch_dir, servers,
    streams, unique, wait_until,
};
use std::fs;
use std::process::Command;
use std::time::Instant;

/// The daemon's peak memory limit, in KiB.
const MEMORY: u64 = 400 << 10;

/// An Avro record with these fields.
fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#)
}

fn proto(text: &str) -> String {
    format!("syntax = \"proto3\";\n{text}\nmessage M {{ int32 a = 1; }}")
}

/// What it is, its file, and a part of the message; empty if it is harmless.
fn schemas() -> Vec<(&'static str, &'static str, String, &'static str)> {
    let field = |n: usize| format!(r#"{{"name":"f{n}","type":"int"}}"#);
    let fields = |count: usize| (0..count).map(field).collect::<Vec<_>>().join(",");
    let nested = |open: &str, close: &str, count: usize| {
        format!("{}\"int\"{}", open.repeat(count), close.repeat(count))
    };
    let numbers = |count: usize| {
        (20_000..20_000 + count)
            .map(|n| format!("int32 f{n} = {n};"))
            .collect::<String>()
    };
    let messages = (0..30_000)
        .map(|n| format!("message M{n} {{}}\n"))
        .collect::<String>();
    let layers = |count: usize| {
        let open = (0..count).map(|n| format!("message L{n} {{ "));
        open.collect::<String>() + &"}".repeat(count)
    };
    let items = "{\"type\":\"array\",\"items\":";
    vec![
        ("not JSON", "avsc", "{".into(), "EOF while parsing"),
        (
            "a type that is nowhere",
            "avsc",
            record(r#"{"name":"a","type":"Gone"}"#),
            "Gone",
        ),
        (
            "60,000 fields",
            "avsc",
            record(&fields(60_000)),
            "more than 50000 types",
        ),
        (
            "5,000 nested arrays",
            "avsc",
            nested(items, "}", 5_000),
            "recursion limit",
        ),
        (
            "a fixed of 2 GiB",
            "avsc",
            r#"{"type":"fixed","name":"F","size":2147483647}"#.into(),
            "the most are",
        ),
        (
            "a decimal with a scale of 10^6",
            "avsc",
            r#"{"type":"bytes","logicalType":"decimal","precision":2000000,"scale":1000000}"#
                .into(),
            "the most is 1024",
        ),
        (
            "a default of 3 MiB",
            "avsc",
            record(&format!(
                r#"{{"name":"a","type":"string","default":"{}"}}"#,
                "x".repeat(3 << 20)
            )),
            "",
        ),
        (
            "5 MiB",
            "avsc",
            record(&format!(
                r#"{{"name":"a","type":"int","doc":"{}"}}"#,
                "x".repeat(5 << 20)
            )),
            "the most are 4194304",
        ),
        (
            "itself in itself",
            "avsc",
            record(r#"{"name":"a","type":"R"}"#),
            "",
        ),
        ("no protobuf", "proto", "message".into(), "expected"),
        (
            "an import that is nowhere",
            "proto",
            proto("import \"gone.proto\";"),
            "gone.proto",
        ),
        (
            "an import of a file of the machine",
            "proto",
            proto("import \"/etc/passwd\";"),
            "invalid",
        ),
        (
            "70,000 fields of a message",
            "proto",
            proto(&format!("message W {{ {} }}", numbers(70_000))),
            "fields",
        ),
        (
            "30,000 messages",
            "proto",
            proto(&messages),
            "more than 20000 messages",
        ),
        (
            "1,000 nested messages",
            "proto",
            proto(&layers(1_000)),
            "nested",
        ),
        (
            "100,000 nested messages",
            "proto",
            proto(&layers(100_000)),
            "",
        ),
    ]
}

#[test]
fn hostile_schemas_are_refused_with_a_reason() {
    let folder = scratch_dir("hostile");
    for (what, end, text, says) in schemas() {
        let file = folder.join(format!("schema.{end}"));
        fs::write(&file, text).unwrap();
        let mut command = Command::new(Daemon::program());
        command.args(["plugin", "types", "--lang", "ts"]);
        match end {
            "avsc" => command.arg("--avro").arg(&file),
            _ => command
                .arg("--protobuf")
                .arg(&file)
                .args(["--message", "M"]),
        };
        let began = Instant::now();
        let output = command.output().unwrap();
        let (took, message) = (began.elapsed(), String::from_utf8_lossy(&output.stderr));
        let code = output.status.code();
        println!("{what} | {code:?} | {took:.1?} | {:.150}", message.trim());
        assert!(
            matches!(code, Some(0 | 1)),
            "{what}: {code:?} {message:.1000}"
        );
        assert!(message.contains(says), "{what}: {message:.1000}");
        assert!(says.is_empty() || code == Some(1), "{what}: accepted");
    }
}

/// What it is, the bytes after the schema ID, the class, and a part of the message.
fn records() -> Vec<(&'static str, Vec<u8>, &'static str, &'static str)> {
    // The record has a list of nulls, a map of ints, a text and itself or null.
    let count = |number: u64| {
        let mut rest = number << 1;
        let mut bytes = Vec::new();
        while rest >= 0x80 {
            bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
        bytes
    };
    let deep = [0, 0, 0, 2].repeat(50_000);
    let twice = [&[0, 4][..], &[2, b'a', 0], &[2, b'a', 0], &[0, 0, 0]].concat();
    vec![
        ("nothing", vec![], "malformed", "1 bytes were expected"),
        (
            "10^12 nulls in 7 bytes",
            count(1_000_000_000_000),
            "too-large",
            "far more elements than bytes",
        ),
        (
            "a count that does not end",
            vec![0xff; 20],
            "malformed",
            "more than 64 bits",
        ),
        (
            "a text of 2^62 bytes",
            [&[0, 0][..], &count(1 << 61)].concat(),
            "malformed",
            "bytes were expected",
        ),
        (
            "a text of a negative length",
            vec![0, 0, 1],
            "malformed",
            "a length is -1",
        ),
        (
            "50,000 levels",
            deep,
            "too-large",
            "nested deeper than 100 levels",
        ),
        ("a key twice", twice, "malformed", "the key \"a\" twice"),
        (
            "text that is not UTF-8",
            vec![0, 0, 2, 0xff, 0],
            "malformed",
            "not UTF-8",
        ),
        (
            "a branch that is nowhere",
            vec![0, 0, 0, 14],
            "malformed",
            "the branch 7",
        ),
        (
            "bytes that are left",
            vec![0, 0, 0, 0, 9, 9],
            "malformed",
            "2 bytes follow the value",
        ),
    ]
}

#[test]
fn hostile_records_are_dead_letters_and_cost_little_memory() {
    let schema = record(
        r#"{"name":"nulls","type":{"type":"array","items":"null"}},
           {"name":"map","type":{"type":"map","values":"int"}},
           {"name":"text","type":"string"},
           {"name":"next","type":["null","R"]}"#,
    );
    let (topic, prefix) = (create_topic("hostile", 1), unique("hostile"));
    let id = registry().register(&format!("{topic}-value"), "AVRO", &schema);
    let framed =
        |bytes: &[u8]| Message::new([&[0][..], &id.to_be_bytes(), bytes].concat()).key("ada");
    let good = framed(&[0, 0, 2, b'x', 0]);
    let messages = records()
        .into_iter()
        .flat_map(|(_, bytes, ..)| [framed(&bytes), good.clone()]);
    produce(&topic, messages);
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let rest = format!(
        "name = \"p\"\ndecode = \"registry\"\n[registry]\nurl = {:?}\n",
        registry().url()
    );
    let daemon = Daemon::ready(&config(&kafka, &redis, &topic, &prefix, &rest));
    let count = records().len();
    let letters = wait_until("every record is processed", LONG, || {
        let letters = read_all(&format!("{topic}-dlq"));
        let stored = streams(&prefix).remove("ada").unwrap_or_default();
        (letters.len() == count && stored.len() == count).then_some(letters)
    });
    for (letter, (what, bytes, class, says)) in letters.iter().zip(records()) {
        let header = |name: &str| letter.header(&format!("millstream.error.{name}")).unwrap();
        println!("{what} | {} | {}", header("class"), header("message"));
        assert_eq!(header("class"), class, "{what}");
        assert!(
            header("message").contains(says),
            "{what}: {}",
            header("message")
        );
        assert!(
            letter.value.as_deref().unwrap().ends_with(&bytes),
            "byte for byte"
        );
    }
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let peak: u64 = peak.split_whitespace().next().unwrap().parse().unwrap();
    println!("the daemon's peak was {} MiB", peak >> 10);
    assert!(peak < MEMORY, "{peak} KiB");
    assert_eq!(daemon.terminate(), Some(0));
}
