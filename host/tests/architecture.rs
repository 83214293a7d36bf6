//! Holds ARCHITECTURE.md's one-way rule: which folder may name which other,
//! and which library is named where.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// For each folder of `src`, the folders that it may name. The road goes one
/// way: `cli -> pipeline -> {ingest, plugin, store, sse} -> record`.
const MAY_NAME: [(&str, &[&str]); 18] = [
    ("process", &[]),
    ("record", &[]),
    ("ingest", &["process", "record"]),
    ("kafka", &["ingest", "record"]),
    ("plugin", &["process", "record"]),
    ("store", &["record"]),
    ("files", &[]),
    ("fetch", &[]),
    ("log", &[]),
    ("auth", &["fetch", "files", "record"]),
    ("http", &["files", "log"]),
    ("access", &["auth", "http"]),
    ("sse", &["access", "auth", "http", "process", "record"]),
    (
        "tasks",
        &["access", "auth", "http", "ingest", "record", "store"],
    ),
    ("admin", &["access", "auth", "http", "log", "record", "sse"]),
    (
        "config",
        &[
            "auth", "fetch", "ingest", "plugin", "record", "store", "tasks",
        ],
    ),
    (
        "pipeline",
        &[
            "config", "ingest", "log", "plugin", "process", "record", "sse", "store",
        ],
    ),
    (
        "cli",
        &[
            "admin", "auth", "config", "http", "ingest", "kafka", "log", "pipeline", "plugin",
            "process", "record", "sse", "store", "tasks",
        ],
    ),
];

/// Which folders may name a library.
const LIBRARIES: [(&str, &[&str]); 15] = [
    ("rdkafka", &["ingest", "kafka"]),
    ("wasmtime", &["plugin"]),
    ("wit_component", &["plugin"]),
    ("notify", &["plugin"]),
    ("redis", &["store"]),
    ("hyper", &["fetch", "http"]),
    ("hyper_util", &["fetch", "http"]),
    ("hyper_rustls", &["fetch"]),
    ("rustls_native_certs", &["fetch"]),
    ("tokio_rustls", &["http"]),
    ("jsonwebtoken", &["auth"]),
    ("ring", &["auth"]),
    ("clap", &["cli"]),
    ("comfy_table", &["cli"]),
    ("indicatif", &["cli"]),
];

#[test]
fn every_folder_names_only_what_is_below_it() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_NAME.into();
    let mut broken = Vec::new();
    for (folder, file, line, code) in lines() {
        if code.ends_with("crate::{") {
            broken.push(format!(
                "{file}:{line}: one `use` a folder, so that this test sees it"
            ));
        }
        let others = allowed
            .get(folder.as_str())
            .unwrap_or_else(|| panic!("src/{folder} is not in the rule: add it to MAY_NAME"));
        for other in named_after(&code, "crate::") {
            if other != folder && allowed.contains_key(other) && !others.contains(&other) {
                broken.push(format!(
                    "{file}:{line}: {folder} must not name {other}: {code}"
                ));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_library_is_named_in_its_own_folder_only() {
    let mut broken = Vec::new();
    for (folder, file, line, code) in lines() {
        for (library, folders) in LIBRARIES {
            if !folders.contains(&folder.as_str()) && names_library(&code, library) {
                broken.push(format!(
                    "{file}:{line}: {folder} must not name {library}: {code}"
                ));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// Every line of code below `src/<folder>`: folder, file, line number, code.
fn lines() -> Vec<(String, String, usize, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for file in rust_files(&src) {
        let name = file.strip_prefix(&src).expect("below src");
        let Some(folder) = name.parent().and_then(|parent| parent.iter().next()) else {
            continue;
        };
        let folder = folder.to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).expect("a source file can be read");
        for (index, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or("").trim();
            if !code.is_empty() {
                let name = name.display().to_string();
                found.push((folder.clone(), name, index + 1, code.to_string()));
            }
        }
    }
    assert!(found.len() > 1000, "the sources were not found");
    found
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a source folder can be read");
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The names that follow `prefix`, also inside of `prefix{a::b, c}`.
fn named_after<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let ends = |c: char| !(c.is_alphanumeric() || c == '_');
    let name = |text: &'a str| text.trim_start().split(ends).next().unwrap_or("");
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(list) => names.extend(list.split(',').map(name)),
            None => names.push(name(rest)),
        }
    }
    names
}

/// Whether `code` names a library's path: `redis::` but not `store::redis::`.
fn names_library(code: &str, library: &str) -> bool {
    let path = format!("{library}::");
    code.match_indices(&path).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let inside = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let module = code[..at].ends_with("::")
            && code[..at].len() > 2
            && code[..at - 2].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        !inside && !module
    })
}
