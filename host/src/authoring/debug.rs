//! A dead letter as a native test in its plugin's project, for a debugger.

use crate::plugin::fixture::FailureLine;
use crate::record::OwnedRecord;
use anyhow::{Context, bail};
use serde::Deserialize;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A failed record, and the plugin's configuration.
pub struct Failed<'a> {
    /// The letter, as `topic/partition/offset`.
    pub letter: String,
    /// The record, as the pipeline read it.
    pub record: OwnedRecord,
    /// How it failed.
    pub failure: FailureLine,
    /// The plugin's configuration.
    pub config: &'a serde_json::Value,
}

/// What the test did.
pub struct Tried {
    /// Whether it passed: then the failure does not happen natively, or not any more.
    pub passed: bool,
    /// Its output.
    pub output: String,
    /// The test program, for a debugger.
    pub program: PathBuf,
}

/// A line of cargo's messages, or of its `read-manifest`.
#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    name: String,
    #[serde(default)]
    executable: Option<PathBuf>,
    #[serde(default)]
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    crate_types: Vec<String>,
}

/// The name of the test for this letter.
pub fn test_name(letter: &str) -> String {
    let legal = |c: char| match c.is_ascii_alphanumeric() {
        true => c.to_ascii_lowercase(),
        false => '_',
    };
    format!("letter_{}", letter.chars().map(legal).collect::<String>())
}

/// Writes the test to `tests/` of a Rust project. Returns its file.
///
/// # Errors
/// If the folder is no Rust library, or the file can't be written.
pub fn write(folder: &Path, failed: &Failed) -> anyhow::Result<PathBuf> {
    let library = library(folder)?;
    let name = test_name(&failed.letter);
    let path = folder.join("tests").join(format!("{name}.rs"));
    let text = text(&library, &name, failed);
    let put = || {
        fs::create_dir_all(folder.join("tests"))?;
        fs::write(&path, text)
    };
    put().with_context(|| format!("can't write {}", path.display()))?;
    Ok(path)
}

/// The name of the crate's library, as code names it.
fn library(folder: &Path) -> anyhow::Result<String> {
    let output = cargo(folder)?
        .args(["read-manifest"])
        .output()
        .context("can't run cargo")?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        bail!("{} is no Rust project: {}", folder.display(), text.trim());
    }
    let manifest: Message = serde_json::from_slice(&output.stdout)?;
    let is_library = |target: &&Target| target.crate_types.iter().any(|kind| kind == "rlib");
    let library = manifest.targets.iter().find(is_library);
    let library = library.with_context(|| {
        format!(
            "tests can't use the crate {}: in its Cargo.toml, set `crate-type = [\"cdylib\", \
             \"rlib\"]` in [lib]",
            manifest.name
        )
    })?;
    Ok(library.name.replace('-', "_"))
}

