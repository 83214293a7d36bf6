//! A dead-letter policy for readers that want one JSON document: every failure
//! goes straight to a topic, with the failure and the whole record as its
//! value.
//!
//! ```toml
//! [pipeline.dead-letter]
//! plugin = "bundled:json-envelope"
//! [pipeline.dead-letter.config]
//! topic = "failures"      # optional; default: `<topic>-dlq`
//! ```
//!
//! The value is
//!
//! ```json
//! {"error": {"class": "malformed", "message": "...", "stage": "transform",
//!            "plugin": "plugins/orders.wasm", "digest": "...", "attempts": 1},
//!  "record": {"topic": "orders", "partition": 3, "offset": 42, "timestamp": 1767225600000,
//!             "key": null, "value": {"text": "{\"id\": 1"},
//!             "headers": [{"name": "trace", "value": {"base64": "/wA="}}]}}
//! ```
//!
//! Nothing of the record is lost: key, value and header values are `{"text":
//! ...}` if they are UTF-8, otherwise `{"base64": ...}` (RFC 4648, section 4),
//! and null if they are absent. `plugin`, `digest` and `timestamp` are null if
//! there is none. The letter also keeps the record's key and headers, and has
//! the header `content-type: application/json`.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use millstream_plugin::{
    Config, DeadLetter, Decision, FailedRecord, Letter, Record, Value, dead_letter,
};
use serde::{Deserialize, Serialize, Serializer};

/// The plugin; its fields are the configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct JsonEnvelope {
    topic: Option<String>,
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: Error<'a>,
    record: WholeRecord<'a>,
}

#[derive(Serialize)]
struct Error<'a> {
    class: &'a str,
    message: &'a str,
    stage: &'a str,
    plugin: Option<&'a str>,
    digest: Option<&'a str>,
    attempts: u32,
}

#[derive(Serialize)]
struct WholeRecord<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    timestamp: Option<i64>,
    key: Option<Bytes<'a>>,
    value: Option<Bytes<'a>>,
    headers: Vec<Header<'a>>,
}

#[derive(Serialize)]
struct Header<'a> {
    name: &'a str,
    value: Option<Bytes<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Bytes<'a> {
    Text(&'a str),
    #[serde(serialize_with = "base64")]
    Base64(&'a [u8]),
}

impl DeadLetter for JsonEnvelope {
    fn new(config: Config) -> Result<Self, String> {
        let policy: Self = config.parse()?;
        policy.topic.as_deref().map_or(Ok(()), check_topic)?;
        Ok(policy)
    }

    fn decide(&self, failed: FailedRecord) -> Decision {
        let envelope = Envelope {
            error: Error::of(failed),
            record: WholeRecord::of(failed.record()),
        };
        let json = serde_json::to_vec(&envelope)
            .expect("text, numbers and lists can be written to memory as JSON");
        let json_type = Some(b"application/json".to_vec());
        Decision::ToTopic(Letter {
            topic: self.topic.clone(),
            value: Value::Bytes(json),
            headers: vec![("content-type".into(), json_type)],
        })
    }
}

impl<'a> Error<'a> {
    fn of(failed: FailedRecord<'a>) -> Self {
        let present = |text: &'a str| (!text.is_empty()).then_some(text);
        Error {
            class: failed.class(),
            message: failed.message(),
            stage: failed.stage(),
            plugin: present(failed.plugin()),
            digest: present(failed.digest()),
            attempts: failed.attempts(),
        }
    }
}

impl<'a> WholeRecord<'a> {
    fn of(record: Record<'a>) -> Self {
        let header = |(name, value): (_, Option<_>)| Header {
            name,
            value: value.map(Bytes::of),
        };
        WholeRecord {
            topic: record.topic(),
            partition: record.partition(),
            offset: record.offset(),
            timestamp: record.timestamp(),
            key: record.key().map(Bytes::of),
            value: record.value().map(Bytes::of),
            headers: record.headers().map(header).collect(),
        }
    }
}

impl<'a> Bytes<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Bytes::Text(text),
            Err(_) => Bytes::Base64(bytes),
        }
    }
}

fn base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Base64Display::new(bytes, &STANDARD))
}

/// A valid topic name (Kafka's `Topic.validate`).
fn check_topic(name: &str) -> Result<(), String> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if (1..=249).contains(&name.len()) && !matches!(name, "." | "..") && name.bytes().all(legal) {
        return Ok(());
    }
    Err(format!(
        "config: topic: invalid name {name:?}: \
         use 1 to 249 of a-z A-Z 0-9 `.` `_` `-`, but not `.` or `..`"
    ))
}

