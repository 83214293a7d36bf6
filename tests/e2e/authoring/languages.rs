//! Every language: a new project of each kind builds and passes, and the same transform makes the
//! same bytes.

use super::Author;
use millstream_tests::{scratch_dir, workspace};
use std::fmt::Write;
use std::fs;
use std::process::Command;
use std::sync::OnceLock;

/// Orders, some of them with a negative total.
fn capture() -> String {
    let mut lines = String::new();
    for n in 0..600 {
        let total = f64::from(n % 40) - 4.75;
        writeln!(
            lines,
            r#"{{"key":"k{n}","json":{{"customer":"c\u00e9 {}","id":{n},"total":{total}}}}}"#,
            n % 7
        )
        .unwrap();
    }
    lines
}

/// What the transform of this project makes of the capture.
fn outcomes(author: &Author) -> String {
    author.write("capture.jsonl", &capture());
    let run = ["run", "dist/orders.wasm", "--records", "capture.jsonl"];
    author.run(&run).done()
}

/// What the transform in Rust makes of it.
fn in_rust() -> &'static str {
    static OUTCOMES: OnceLock<String> = OnceLock::new();
    OUTCOMES.get_or_init(|| {
        let author = Author::new("transform");
        author.run(&["build"]).done();
        outcomes(&author)
    })
}

fn passes(language: &str, native: &[&str]) {
    for kind in ["transform", "route", "dead-letter"] {
        let author = Author::in_language(language, kind);
        let tested = author.run(&["test"]).done();
        assert!(
            tested.ends_with("in 1 file: as expected\n"),
            "{kind}: {tested}"
        );
        author.native(native).done();
        if kind == "transform" {
            assert_eq!(outcomes(&author), in_rust());
        }
    }
}

#[test]
fn javascript_builds_passes_and_makes_the_same_bytes() {
    passes("js", &["node", "--test"]);
}

#[test]
fn python_builds_passes_and_makes_the_same_bytes() {
    passes("python", &["python3", "-m", "unittest", "--quiet"]);
}

#[test]
fn go_builds_passes_and_makes_the_same_bytes() {
    passes("go", &["go", "test", "./..."]);
}

#[test]
fn a_missing_tool_is_named_with_what_to_install() {
    for (language, says) in [
        ("rust", "install Rust with rustup"),
        ("js", "install version 20 or later"),
        ("python", "install Python 3.10 or later"),
        ("go", "install Go 1.24 or later"),
    ] {
        let author = Author::in_language(language, "transform");
        let mut command = author.command(&["plugin", "build"]);
        command.env("PATH", "/nonexistent");
        let error = crate::tools::said(command, b"").failed(1);
        assert!(error.contains(says), "{language}: {error}");
    }
}

/// What becomes of records that break a plugin of this language, a line for each.
fn told(language: &str, source: &str, text: &str, values: &[&str]) -> String {
    let author = Author::in_language(language, "transform");
    author.write(source, text);
    author.run(&["build"]).done();
    let record = |value: &&str| format!("{{\"value\":\"{value}\"}}\n");
    author.write(
        "faults.jsonl",
        &values.iter().map(record).collect::<String>(),
    );
    let run = ["run", "dist/orders.wasm", "--records", "faults.jsonl"];
    let out = author.run(&run).done();
    assert_eq!(out.lines().count(), values.len(), "{out}");
    let mut told = String::new();
    for (value, line) in values.iter().zip(out.lines()) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
        writeln!(told, "{value}: {}: {}", text("failure"), text("message")).unwrap();
    }
    told
}

#[test]
fn faults_in_go_are_explained() {
    let values = [
        "panic", "index", "wrap", "json", "go", "deadlock", "alloc", "exit", "print",
    ];
    let text = include_str!("faulty/main.go");
    insta::assert_snapshot!("go", told("go", "main.go", text, &values));
}

#[test]
fn faults_in_javascript_are_explained() {
    let values = [
        "throw",
        "undefined",
        "failure",
        "json",
        "clock",
        "date",
        "random",
        "timer",
        "fetch",
        "process",
        "promise",
        "recursion",
        "loop",
        "empty",
        "reserved",
        "control",
        "many",
        "surrogate",
        "print",
    ];
    let text = include_str!("faulty/plugin.js");
    insta::assert_snapshot!("js", told("js", "src/plugin.js", text, &values));
}

#[test]
fn faults_in_python_are_explained() {
    let values = [
        "throw",
        "key",
        "none",
        "failure",
        "json",
        "clock",
        "date",
        "random",
        "sleep",
        "file",
        "environment",
        "thread",
        "network",
        "recursion",
        "empty",
        "reserved",
        "control",
        "print",
    ];
    let text = include_str!("faulty/plugin.py");
    insta::assert_snapshot!("python", told("python", "src/plugin.py", text, &values));
}

/// A copy of an SDK: what its tests write stays out of the repository.
fn sdk(name: &str) -> Author {
    let folder = scratch_dir("sdk").join(name);
    let plugins = workspace().join("plugins");
    let copy = |from: &str| {
        let status = Command::new("cp")
            .arg("-rL")
            .arg(plugins.join(from))
            .arg(&folder)
            .status();
        assert!(status.unwrap().success());
    };
    fs::create_dir_all(&folder).unwrap();
    copy(&format!("{name}/."));
    Author { folder }
}

#[test]
fn the_sdk_for_javascript_passes_its_own_tests() {
    let sdk = sdk("sdk-js");
    sdk.native(&["npm", "install", "--no-audit", "--no-fund"])
        .done();
    let tested = sdk.native(&["node", "--test"]).done();
    assert!(
        tested.contains("# fail 0") && !tested.contains("# pass 0"),
        "{tested}"
    );
}

#[test]
fn the_sdk_for_python_passes_its_own_tests() {
    let (_, tested) = sdk("sdk-python")
        .native(&["python3", "-m", "unittest"])
        .both(0);
    assert!(
        tested.contains("\nOK") && !tested.contains("Ran 0 tests"),
        "{tested}"
    );
}

#[test]
fn the_sdk_for_go_passes_its_own_tests_and_is_formatted() {
    let sdk = sdk("sdk-go");
    let tested = sdk.native(&["go", "test", "./..."]).done();
    assert!(
        tested.contains("ok  \tmillstream/millstreamtest"),
        "{tested}"
    );
    let unformatted = sdk.native(&["gofmt", "-l", "."]).done();
    assert_eq!(unformatted, "");
}
