//! A schema in a file.

use super::parsed::Schema;
use super::source::{Format, Source};
use anyhow::Context;
use std::fs::read_to_string;
use std::path::{Component, Path, PathBuf};

/// A schema in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaFile {
    /// An Avro schema (`.avsc`).
    Avro(PathBuf),
    /// A Protobuf file (`.proto`) and the full name of a message in it. What it imports is looked
    /// for from its folder on.
    Protobuf(PathBuf, String),
}

impl SchemaFile {
    fn path(&self) -> &Path {
        match self {
            SchemaFile::Avro(path) | SchemaFile::Protobuf(path, _) => path,
        }
    }
}

impl Schema {
    /// Reads a schema, and parses it in a child process of `program`, which is this program.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn read(file: &SchemaFile, program: &Path) -> anyhow::Result<Schema> {
        let read = || {
            let text = read_to_string(file.path()).context("can't read the file")?;
            match file {
                SchemaFile::Avro(_) => Schema::parse(&Source::new(Format::Avro, text), program),
                SchemaFile::Protobuf(path, message) => {
                    let folder = path.parent().unwrap_or(Path::new(""));
                    let source = Source {
                        format: Format::Protobuf,
                        references: imported(&text, folder),
                        text,
                    };
                    Schema::parse(&source, program)?.of_message(message)
                }
            }
        };
        read().with_context(|| format!("can't use the schema {}", file.path().display()))
    }
}

/// The files that a Protobuf file imports, directly or not, as far as they are in this folder.
/// Compiling says what is missing.
fn imported(text: &str, folder: &Path) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut open: Vec<String> = imports(text).collect();
    while let Some(name) = open.pop() {
        // Protobuf's names of files are relative, and lead nowhere else.
        let is_below = Path::new(&name)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        let is_new = is_below && found.iter().all(|(known, _)| *known != name);
        if let (true, Ok(text)) = (is_new, read_to_string(folder.join(&name))) {
            open.extend(imports(&text));
            found.push((name, text));
        }
    }
    found
}

fn imports(text: &str) -> impl Iterator<Item = String> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter_map(|line| line.strip_prefix("import"));
    let names = lines.filter_map(|line| line.split(['"', '\'']).nth(1));
    names.map(str::to_owned)
}
