//! Fixtures: files of records as plugins get them, a line of JSON each.

use super::any::PluginKind;
use super::probe::{Case, CaseEvent, CaseFailure};
use crate::record::{self, Class, OwnedRecord, RecordLine, Stage, StreamKind, TopicPartition};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fs;
use std::path::{Path, PathBuf};

/// A line of a fixture.
pub struct Line {
    /// Its number, from 1.
    pub number: usize,
    /// What the plugin is given.
    pub case: Case,
    /// `topic/partition/offset`, if the line says so.
    pub source: Option<String>,
}

/// The event of a line for a route.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventLine {
    client: Option<String>,
    group: Option<String>,
    #[serde(default, rename = "type")]
    kind: String,
    payload: Option<String>,
    json: Option<Box<RawValue>>,
    #[serde(default)]
    connected: bool,
}

/// The failure of a line for a dead-letter policy.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FailureLine {
    /// The name of the class.
    pub class: String,
    /// The message.
    #[serde(default)]
    pub message: String,
    /// The name of the stage.
    #[serde(default = "transform_stage")]
    pub stage: String,
    /// How many times the record was tried.
    #[serde(default = "one")]
    pub attempts: u32,
}

fn transform_stage() -> String {
    Stage::Transform.name().into()
}

fn one() -> u32 {
    1
}

/// How the names of files with records end.
pub const RECORDS: &str = ".jsonl";
/// How the names of files end that say what shall become of them.
pub const EXPECTED: &str = ".expected.jsonl";

/// The files with records in a folder, in the order of their names.
///
/// # Errors
/// If the folder can't be read.
pub fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("can't read the folder {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(RECORDS) && !name.ends_with(EXPECTED)
    });
    paths.sort();
    Ok(paths)
}

/// The most records that a daemon tests a plugin with, and their bytes: a swap must
/// not take long.
const MOST: (usize, u64) = (10_000, 64 << 20);

/// The records of all files in a folder, each with the file's name.
///
/// # Errors
/// If the folder has none or too many, or a line is wrong.
pub fn folder(folder: &Path, kind: PluginKind) -> anyhow::Result<Vec<(String, Vec<Line>)>> {
    let (mut own, mut count, mut bytes) = (Vec::new(), 0, 0);
    for path in files(folder)? {
        bytes += fs::metadata(&path).map_or(0, |found| found.len());
        if bytes <= MOST.1 {
            let lines = records(&path, kind)?;
            count += lines.len();
            own.push((path.display().to_string(), lines));
        }
        if bytes > MOST.1 || count > MOST.0 {
            anyhow::bail!(
                "too many records in {}: at most {}, and {} MiB in all, are allowed",
                folder.display(),
                MOST.0,
                MOST.1 >> 20
            );
        }
    }
    anyhow::ensure!(count > 0, "found no records in {}", folder.display());
    Ok(own)
}

/// Reads the records of one file.
///
/// # Errors
/// The file, the line, and what is wrong with it.
pub fn records(path: &Path, kind: PluginKind) -> anyhow::Result<Vec<Line>> {
    let text = fs::read(path).with_context(|| format!("can't read {}", path.display()))?;
    let lines = lines(&text, kind);
    lines.map_err(|why| anyhow::anyhow!("{}, {why}", path.display()))
}

/// A line of a fixture, without the newline.
pub fn line(record: &OwnedRecord, failure: Option<&FailureLine>) -> String {
    let mut line = record::to_json(record);
    if let Some(failure) = failure {
        line.pop();
        // Strings and a number only: always valid JSON.
        let failure = serde_json::to_string(failure).unwrap_or_default();
        line.push_str(&format!(",\"failure\":{failure}}}"));
    }
    line
}

/// Reads the lines of a fixture; empty ones are skipped.
///
/// # Errors
/// The number of the first wrong line and what is wrong with it.
pub fn lines(text: &[u8], kind: PluginKind) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let number = index + 1;
        let parsed = record::of_json(line).and_then(|line| read(line, index as i64, kind));
        let (case, source) = parsed.map_err(|why| format!("line {number}: {why}"))?;
        lines.push(Line {
            number,
            case,
            source,
        });
    }
    Ok(lines)
}

fn read(line: RecordLine, index: i64, kind: PluginKind) -> Result<(Case, Option<String>), String> {
    let event = match (&line.event, kind) {
        (Some(event), _) => event_of(event)?,
        (None, PluginKind::Route) => {
            return Err(
                "a route is given events: add \"event\": {\"client\": \"...\", \
                        \"type\": \"...\", \"json\": ...} to the record, or give --transform FILE"
                    .into(),
            );
        }
        (None, _) => no_event(),
    };
    let failure = match (&line.failure, kind) {
        (Some(failure), _) => failure_of(failure)?,
        (None, PluginKind::DeadLetter) => {
            return Err(
                "a dead-letter policy is given failures: add \"failure\": {\"class\": \
                        \"malformed\", \"message\": \"...\"} to the record"
                    .into(),
            );
        }
        (None, _) => no_failure(),
    };
    let source = match (&line.topic, line.partition, line.offset) {
        (Some(topic), Some(partition), Some(offset)) => {
            Some(format!("{topic}/{partition}/{offset}"))
        }
        _ => None,
    };
    let record = OwnedRecord {
        origin: TopicPartition {
            topic: line.topic.as_deref().unwrap_or("fixtures").into(),
            partition: line.partition.unwrap_or(0),
        },
        offset: line.offset.unwrap_or(index),
        timestamp: line.timestamp.unwrap_or(-1),
        key: line.key,
        value: line.value,
        headers: line.headers,
    };
    let case = Case {
        record,
        event,
        failure,
    };
    Ok((case, source))
}

