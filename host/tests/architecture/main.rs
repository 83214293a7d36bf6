//! Holds ARCHITECTURE.md's rules: which folder may name which other, which
//! library is named where, that files don't import each other in circles, and
//! that it names files that are there.
//!
//! `cargo test -p millstream --test architecture -- --nocapture` prints the
//! imports between folders.

mod circles;
mod sources;

use sources::{Names, Sources, paths_in};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// For each folder of `src`, the folders that it may name.
const MAY_NAME: [(&str, &[&str]); 23] = [
    ("clock", &[]),
    ("process", &[]),
    ("record", &[]),
    ("files", &[]),
    ("fetch", &[]),
    ("schema", &["fetch", "process"]),
    ("log", &[]),
    ("kafka", &["files", "process", "record"]),
    ("plugin", &["clock", "files", "log", "process", "record"]),
    ("store", &["clock", "record"]),
    ("auth", &["clock", "fetch", "files", "record"]),
    ("http", &["files", "log"]),
    ("access", &["auth", "http"]),
    (
        "sse",
        &["access", "auth", "clock", "http", "process", "record"],
    ),
    (
        "tasks",
        &[
            "access", "auth", "http", "kafka", "record", "schema", "store",
        ],
    ),
    (
        "admin",
        &["access", "auth", "clock", "http", "log", "record", "sse"],
    ),
    (
        "pipeline",
        &[
            "kafka", "log", "plugin", "process", "record", "schema", "store",
        ],
    ),
    (
        "config",
        &[
            "auth", "fetch", "http", "kafka", "pipeline", "plugin", "record", "schema", "sse",
            "store", "tasks",
        ],
    ),
    (
        "daemon",
        &[
            "admin", "auth", "clock", "config", "http", "kafka", "pipeline", "plugin", "process",
            "record", "schema", "sse", "store", "tasks",
        ],
    ),
    ("authoring", &["plugin", "record", "schema"]),
    (
        "demo",
        &[
            "clock", "config", "daemon", "http", "kafka", "pipeline", "sse",
        ],
    ),
    (
        "dev",
        &[
            "authoring",
            "clock",
            "config",
            "daemon",
            "fetch",
            "http",
            "kafka",
            "pipeline",
            "plugin",
            "process",
            "record",
        ],
    ),
    (
        "cli",
        &[
            "authoring",
            "config",
            "daemon",
            "demo",
            "dev",
            "fetch",
            "kafka",
            "log",
            "pipeline",
            "plugin",
            "process",
            "record",
            "schema",
        ],
    ),
];

/// Which folders may name a library.
const LIBRARIES: [(&str, &[&str]); 22] = [
    ("apache_avro", &["schema"]),
    ("prost_reflect", &["schema"]),
    ("protox", &["schema"]),
    ("rdkafka", &["kafka"]),
    ("wasmtime", &["plugin"]),
    ("wit_component", &["plugin"]),
    ("wit_parser", &["plugin"]),
    ("notify", &["plugin"]),
    ("redis", &["store"]),
    ("hyper", &["fetch", "http"]),
    ("hyper_util", &["fetch", "http"]),
    ("hyper_rustls", &["fetch"]),
    ("rustls_native_certs", &["fetch", "store"]),
    ("tokio_rustls", &["http"]),
    ("jsonwebtoken", &["auth"]),
    ("ring", &["auth"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("sd_notify", &["daemon"]),
    ("comfy_table", &["cli"]),
    ("indicatif", &["cli"]),
];

/// Files that may import each other in a circle, and why that is sound.
const CIRCLES: [(&[&str], &str); 1] = [(
    &["sse::connection", "sse::feed", "sse::place"],
    "a connection names the feeds that it follows and a feed its followers: the hub makes and takes \
     away both together under its own lock, and nobody holds a feed's lock and a connection's at once",
)];

fn folder(module: &Names) -> Option<&str> {
    module.first().map(String::as_str)
}

#[test]
fn every_folder_names_only_what_is_below_it() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_NAME.into();
    let sources = Sources::read();
    let mut named: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut broken = Vec::new();
    for (module, source) in &sources.0 {
        let Some(folder) = folder(module).filter(|folder| *folder != "main") else {
            continue;
        };
        let may = allowed
            .get(folder)
            .unwrap_or_else(|| panic!("src/{folder} is not in the rule: add it to MAY_NAME"));
        let uses = source.uses.iter().map(|used| used.path.clone());
        for path in uses.chain(paths_in(&source.code)) {
            let Some(other) = path.first() else { continue };
            if other == folder || !allowed.contains_key(other.as_str()) {
                continue;
            }
            named.entry(folder).or_default().insert(other.clone());
            if !may.contains(&other.as_str()) {
                let (file, path) = (&source.name, path.join("::"));
                broken.push(format!("{file}: {folder} must not name {other}: {path}"));
            }
        }
    }
    for (folder, others) in &named {
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        println!("{folder} -> {}", others.join(", "));
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
    for (folder, may) in MAY_NAME {
        let named = named.get(folder);
        let unused = may
            .iter()
            .find(|other| named.is_none_or(|named| !named.contains(**other)));
        assert_eq!(
            unused, None,
            "{folder} does not name it: take it out of MAY_NAME"
        );
    }
}

#[test]
fn every_library_is_named_in_its_own_folder_only() {
    let mut broken = Vec::new();
    for (module, source) in &Sources::read().0 {
        let Some(folder) = folder(module) else {
            continue;
        };
        for (library, folders) in LIBRARIES {
            let mut lines = source.code.lines();
            if !folders.contains(&folder)
                && let Some(line) = lines.find(|line| names_library(line, library))
            {
                let file = &source.name;
                broken.push(format!("{file}: {folder} must not name {library}: {line}"));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// Whether `code` names a library's path: `redis::` but not `store::redis::`.
fn names_library(code: &str, library: &str) -> bool {
    let path = format!("{library}::");
    code.match_indices(&path).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

#[test]
fn files_do_not_import_each_other_in_circles() {
    let sources = Sources::read();
    let circles = circles::find(&sources.imports());
    let mut found = Vec::new();
    let mut excused = BTreeSet::new();
    for circle in &circles {
        let shown: Vec<String> = circle.iter().map(|module| module.join("::")).collect();
        match CIRCLES.iter().find(|(files, _)| shown == *files) {
            Some((files, _)) => drop(excused.insert(*files)),
            None => found.push(shown.join(", ")),
        }
    }
    println!(
        "{} circles, {} of them excused",
        circles.len(),
        circles.len() - found.len()
    );
    assert!(
        found.is_empty(),
        "these import each other:\n{}",
        found.join("\n")
    );
    for (files, _) in CIRCLES {
        assert!(
            excused.contains(files),
            "{} are in no circle: take them out of CIRCLES",
            files.join(", ")
        );
    }
}

#[test]
fn the_architecture_names_files_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("it can be read");
    let named = text.split('`').skip(1).step_by(2);
    let missing: Vec<&str> = named
        .filter(|name| name.contains('/') && name.ends_with(".rs"))
        .filter(|name| !root.join(name).exists() && !root.join("host/src").join(name).exists())
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
