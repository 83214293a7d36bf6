//! A transform for [CloudEvents](https://cloudevents.io) 1.0, as their Kafka
//! binding writes them: structured, binary and, beyond the binding, batched.
//!
//! ```toml
//! [pipeline.transform]
//! plugin = "bundled:cloudevents"
//! [pipeline.transform.config]
//! client = "subject"              # the client; default: "key", the record's key
//! group = "/team"                 # the group; if missing or null, the event is for the client
//! type = "type"                   # the event's type; this is the default
//! payload = "data"                # "data" (default), or "event": attributes and data as one JSON object
//! keep = ["id", "text"]           # as in by-field, of the data
//! rename = { text = "message" }
//! add = { v = 2 }
//! tombstones = "skip"             # records with neither a value nor `ce_` headers: "skip" or "fail"; default: "fail"
//! [pipeline.transform.config.filter]
//! "/status" = "active"            # as in by-field, of the data
//! ```
//!
//! `client`, `group` and `type` each name a source: an attribute (`"subject"`,
//! `"source"`, `"partitionkey"`, any extension), a JSON pointer into the data,
//! `"key"`, `"key:/pointer"` or `"header:<name>"`; `group` and `type` may also
//! be a constant, `"=everyone"`. What is missing, and what is of the wrong kind,
//! is handled as in by-field.
//!
//! The mode is read from the header `content-type`:
//! `application/cloudevents+json` is structured, and
//! `application/cloudevents-batch+json` a batch, whose events fail or succeed
//! together. Otherwise headers that begin with `ce_` make the record binary.
//! Without both, a value with the field `specversion`, or a list of such, is
//! taken as structured. Other event formats fail as `malformed`, and so does an
//! event without `id`, `source`, `specversion` 1.x or `type`.
//!
//! With `payload = "data"` the payload is the data: JSON byte for byte, text as
//! it is, other bytes as base64 (RFC 4648, section 4), and `null` if there is
//! none. With `"event"` it is the event in CloudEvents' JSON format.

mod data;
mod event;
#[cfg(test)]
mod tests;
mod written;

use data::Data;
use event::{Attributes, Event};
use fields::{Address, Filter, Kind, Level, Names, Shape};
use millstream_plugin::{Config, Events, Failure, Record, Tombstones, Transform, json, transform};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use written::Written;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    client: Option<String>,
    group: Option<String>,
    #[serde(default = "by_type")]
    r#type: String,
    #[serde(default)]
    payload: Payload,
    keep: Option<Vec<String>>,
    #[serde(default)]
    rename: BTreeMap<String, String>,
    #[serde(default)]
    add: BTreeMap<String, Box<RawValue>>,
    #[serde(default)]
    filter: BTreeMap<String, Value>,
    #[serde(default)]
    tombstones: Tombstones,
}

fn by_type() -> String {
    "type".into()
}

/// What of an event becomes the payload.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Payload {
    #[default]
    Data,
    Event,
}

/// The plugin.
pub struct CloudEvents {
    address: Address,
    kind: Kind,
    filter: Filter,
    shape: Shape,
    payload: Payload,
    tombstones: Tombstones,
}

/// Attributes; the specification allows only these characters in their names.
const NAMES: Names = Names {
    what: "attribute",
    known: |name| {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        !name.is_empty() && name.bytes().all(legal)
    },
    offered: ", an attribute (\"subject\")",
};

impl Transform for CloudEvents {
    fn new(config: Config) -> Result<Self, String> {
        CloudEvents::configured(config.parse()?).map_err(|e| format!("config: {e}"))
    }

    fn transform(&self, record: Record, events: &mut Events) -> Result<(), Failure> {
        match Mode::of(record)? {
            Mode::Tombstone => self.tombstones.of(record, |_| Ok(())),
            Mode::Binary => {
                let data = record.value().map_or(Data::None, Data::of_bytes);
                self.event(record, &Attributes::Headers(record), &data, None, events)
            }
            Mode::Structured(value) => self.structured(record, value, events),
            Mode::Batch(value) => {
                let all: Vec<&RawValue> = json::parse(value)?;
                for (index, one) in all.iter().enumerate() {
                    let value = one.get().as_bytes();
                    let made = self.structured(record, value, events);
                    made.map_err(|failure| Failure {
                        message: format!("event {index} of the batch: {}", failure.message),
                        ..failure
                    })?;
                }
                Ok(())
            }
        }
    }
}