fn text(library: &str, name: &str, failed: &Failed) -> String {
    let Failed {
        letter,
        record,
        failure,
        config,
    } = failed;
    let FailureLine {
        class,
        message,
        stage,
        ..
    } = failure;
    let (origin, offset) = (&record.origin, record.offset);
    let comment = |text: &str| text.replace(['\n', '\r'], " ");
    let mut made = match &record.value {
        Some(value) => format!("TestRecord::value({})", bytes(value)),
        None => "TestRecord::tombstone()".into(),
    };
    let mut add = |call: String| {
        let _ = write!(made, "\n        .{call}");
    };
    if let Some(key) = &record.key {
        add(format!("key({})", bytes(key)));
    }
    for (header, value) in &record.headers {
        let header = bytes(header);
        add(match value {
            Some(value) => format!("header({header}, {})", bytes(value)),
            None => format!("header_without_value({header})"),
        });
    }
    if record.timestamp >= 0 {
        add(format!("timestamp({})", record.timestamp));
    }
    let topic = string(&origin.topic);
    add(format!("at({topic}, {}, {offset})", origin.partition));
    format!(
        "//! The record of the dead letter {letter}: {origin}/{offset}.
//! It failed in the stage {stage}, {class}: {}
//!
//! Written by `millstream plugin debug`. It passes when the plugin takes the record.

use millstream_plugin::testing::TestRecord;

#[test]
fn {name}() {{
    let config = {};
    let plugin = {library}::__millstream_transform(config).expect(\"the configuration\");
    let record = {made};
    match plugin.one(record) {{
        Ok(events) => println!(\"{{events:#?}}\"),
        Err(failure) => panic!(\"{{:?}}: {{}}\", failure.class, failure.message),
    }}
}}
",
        comment(message),
        string(&config.to_string()),
    )
}

/// A literal of these bytes.
fn bytes(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => string(text),
        Err(_) => format!("b\"{}\"", bytes.escape_ascii()),
    }
}

/// A literal of this text.
fn string(text: &str) -> String {
    let is_plain = |c: char| c == '\n' || !c.is_control() && !is_bidirectional(c);
    if !text.contains(is_quote) || !text.chars().all(is_plain) {
        return format!("{text:?}");
    }
    let mut hashes = String::from("#");
    while text.contains(&format!("\"{hashes}")) {
        hashes.push('#');
    }
    format!("r{hashes}\"{text}\"{hashes}")
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\\')
}

/// Characters that the compiler refuses in source, since they hide what it says.
fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Builds and runs the test.
///
/// # Errors
/// If cargo can't build it.
pub fn run(folder: &Path, name: &str) -> anyhow::Result<Tried> {
    let build = cargo(folder)?
        .args(["test", "--no-run", "--test", name])
        .args(["--message-format", "json-render-diagnostics"])
        .stderr(Stdio::inherit())
        .output()
        .context("can't run cargo")?;
    if !build.status.success() {
        bail!("cargo could not build the test; see its messages above");
    }
    let text = String::from_utf8_lossy(&build.stdout);
    let messages = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let mut programs = messages.filter_map(|message| message.executable);
    let program = programs.next_back().context("cargo built no test")?;
    let test = Command::new(&program)
        .current_dir(folder)
        .arg("--nocapture")
        .output()
        .with_context(|| format!("can't run {}", program.display()))?;
    let output = [&test.stdout[..], &test.stderr[..]].concat();
    Ok(Tried {
        passed: test.status.success(),
        output: String::from_utf8_lossy(&output).into_owned(),
        program,
    })
}

fn cargo(folder: &Path) -> anyhow::Result<Command> {
    let folder = folder.canonicalize();
    let mut command = Command::new("cargo");
    command.current_dir(folder.context("can't open the project's folder")?);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::TopicPartition;

    #[test]
    fn literals_hold_every_byte() {
        for (given, literal) in [
            (&b"plain"[..], r#""plain""#),
            (br#"{"a":1}"#, r##"r#"{"a":1}"#"##),
            (b"\"#", "r##\"\"#\"##"),
            (b"\xff\"", r#"b"\xff\"""#),
            (b"\"\r", r#""\"\r""#),
        ] {
            assert_eq!(bytes(given), literal);
        }
        let hidden = "\"\u{202e}\"";
        assert!(
            string(hidden).starts_with("\"\\\"\\u{202e}"),
            "{}",
            string(hidden)
        );
    }

    #[test]
    fn a_test_has_the_whole_record() {
        let failed = Failed {
            letter: "orders-dlq/0/3".into(),
            record: OwnedRecord {
                origin: TopicPartition {
                    topic: "orders".into(),
                    partition: 2,
                },
                offset: 41,
                timestamp: 5,
                key: Some(b"k".to_vec()),
                value: Some(b"v".to_vec()),
                headers: vec![(b"h".to_vec(), None)],
            },
            failure: FailureLine {
                class: "trap".into(),
                message: "two\nlines".into(),
                stage: "transform".into(),
                attempts: 1,
            },
            config: &serde_json::json!({ "a": 1 }),
        };
        let name = test_name(&failed.letter);
        assert_eq!(name, "letter_orders_dlq_0_3");
        let text = text("my_orders", &name, &failed);
        for part in [
            "stage transform, trap: two lines\n",
            "my_orders::__millstream_transform(config)",
            r##"let config = r#"{"a":1}"#;"##,
            ".header_without_value(\"h\")",
            ".timestamp(5)",
            ".at(\"orders\", 2, 41)",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
