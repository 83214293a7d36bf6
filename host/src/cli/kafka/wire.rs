//! Records as JSON, as `consume` writes and `produce` reads them.
//!
//! Bytes are a string if they are UTF-8, otherwise `{"base64": "..."}`, and
//! `null` if they are absent. Headers keep their order and may repeat.

use crate::kafka::native::produce::Placing;
use crate::record::{Headers, OwnedRecord, byte_order_mark};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

/// A record as a line of JSON, without the newline.
pub(super) fn to_json(record: &OwnedRecord) -> String {
    let header = |(name, value): &(Vec<u8>, Option<Vec<u8>>)| {
        json!({
            "name": bytes(Some(name)), "value": bytes(value.as_deref())
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
    field("key", bytes(record.key.as_deref()));
    field("value", bytes(record.value.as_deref()));
    field("headers", record.headers.iter().map(header).collect());
    line.push('}');
    line
}

/// Bytes as JSON: a string, `{"base64": "..."}` or null.
pub(in crate::cli) fn bytes(bytes: Option<&[u8]>) -> Value {
    let Some(bytes) = bytes else {
        return Value::Null;
    };
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => json!({ "base64": STANDARD.encode(bytes) }),
    }
}

/// A record to write, from a line of JSON.
pub(super) struct Written {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Headers,
    /// The partition and timestamp in the line.
    pub placing: Placing,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default, rename = "topic")]
    _topic: Option<String>,
    #[serde(default, rename = "offset")]
    _offset: Option<i64>,
    #[serde(default)]
    partition: Option<i32>,
    #[serde(default)]
    timestamp: Option<i64>,
    #[serde(default)]
    key: Option<Bytes>,
    // Required, so that a misspelt name does not make a tombstone.
    #[serde(deserialize_with = "present")]
    value: Option<Bytes>,
    #[serde(default)]
    headers: Vec<Header>,
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

fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Bytes>, D::Error> {
    Option::deserialize(from)
}

/// Reads a line of JSON.
///
/// # Errors
/// What is wrong with it.
pub(super) fn of_json(line: &[u8]) -> Result<Written, String> {
    if let Some(mark) = byte_order_mark(line) {
        return Err(mark.into());
    }
    let line: Line = serde_json::from_slice(line).map_err(|error| match error.column() {
        0 => error.to_string(),
        at => {
            let text = error.to_string();
            let text = text.split(" at line ").next().unwrap_or(&text);
            format!("{text} (column {at})")
        }
    })?;
    let header = |header: Header| (header.name.into(), header.value.map(Into::into));
    Ok(Written {
        key: line.key.map(Into::into),
        value: line.value.map(Into::into),
        headers: line.headers.into_iter().map(header).collect(),
        placing: Placing {
            partition: line.partition,
            timestamp: line.timestamp,
        },
    })
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
            prop_assert_eq!(read.placing.timestamp.unwrap_or(-1), record.timestamp);
            prop_assert_eq!(read.placing.partition, Some(3));
        }
    }

    #[test]
    fn a_value_is_required_and_names_are_checked() {
        let wrong = |line: &str| of_json(line.as_bytes()).err().expect(line);
        assert!(wrong("{}").contains("missing field `value`"));
        assert!(wrong(r#"{"vlaue":"x"}"#).contains("unknown field `vlaue`"));
        assert!(wrong(r#"{"value":1}"#).contains("expected a string, null"));
        assert!(wrong(r#"{"value":{"base64":"?"}}"#).contains("expected a string, null"));
        assert!(wrong("hello").contains("column 1"));
        assert!(wrong("\u{feff}{\"value\":null}").contains("a byte order mark"));
        let read = of_json(br#"{"value":null}"#).expect("a tombstone");
        assert_eq!((read.key, read.value), (None, None));
    }
}
