//! A project of each kind builds and passes; state is found with the author's own records.

use super::{Author, cargo};
use crate::tools::said;
use millstream_tests::config;
use std::fs;

/// Counts the orders in a static variable.
const COUNTING: &str = "static COUNT: std::sync::atomic::AtomicU64 = \
                        std::sync::atomic::AtomicU64::new(0);
        let id = id + COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        events.client";

fn passes(kind: &str, fixture: &str) {
    let author = Author::new(kind);
    let tested = author.run(&["test"]).done();
    assert!(tested.ends_with("in 1 file: as expected\n"), "{tested}");
    let checked = author
        .run(&["check", "dist/orders.wasm", "--records", "fixtures"])
        .done();
    let kind_line = format!("kind          {kind}\n");
    for part in [
        &*kind_line,
        "conformance   passed",
        "per record in a batch of 512",
    ] {
        assert!(checked.contains(part), "{part} in {checked}");
    }
    let native = cargo(&author.folder, &["test", "--quiet"]).done();
    assert!(native.contains("1 passed"), "{native}");
    // What is expected is written as it is in the template.
    let path = format!("fixtures/{fixture}.expected.jsonl");
    let before = author.read(&path);
    fs::remove_file(author.path(&path)).unwrap();
    let missing = author.run(&["test"]).failed(1);
    assert!(missing.contains("then write it with --bless"), "{missing}");
    author.run(&["test", "--bless"]).done();
    assert_eq!(author.read(&path), before);
}

#[test]
fn a_new_transform_builds_and_passes() {
    passes("transform", "orders");
}

#[test]
fn a_new_route_builds_and_passes() {
    passes("route", "events");
}

#[test]
fn a_new_dead_letter_policy_builds_and_passes() {
    passes("dead-letter", "failures");
}

#[test]
fn a_project_is_not_written_over_another() {
    let author = Author::new("transform");
    let refused = author.run(&["new", "other", "--folder", "."]).failed(1);
    assert!(
        refused.contains("already exists and is not empty"),
        "{refused}"
    );
    let invalid = author.run(&["new", "No Name"]).failed(1);
    assert!(invalid.contains("use lower-case letters"), "{invalid}");
}

#[test]
fn a_counter_is_found_with_records_that_reach_it() {
    let author = Author::new("transform");
    author.edit("src/lib.rs", "events.client", COUNTING);
    author.run(&["build"]).done();
    // No test record of the daemon reaches the counter.
    author.run(&["check", "dist/orders.wasm"]).done();
    let refused = author
        .run(&["check", "dist/orders.wasm", "--records", "fixtures"])
        .failed(1);
    assert!(
        refused.contains("it keeps state in a variable: record 1 of fixtures/orders.jsonl"),
        "{refused}"
    );
}

#[test]
fn a_difference_is_shown_down_to_the_field() {
    let author = Author::new("transform");
    author.edit(
        "src/lib.rs",
        "&Update { id, total }",
        "&Update { id, total: total * 10.0 }",
    );
    let said = author.run(&["test"]);
    let (report, error) = said.both(1);
    assert!(
        report.contains("    json: total: 9.5 -> 95.0\n"),
        "{report}"
    );
    assert!(
        report.ends_with("3 records in 1 file: 1 not as expected\n"),
        "{report}"
    );
    assert!(error.contains("--bless"), "{error}");
}

#[test]
fn the_daemon_tests_with_the_authors_records_before_a_plugin_goes_live() {
    let author = Author::new("transform");
    author.edit("src/lib.rs", "events.client", COUNTING);
    author.run(&["build"]).done();
    let toml = |fixtures: &str| {
        let plugin = format!("plugin = \"dist/orders.wasm\"{fixtures}");
        let rest = format!("name = \"orders\"\ntransform = {{ {plugin} }}\n");
        config("127.0.0.1:1", "redis://127.0.0.1:1", "orders", "p", &rest)
    };
    let check = |toml: &str, more: &[&str]| {
        author.write("millstream.toml", toml);
        let arguments = [&["config", "check"], more].concat();
        said(author.command(&arguments), b"")
    };
    check(&toml(""), &[]).done();
    let own = toml(", fixtures = \"fixtures\"");
    let refused = check(&own, &[]).failed(64);
    assert!(
        refused.contains("it keeps state in a variable: record 1 of "),
        "{refused}"
    );
    let unchecked = check(&own, &["--no-plugins"]).done();
    assert!(unchecked.contains("not checked: plugins"), "{unchecked}");
    let nowhere = check(&toml(", fixtures = \"nowhere\""), &[]).failed(64);
    assert!(nowhere.contains("can't read the folder"), "{nowhere}");
}
