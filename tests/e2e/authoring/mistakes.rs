//! What an author does wrong, and what is said about it.

use super::{Author, cargo};
use std::fmt::Write;

/// A transform that does what its record says.
const MISTAKEN: &str = r##"
use millstream_plugin::{Config, Events, Failure, Record, Transform, transform};

struct Plugin;

impl Transform for Plugin {
    fn new(config: Config) -> Result<Self, String> {
        config.none().map(|()| Plugin)
    }

    fn transform(&self, record: Record, events: &mut Events) -> Result<(), Failure> {
        match record.value().unwrap_or_default() {
            b"panic" => panic!("no customer {} in the list", 7),
            b"index" => drop(std::hint::black_box(vec![1])[std::hint::black_box(3)]),
            b"clock" => drop(std::time::Instant::now()),
            b"wall clock" => drop(std::time::SystemTime::now()),
            b"thread" => drop(std::thread::spawn(|| {}).join()),
            b"file" => drop(std::fs::read("/etc/hostname").unwrap()),
            b"network" => drop(std::net::TcpStream::connect("127.0.0.1:80").unwrap()),
            b"environment" => drop(std::env::var("HOME").unwrap()),
            b"empty" => events.client("").text(""),
            b"control" => events.client("a\nb").text(""),
            b"long" => events.client(&"x".repeat(300)).text(""),
            b"reserved" => events.client("a").kind("open").text(""),
            b"bytes" => events.client("a").bytes(&[0xff]),
            b"many" => (0..2000).for_each(|_| events.client("a").text("")),
            b"loop" => loop { std::hint::black_box(0); },
            b"memory" => drop(std::hint::black_box(vec![1_u8; 1 << 30])),
            b"recursion" => drop(deep(0)),
            b"print" => println!("nobody reads this"),
            _ => {}
        }
        Ok(())
    }
}

fn deep(n: u64) -> u64 {
    std::hint::black_box(if n == u64::MAX { 0 } else { deep(n + 1) + 1 })
}

transform!(Plugin);
"##;

#[test]
fn records_that_break_a_plugin_are_explained() {
    let author = Author::new("transform");
    author.write("src/lib.rs", MISTAKEN);
    author.run(&["build"]).done();
    let values = [
        "panic",
        "index",
        "clock",
        "wall clock",
        "thread",
        "file",
        "network",
        "environment",
        "empty",
        "control",
        "long",
        "reserved",
        "bytes",
        "many",
        "memory",
        "recursion",
        "print",
    ];
    let mut records = String::new();
    for value in values {
        writeln!(records, "{{\"value\":\"{value}\"}}").unwrap();
    }
    author.write("mistakes.jsonl", &records);
    let out = author
        .run(&["run", "dist/orders.wasm", "--records", "mistakes.jsonl"])
        .done();
    let mut told = String::new();
    for (value, line) in values.iter().zip(out.lines()) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
        writeln!(told, "{value}: {}: {}", text("failure"), text("message")).unwrap();
    }
    insta::assert_snapshot!("records", told);
}

#[test]
fn a_record_that_never_ends_is_cut_off() {
    let author = Author::new("transform");
    author.write("src/lib.rs", MISTAKEN);
    author.run(&["build"]).done();
    author.write("loop.jsonl", "{\"value\":\"loop\"}\n");
    let out = author
        .run(&["run", "dist/orders.wasm", "--records", "loop.jsonl"])
        .done();
    insta::assert_snapshot!("loop", out);
}

#[test]
fn files_that_are_no_plugin_are_explained() {
    let author = Author::new("transform");
    let mut told = String::new();
    let mut tell = |what: &str, arguments: &[&str], code: i32| {
        let (_, error) = author.run(arguments).both(code);
        // cargo's own messages come first.
        let ours = error.lines().filter(|line| line.starts_with("millstream:"));
        let ours: Vec<&str> = ours.collect();
        writeln!(told, "{what}\n  {}", ours.join("\n  ")).unwrap();
    };
    tell("no file", &["check", "dist/orders.wasm"], 1);
    author.write("text.wasm", "hello");
    tell("no wasm", &["check", "text.wasm"], 1);
    tell(
        "no fixtures",
        &["test", "bundled:per-client", "--fixtures", "sdk"],
        1,
    );
    tell("no project", &["build", "sdk"], 1);
    tell(
        "configuration that is no JSON",
        &["run", "bundled:by-field", "--config", "{x"],
        64,
    );
    tell(
        "configuration that is refused",
        &["check", "bundled:by-field", "--config", "{\"x\":1}"],
        1,
    );
    tell("no such bundled plugin", &["run", "bundled:by-feild"], 64);
    tell(
        "records of another kind",
        &[
            "run",
            "bundled:per-client",
            "--records",
            "fixtures/orders.jsonl",
        ],
        1,
    );
    author.write("bad.jsonl", "{\"value\":\"x\"}\n{\"vlaue\":1}\n");
    tell(
        "a line that is no record",
        &["run", "bundled:notifications", "--records", "bad.jsonl"],
        1,
    );

    author.edit("src/lib.rs", "transform!(Plugin);", "");
    author.run(&["build"]).both(0);
    tell("forgotten macro", &["check", "dist/orders.wasm"], 1);
    author.edit("Cargo.toml", "[\"cdylib\", \"rlib\"]", "[\"rlib\"]");
    tell("forgotten crate-type", &["build"], 1);
    author.edit("src/lib.rs", "struct Plugin;", "struct Plugin");
    tell("does not compile", &["build"], 1);
    insta::assert_snapshot!("files", told);
}

#[test]
fn what_the_daemon_refuses_fails_in_native_tests_too() {
    let author = Author::new("transform");
    author.edit(
        "src/lib.rs",
        "events.client(&customer)",
        "events.client(&customer[3..])",
    );
    let native = cargo(&author.folder, &["test", "--quiet"]);
    let (out, error) = native.both(101);
    let said = "class: BadOutput, message: \"the client id is empty\"";
    assert!(out.contains(said), "{out}{error}");
    let error = author.run(&["test"]).failed(1);
    let said = "it failed on record 1 of fixtures/orders.jsonl: bad-output: the client id is empty";
    assert!(error.contains(said), "{error}");
}