/// For kinds that are given none.
fn no_event() -> CaseEvent {
    CaseEvent {
        to: StreamKind::Client,
        name: "client".into(),
        kind: String::new(),
        payload: b"{}".to_vec(),
        connected: false,
    }
}

/// For kinds that are given none.
fn no_failure() -> CaseFailure {
    CaseFailure {
        class: Class::Rejected,
        stage: Stage::Transform,
        message: String::new(),
        attempts: 1,
    }
}

fn event_of(json: &RawValue) -> Result<CaseEvent, String> {
    let line: EventLine =
        serde_json::from_str(json.get()).map_err(|error| format!("event: {}", words(&error)))?;
    let (to, name) = match (line.client, line.group) {
        (Some(client), None) => (StreamKind::Client, client),
        (None, Some(group)) => (StreamKind::Group, group),
        _ => return Err("event: give one of `client` and `group`".into()),
    };
    let payload = match (line.payload, line.json) {
        (Some(text), None) => text.into_bytes(),
        (None, Some(json)) => json.get().into(),
        (None, None) => Vec::new(),
        (Some(_), Some(_)) => return Err("event: give one of `payload` and `json`".into()),
    };
    let event = CaseEvent {
        to,
        name,
        kind: line.kind,
        payload,
        connected: line.connected,
    };
    event.check().map_err(|why| format!("event: {why}"))?;
    Ok(event)
}

fn failure_of(json: &RawValue) -> Result<CaseFailure, String> {
    let line: FailureLine =
        serde_json::from_str(json.get()).map_err(|error| format!("failure: {}", words(&error)))?;
    let class = Class::ALL
        .into_iter()
        .find(|class| class.name() == line.class);
    let class = class.ok_or_else(|| {
        let names = Class::ALL.map(Class::name).join(", ");
        format!("failure: unknown class `{}`; one of {names}", line.class)
    })?;
    let stage = Stage::ALL
        .into_iter()
        .find(|stage| stage.name() == line.stage);
    let stage = stage.ok_or_else(|| {
        let names = Stage::ALL.map(Stage::name).join(", ");
        format!("failure: unknown stage `{}`; one of {names}", line.stage)
    })?;
    Ok(CaseFailure {
        class,
        stage,
        message: line.message,
        attempts: line.attempts,
    })
}

/// An error of serde_json without its place: the document is one line.
pub fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(line: &str, kind: PluginKind) -> String {
        lines(line.as_bytes(), kind).err().expect(line)
    }

    #[test]
    fn a_line_of_each_kind_is_read() {
        let text = b"{\"json\": {\"a\":1}}\n\n{\"value\": null, \"topic\": \"t\", \"partition\": 2, \"offset\": 7}";
        let read = lines(text, PluginKind::Transform).unwrap();
        assert_eq!(
            read[0].case.record.value.as_deref(),
            Some(&b"{\"a\":1}"[..])
        );
        assert_eq!(
            (read[1].number, read[1].source.as_deref()),
            (3, Some("t/2/7"))
        );
        let route = br#"{"value":"x","event":{"group":"g","type":"t","json":[1]}}"#;
        let read = lines(route, PluginKind::Route).unwrap();
        let event = &read[0].case.event;
        assert_eq!((&*event.name, &event.payload[..]), ("g", &b"[1]"[..]));
        let letter = br#"{"value":"x","failure":{"class":"trap","attempts":3}}"#;
        let read = lines(letter, PluginKind::DeadLetter).unwrap();
        assert_eq!(read[0].case.failure.attempts, 3);
    }

    #[test]
    fn a_wrong_line_is_named_with_what_to_write() {
        use PluginKind::{DeadLetter, Route, Transform};
        let bad = "{\"value\":\"\"}\nnonsense";
        assert!(
            wrong(bad, Transform).starts_with("line 2: expected"),
            "{}",
            wrong(bad, Transform)
        );
        assert!(wrong(r#"{"value":""}"#, Route).contains("add \"event\""));
        assert!(wrong(r#"{"value":""}"#, DeadLetter).contains("add \"failure\""));
        let gap = r#"{"value":"","event":{"client":"a","type":"gap"}}"#;
        assert!(wrong(gap, Route).contains("`gap` is reserved"));
        let class = r#"{"value":"","failure":{"class":"odd"}}"#;
        assert!(wrong(class, DeadLetter).contains("unknown class `odd`; one of rejected"));
    }
}
