//! `plugin replay` of records captured from Kafka: all differences and no others, and the difference in cost.

use super::Author;
use crate::tools::said;
use millstream_tests::servers;
use serde_json::Value;
use std::fmt::Write;

/// Every tenth order is large; every seventh record is no JSON.
const RECORDS: usize = 700;

fn capture() -> String {
    let mut lines = String::new();
    for n in 0..RECORDS {
        let total = if n.is_multiple_of(10) { 1000.5 } else { 9.5 };
        let order = match n % 7 {
            6 => "\"value\":\"no JSON\"".into(),
            _ => format!(
                "\"json\":{{\"customer\":\"c{}\",\"id\":{n},\"total\":{total}}}",
                n % 5
            ),
        };
        writeln!(lines, "{{\"key\":\"k\",{order}}}").unwrap();
    }
    lines
}

#[test]
fn all_differences_and_no_others_are_found_and_cost_is_compared() {
    let author = Author::new("transform");
    let topic = servers().kafka.create_topic("replayed", 1);
    let produce = ["produce", &topic, "--format", "json"];
    said(author.command(&produce), capture().as_bytes()).done();
    let taken = ["capture", "topic", &topic, "-o", "capture.jsonl"];
    said(author.command(&taken), b"").done();
    let one = author.build_as("one.wasm");
    let changed = "let total = if total > 1000.0 { total + 1.0 } else { total };
        events.client";
    author.edit("src/lib.rs", "events.client", changed);
    let two = author.build_as("two.wasm");
    let replay = |file: &str, against: &str, more: &[&str]| {
        let arguments = [
            "replay",
            file,
            "--against",
            against,
            "--records",
            "capture.jsonl",
        ];
        author.run(&[&arguments[..], more].concat())
    };

    let same = replay(
        &one,
        &one,
        &["--fail-if-slower", "0%", "--fail-if-different"],
    )
    .done();
    assert!(same.starts_with("0 of 700 records differ\n"), "{same}");
    assert!(same.contains("(+0.0%)\n"), "{same}");

    let lines = replay(&two, &one, &["--format", "json", "--show", "1000"]).done();
    let found: Vec<usize> = lines
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["json"][0], "total: 1000.5 -> 1001.5");
            line["record"].as_u64().unwrap() as usize
        })
        .collect();
    let large = |n: &usize| n.is_multiple_of(10) && n % 7 != 6;
    let expected: Vec<usize> = (0..RECORDS).filter(large).map(|n| n + 1).collect();
    assert_eq!(found, expected);
    let text = replay(&two, &one, &["--show", "1"]).done();
    let counted = format!("{} of 700 records differ", expected.len());
    assert!(
        text.contains(&counted) && text.contains("in payload)"),
        "{text}"
    );
    let (_, error) = replay(&two, &one, &["--fail-if-different"]).both(1);
    assert!(error.contains("records differ"), "{error}");

    // Slower, with the same events.
    let slow = "let total = if total > 1000.0 { total + 1.0 } else { total };
        for n in 0..300_u32 { std::hint::black_box(n); }
        events.client";
    author.edit("src/lib.rs", changed, slow);
    let slow = author.build_as("slow.wasm");
    let (out, error) = replay(
        &slow,
        &two,
        &["--fail-if-different", "--fail-if-slower", "2%"],
    )
    .both(1);
    assert!(out.starts_with("0 of 700 records differ\n"), "{out}");
    assert!(
        error.contains("% more instructions than two.wasm"),
        "{error}"
    );
    replay(&two, &slow, &["--fail-if-slower", "2%"]).done();
}