/// How a record carries its event.
enum Mode<'a> {
    Tombstone,
    Binary,
    Structured(&'a [u8]),
    Batch(&'a [u8]),
}

impl<'a> Mode<'a> {
    fn of(record: Record<'a>) -> Result<Mode<'a>, Failure> {
        const MEDIA_TYPE: &str = "application/cloudevents";
        let value = record.value();
        let content_type = record.header("content-type");
        let content_type = content_type.and_then(|bytes| std::str::from_utf8(bytes).ok());
        let format = content_type.and_then(|text| after(text, MEDIA_TYPE));
        if let Some(format) = format {
            let format = format.split(';').next().unwrap_or_default().trim();
            let value = value.ok_or_else(|| {
                Failure::malformed(
                    "the content-type is that of a CloudEvent, but the record has no value",
                )
            })?;
            return match format {
                _ if format.eq_ignore_ascii_case("+json") => Ok(Mode::Structured(value)),
                _ if format.eq_ignore_ascii_case("-batch+json") => Ok(Mode::Batch(value)),
                _ => Err(Failure::malformed(format!(
                    "the event format {MEDIA_TYPE}{format} is not supported, only \
                     {MEDIA_TYPE}+json and {MEDIA_TYPE}-batch+json"
                ))),
            };
        }
        if record.headers().any(|(name, _)| name.starts_with("ce_")) {
            return Ok(Mode::Binary);
        }
        let Some(value) = value else {
            return Ok(Mode::Tombstone);
        };
        match value.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => Ok(Mode::Structured(value)),
            Some(b'[') => Ok(Mode::Batch(value)),
            _ => Err(Failure::malformed(
                "not a CloudEvent: the record has no content-type of one, no `ce_` headers, and its \
                 value is not a JSON object",
            )),
        }
    }
}

/// What follows a prefix of ASCII letters in whatever case.
fn after<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

impl CloudEvents {
    fn configured(settings: Settings) -> Result<CloudEvents, String> {
        let (client, group) = (settings.client.as_deref(), settings.group.as_deref());
        let shape = Shape::parse(settings.keep.as_deref(), settings.rename, settings.add)?;
        if settings.payload == Payload::Event && !shape.is_same() {
            return Err(
                "payload: \"event\" is the whole event; `keep`, `rename` and `add` need \
                 payload = \"data\""
                    .into(),
            );
        }
        if settings.tombstones == Tombstones::Event {
            return Err(
                "tombstones: a tombstone has no attributes to make an event of; use \"skip\" or \
                 \"fail\""
                    .into(),
            );
        }
        Ok(CloudEvents {
            address: Address::parse(client, group, &NAMES)?,
            kind: Kind::parse(Some(&settings.r#type), &NAMES).map_err(|e| format!("type: {e}"))?,
            filter: Filter::parse(settings.filter).map_err(|e| format!("filter: {e}"))?,
            shape,
            payload: settings.payload,
            tombstones: settings.tombstones,
        })
    }

    fn structured(&self, record: Record, value: &[u8], events: &mut Events) -> Result<(), Failure> {
        let level = Level::parse(value)?;
        if !matches!(level, Level::Object(_)) {
            return Err(Failure::malformed(
                "the CloudEvent is JSON but not an object",
            ));
        }
        let attributes = Attributes::Fields(level);
        let data = Data::of_fields(&attributes)?;
        self.event(record, &attributes, &data, Some(value), events)
    }

    /// Makes the event of one CloudEvent; `written` is its JSON, if it came as JSON.
    fn event(
        &self,
        record: Record,
        attributes: &Attributes,
        data: &Data,
        written: Option<&[u8]>,
        events: &mut Events,
    ) -> Result<(), Failure> {
        attributes.check()?;
        let top = match self.looks_into_data() {
            true => data.level()?,
            false => Level::Scalar,
        };
        let event = Event {
            record,
            attributes,
            top,
        };
        if !self.filter.matches(&event.top)? {
            return Ok(());
        }
        let to = self.address.of(&event)?;
        let kind = self.kind.of(&event)?;
        let made = to.event(events).kind(&kind);
        match (self.payload, written) {
            (Payload::Event, Some(written)) => made.bytes(written),
            (Payload::Event, None) => return made.json(&Written::new(record, data)?),
            (Payload::Data, _) if !self.shape.is_same() => {
                return made.json(&self.shape.of(event.top)?);
            }
            (Payload::Data, _) => made.text(&data.text()),
        }
        Ok(())
    }

    fn looks_into_data(&self) -> bool {
        let pointed = self.address.is_pointer() || self.kind.is_pointer();
        pointed || !self.filter.is_empty() || !self.shape.is_same()
    }
}

transform!(CloudEvents);
