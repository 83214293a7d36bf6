//! Records as lines of JSON, as `consume` writes them, and `produce` and the
//! fixtures of plugins read them.
//!
//! Bytes are a string if they are UTF-8, otherwise `{"base64": "..."}`, and
//! `null` if they are absent. Headers keep their order and may repeat. People
//! may write `json` with a JSON value instead of `value` with a string.

use super::{Headers, OwnedRecord, byte_order_mark};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// A record as a line of JSON, without the newline.
pub fn to_json(record: &OwnedRecord) -> String {
    let header = |(name, value): &(Vec<u8>, Option<Vec<u8>>)| {
        json!({
            "name": bytes_to_json(Some(name)), "value": bytes_to_json(value.as_deref())
        })
    };
    // Written by hand, since serde_json's map would sort the names.
    let mut line = String::new();
    let mut field = |name: &str, value: Value| {
        let comma = if line.is_empty() { '{' } else { ',' };
        line.push_str(&format!("{comma}\"{name}\":{value}"));
    };
    field("topic", (&*record.origin.topic).into());
    field("partition", record.origin.partition.into());
    field("offset", record.offset.into());
    let timestamp = Some(record.timestamp).filter(|millis| *millis >= 0);
    field("timestamp", timestamp.into());
    field("key", bytes_to_json(record.key.as_deref()));
    field("value", bytes_to_json(record.value.as_deref()));
    field("headers", record.headers.iter().map(header).collect());
    line.push('}');
    line
}

/// Bytes as JSON: a string, `{"base64": "..."}` or null.
pub fn bytes_to_json(bytes: Option<&[u8]>) -> Value {
    let Some(bytes) = bytes else {
        return Value::Null;
    };
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => json!({ "base64": STANDARD.encode(bytes) }),
    }
}

/// A line that was read. What it leaves out is `None`.
#[derive(Debug, Default)]
pub struct RecordLine {
    /// The topic.
    pub topic: Option<String>,
    /// The partition.
    pub partition: Option<i32>,
    /// The offset.
    pub offset: Option<i64>,
    /// Milliseconds since 1970-01-01 UTC.
    pub timestamp: Option<i64>,
    /// Bytes, or absent.
    pub key: Option<Vec<u8>>,
    /// Bytes, or absent.
    pub value: Option<Vec<u8>>,
    /// The headers, in order.
    pub headers: Headers,
    /// For a route: the event that was made of the record, as JSON.
    pub event: Option<Box<RawValue>>,
    /// For a dead-letter policy: the failure of the record, as JSON.
    pub failure: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    topic: Option<String>,
    partition: Option<i32>,
    offset: Option<i64>,
    timestamp: Option<i64>,
    key: Option<Bytes>,
    // Whether it is there counts: a misspelt name must not make a tombstone.
    #[serde(default, deserialize_with = "present")]
    value: Option<Option<Bytes>>,
    json: Option<Box<RawValue>>,
    #[serde(default)]
    headers: Vec<Header>,
    event: Option<Box<RawValue>>,
    failure: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    name: Bytes,
    #[serde(default)]
    value: Option<Bytes>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a string, null, or {\"base64\": \"...\"}"
)]
enum Bytes {
    Text(String),
    Base64 { base64: Base64 },
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Base64(Vec<u8>);

impl TryFrom<String> for Base64 {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Base64, Self::Error> {
        let bytes = STANDARD.decode(text).map_err(|_| "invalid base64")?;
        Ok(Base64(bytes))
    }
}

impl From<Bytes> for Vec<u8> {
    fn from(bytes: Bytes) -> Vec<u8> {
        match bytes {
            Bytes::Text(text) => text.into(),
            Bytes::Base64 { base64 } => base64.0,
        }
    }
}

fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<Bytes>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// Reads a line of JSON.
///
/// # Errors
/// What is wrong with it.
pub fn of_json(line: &[u8]) -> Result<RecordLine, String> {
    if let Some(mark) = byte_order_mark(line) {
        return Err(mark.into());
    }
    let line: Line = serde_json::from_slice(line).map_err(|error| place(&error))?;
    let value = match (line.value, line.json) {
        (Some(_), Some(_)) => return Err("both `value` and `json`: give one of them".into()),
        (Some(value), None) => value.map(Into::into),
        (None, Some(json)) => Some(json.get().into()),
        (None, None) => {
            return Err("missing field `value` (null for a tombstone)".into());
        }
    };
    let header = |header: Header| (header.name.into(), header.value.map(Into::into));
    Ok(RecordLine {
        topic: line.topic,
        partition: line.partition,
        offset: line.offset,
        timestamp: line.timestamp,
        key: line.key.map(Into::into),
        value,
        headers: line.headers.into_iter().map(header).collect(),
        event: line.event,
        failure: line.failure,
    })
}

/// An error of serde_json in a document of one line.
fn place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match error.column() {
        0 => text,
        at => {
            let text = text.split(" at line ").next().unwrap_or(&text);
            format!("{text} (column {at})")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::TopicPartition;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_record_survives_a_round_trip(
            key: Option<Vec<u8>>,
            value: Option<Vec<u8>>,
            headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
            timestamp in -1..i64::MAX,
        ) {
            let origin = TopicPartition { topic: "t\"".into(), partition: 3 };
            let record = OwnedRecord { origin, offset: 41, timestamp, key, value, headers };
            let read = of_json(to_json(&record).as_bytes()).expect("our own");
            prop_assert_eq!(read.key, record.key);
            prop_assert_eq!(read.value, record.value);
            prop_assert_eq!(read.headers, record.headers);
            prop_assert_eq!(read.timestamp.unwrap_or(-1), record.timestamp);
            prop_assert_eq!((read.topic.as_deref(), read.partition, read.offset), (Some("t\""), Some(3), Some(41)));
        }
    }

    #[test]
    fn a_value_is_required_and_names_are_checked() {
        let wrong = |line: &str| of_json(line.as_bytes()).expect_err(line);
        assert!(wrong("{}").contains("missing field `value`"));
        assert!(wrong(r#"{"vlaue":"x"}"#).contains("unknown field `vlaue`"));
        assert!(wrong(r#"{"value":1}"#).contains("expected a string, null"));
        assert!(wrong(r#"{"value":{"base64":"?"}}"#).contains("expected a string, null"));
        assert!(wrong(r#"{"value":"","json":1}"#).contains("both `value` and `json`"));
        assert!(wrong("hello").contains("column 1"));
        assert!(wrong("\u{feff}{\"value\":null}").contains("a byte order mark"));
        let read = of_json(br#"{"value":null}"#).expect("a tombstone");
        assert_eq!((read.key, read.value), (None, None));
    }

    #[test]
    fn json_is_taken_byte_for_byte() {
        let read = of_json(br#"{"json": {"b": 1.0, "a":[ ]} }"#).expect("JSON");
        assert_eq!(read.value.as_deref(), Some(&br#"{"b": 1.0, "a":[ ]}"#[..]));
    }
}