dead_letter!(JsonEnvelope);

#[cfg(test)]
mod tests {
    use super::*;
    use millstream_plugin::testing::{DeadLetterTest, TestFailure, TestRecord};
    use serde_json::json;

    fn letter(config: &str, failure: TestFailure) -> Letter {
        let policy = DeadLetterTest::<JsonEnvelope>::new(config).unwrap();
        match policy.run(&[failure]).remove(0) {
            Decision::ToTopic(letter) => letter,
            other => panic!("{other:?}"),
        }
    }

    fn envelope(record: TestRecord) -> serde_json::Value {
        let letter = letter("{}", TestFailure::new("malformed", "why", record));
        let Value::Bytes(json) = letter.value else {
            panic!("{:?}", letter.value)
        };
        serde_json::from_slice(&json).unwrap()
    }

    #[test]
    fn the_failure_and_the_whole_record_are_one_document() {
        let record = TestRecord::value("{\"id\": 1").key("k").timestamp(7);
        let record = record.header("a", "1").header("b", "2").header("a", "3");
        let text = |text: &str| json!({ "text": text });
        let expected = json!({
            "error": {"class": "malformed", "message": "why", "stage": "transform",
                      "plugin": "plugin", "digest": "digest", "attempts": 1},
            "record": {"topic": "topic", "partition": 0, "offset": 0, "timestamp": 7,
                       "key": text("k"), "value": text("{\"id\": 1"), "headers": [
                {"name": "a", "value": text("1")},
                {"name": "b", "value": text("2")},
                {"name": "a", "value": text("3")}]}
        });
        assert_eq!(envelope(record), expected);
    }

    #[test]
    fn absent_is_null_and_empty_is_empty_text() {
        let absent = &envelope(TestRecord::tombstone())["record"];
        assert!(absent["key"].is_null() && absent["value"].is_null());
        assert!(absent["timestamp"].is_null());
        assert_eq!(absent["headers"], json!([]));
        let empty = &envelope(TestRecord::value("").key(""))["record"];
        assert_eq!(
            (&empty["key"], &empty["value"]),
            (&json!({"text": ""}), &json!({"text": ""}))
        );
    }

    #[test]
    fn bytes_that_are_not_text_are_base64() {
        let record = TestRecord::value([0xff, 0x00])
            .key([0xfb, 0xff, 0xfe])
            .header("h", [0x80]);
        let record = &envelope(record)["record"];
        assert_eq!(record["value"], json!({"base64": "/wA="}));
        assert_eq!(record["key"], json!({"base64": "+//+"}));
        assert_eq!(record["headers"][0]["value"], json!({"base64": "gA=="}));
    }

    #[test]
    fn text_with_quotes_controls_and_other_alphabets_survives() {
        let text = "\"\\\0\r\n\u{2028}é😀{\"base64\":1}";
        assert_eq!(
            envelope(TestRecord::value(text))["record"]["value"]["text"],
            json!(text)
        );
    }

    #[test]
    fn every_class_goes_straight_to_the_topic_as_json() {
        for class in ["transient", "trap", "a class of a later version"] {
            let failure = TestFailure::new(class, "", TestRecord::value("v"));
            let letter = letter(r#"{"topic":"failures"}"#, failure);
            assert_eq!(letter.topic.as_deref(), Some("failures"));
            let json_type = Some(b"application/json".to_vec());
            assert_eq!(letter.headers, [("content-type".to_owned(), json_type)]);
        }
    }

    #[test]
    fn without_a_configured_topic_it_goes_to_the_default_topic() {
        let failure = TestFailure::new("trap", "", TestRecord::tombstone());
        assert_eq!(letter("{}", failure).topic, None);
    }

    #[test]
    fn a_wrong_configuration_is_refused() {
        let refusal = |config: &str| DeadLetterTest::<JsonEnvelope>::new(config).err().unwrap();
        assert!(refusal(r#"{"topics":"t"}"#).contains("expected `topic`"));
        for topic in ["", ".", "..", "a b", "a/b", "é", &"t".repeat(250)] {
            let wrong = refusal(&format!(r#"{{"topic":"{topic}"}}"#));
            assert!(wrong.contains("topic: invalid name"), "{wrong}");
        }
    }
}
