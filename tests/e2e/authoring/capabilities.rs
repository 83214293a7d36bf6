//! Log, clock and state in every language: the same records, the same lines and events.

use super::Author;
use crate::tools::said;
use std::fmt::Write;

/// Orders of two customers, some of which fail; each line has its time, which goes back at the end.
fn records() -> String {
    let totals = [1, 2, -3, 4, 200, 6, 200, 8, 0, 10];
    let times = [100, 110, 120, 130, 140, 150, 300, 310, 90, 360];
    let mut lines = String::new();
    for (n, (total, time)) in totals.iter().zip(times).enumerate() {
        let customer = if n % 3 == 0 { "ada" } else { "bob" };
        writeln!(
            lines,
            r#"{{"offset":{n},"timestamp":{time},"json":{{"customer":"{customer}","total":{total}}}}}"#
        )
        .unwrap();
    }
    lines + "{\"offset\":10,\"value\":\"no JSON\"}\n"
}

/// The daemon's check refuses the plugin without the grant, and names the line to add.
fn granted(author: &Author) {
    let check = |capabilities: &str| {
        let transform = format!("{{ plugin = \"dist/orders.wasm\"{capabilities} }}");
        let rest = format!("name = \"counts\"\ntransform = {transform}");
        let config = millstream_tests::config("127.0.0.1:1", "memory:", "t", "p", &rest);
        author.write("millstream.toml", &config);
        said(author.command(&["config", "check"]), b"")
    };
    let line = "capabilities = [\"log\", \"clock\", \"keyvalue\"]";
    let refused = check("").failed(64);
    let says = format!(
        "it needs the capabilities log, clock and keyvalue, which the configuration does not \
         grant: add {line} to the plugin's table"
    );
    assert!(refused.contains(&says), "{refused}");
    check(&format!(", {line}")).done();
}

/// What the records make of a plugin in this language: events and failures, then what it logged.
fn told(language: &str, source: &str, text: &str) -> String {
    let author = match language {
        "rust" => Author::new("transform"),
        other => Author::in_language(other, "transform"),
    };
    author.write(source, text);
    author.run(&["build"]).done();
    author.write("records.jsonl", &records());
    granted(&author);
    let checked = author.run(&["check", "dist/orders.wasm"]).done();
    assert!(
        checked.contains("capabilities  log, clock, keyvalue"),
        "{checked}"
    );
    let run = [
        "plugin",
        "run",
        "dist/orders.wasm",
        "--records",
        "records.jsonl",
    ];
    let ran = said(author.command(&run), b"");
    let (out, errors) = ran.both(0);
    let mut told = String::new();
    for line in out.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        // Each language has its own words for what breaks it, or is not JSON.
        let what = match (line["failure"].as_str(), line["message"].as_str()) {
            (Some("rejected"), Some(message)) => format!("rejected: {message}"),
            (Some("trap"), Some(message)) => {
                let says = "the key `other` was not named";
                assert!(message.contains(says), "{language}: {message}");
                "trap".into()
            }
            (Some(class), _) => class.into(),
            (None, _) => format!("{} {}", line["client"], line["json"]),
        };
        writeln!(told, "{}: {what}", line["record"]).unwrap();
    }
    for line in errors.lines().filter(|line| line.contains(" at record ")) {
        writeln!(told, "{line}").unwrap();
    }
    told
}

const EXPECTED: &str = r#"1: "ada" {"at":100,"count":1}
2: "bob" {"at":110,"count":1}
3: rejected: the total is negative
4: "ada" {"at":130,"count":2}
5: "bob" {"at":140,"count":2}
6: "bob" {"at":150,"count":3}
7: "ada" {"at":300,"count":3}
8: "bob" {"at":310,"count":4}
9: trap
10: "ada" {"at":360,"count":1}
11: malformed
"#;

fn check(language: &str, source: &str, text: &str) {
    let told = told(language, source, text);
    assert!(told.starts_with(EXPECTED), "{told}");
    let lines: Vec<&str> = told[EXPECTED.len()..].lines().collect();
    // The search for the record that breaks the plugin runs some of them again.
    for (record, line) in [
        (1, "order 1 of ada"),
        (3, "order 2 of bob"),
        (10, "order 1 of ada"),
    ] {
        let line = format!("info at record {record}: {line}");
        assert!(lines.contains(&&*line), "{line}: {told}");
    }
}

#[test]
fn rust_logs_tells_the_time_and_counts() {
    check("rust", "src/lib.rs", include_str!("counting/lib.rs"));
}

#[test]
fn javascript_logs_tells_the_time_and_counts() {
    check("js", "src/plugin.js", include_str!("counting/plugin.js"));
}

#[test]
fn python_logs_tells_the_time_and_counts() {
    check(
        "python",
        "src/plugin.py",
        include_str!("counting/plugin.py"),
    );
}

#[test]
fn go_logs_tells_the_time_and_counts() {
    check("go", "main.go", include_str!("counting/main.go"));
}

#[test]
fn a_variable_that_reaches_the_values_alone_is_found() {
    let author = Author::new("transform");
    let kept = "state.json::<u64>(customer)?.unwrap_or(0) + 1";
    let text = include_str!("counting/lib.rs");
    assert!(text.contains(kept) && text.contains("&Made { at, count }"));
    let cached = text
        .replace(
            kept,
            "CALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed)",
        )
        .replace("&Made { at, count }", "&Made { at, count: 0 }");
    let calls =
        "static CALLS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);";
    author.write("src/lib.rs", &format!("{cached}\n{calls}\n"));
    author.run(&["build"]).done();
    let record = "{\"json\":{\"customer\":\"ada\",\"total\":1}}\n";
    author.write("records.jsonl", &record.repeat(2));
    let check = ["check", "dist/orders.wasm", "--records", "records.jsonl"];
    let error = author.run(&check).failed(1);
    let says = "it keeps state in a variable: record 2 of records.jsonl writes other values in a \
                fresh instance";
    assert!(error.contains(says), "{error}");
}
