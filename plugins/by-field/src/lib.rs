//! A transform without code: the client, the type and the payload by
//! configuration. A pipeline that names no transform has this one.
//!
//! ```toml
//! [pipeline.transform]
//! plugin = "bundled:by-field"
//! [pipeline.transform.config]
//! client = "/user/id"                  # whose event it is; default: "key", the record's key
//! type = "/kind"                       # the event's type; without it (or if null) it has none
//! keep = ["id", "text", "/user/name"]  # of the payload keep this only; default: everything
//! rename = { text = "message" }        # top-level names, old to new
//! add = { source = "orders", v = 2 }   # top-level fields, any JSON
//! [pipeline.transform.config.filter]   # records that don't match make no event, silently
//! "/status" = "active"                 # this value
//! "/kind" = ["order", "refund"]        # or one of these
//! ```
//!
//! `client` and `type` each name a source: a JSON pointer (RFC 6901) into the
//! record's value, `"key"`, or `"header:<name>"` (the last of that name); `type`
//! may also be a constant, `"=order"`. A client that is a JSON number becomes
//! its text, as it was written; one that is missing, null or of another kind
//! makes the record `unaddressable`. A type must be text or a number too, or
//! the record is `rejected`.
//!
//! Everything reads the record as it came: pointers, `filter` and `keep` go by
//! the old names, then comes `rename`, then `add`. What is renamed or added
//! takes the place of a field of that name. `keep` takes top-level names and
//! pointers; what lies around a pointer's end stays around it. Values that are
//! kept stay the bytes they were. Without `keep`, `rename` and `add` the whole
//! value is the payload, byte for byte, and where no pointer looks into it
//! either it need not even be JSON, only UTF-8.

mod filter;
mod json;
mod pointer;
mod shape;
mod source;
#[cfg(test)]
mod tests;

use filter::Filter;
use json::Level;
use millstream_plugin::{Config, Events, Failure, Record, Transform, transform};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use shape::Shape;
use source::{Found, Source};
use std::borrow::Cow;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    client: Option<String>,
    r#type: Option<String>,
    keep: Option<Vec<String>>,
    #[serde(default)]
    rename: BTreeMap<String, String>,
    #[serde(default)]
    add: BTreeMap<String, Box<RawValue>>,
    #[serde(default)]
    filter: BTreeMap<String, Value>,
}

/// The plugin.
pub struct ByField {
    client: Source,
    kind: Kind,
    filter: Filter,
    shape: Shape,
}

/// The event's type.
enum Kind {
    Constant(String),
    From(Source),
}

impl Transform for ByField {
    fn new(config: Config) -> Result<Self, String> {
        ByField::configured(config.parse()?).map_err(|e| format!("config: {e}"))
    }

    fn transform(&self, record: Record, events: &mut Events) -> Result<(), Failure> {
        let value = record.value();
        let value =
            value.ok_or_else(|| Failure::malformed("the record has no value (a tombstone)"))?;
        let top = self.top(value)?;
        if !self.filter.matches(&top)? {
            return Ok(());
        }
        let client = self.client(record, &top)?;
        let kind = self.kind.of(record, &top)?;
        let event = events.client(&client).kind(&kind);
        if self.shape.is_same() {
            event.bytes(value);
            return Ok(());
        }
        event.json(&self.shape.of(top)?)
    }
}

impl ByField {
    fn configured(settings: Settings) -> Result<ByField, String> {
        // Records keyed by who they are for are what most topics have.
        let client = settings.client.unwrap_or_else(|| "key".into());
        if client.starts_with('=') {
            return Err(format!(
                "client: {client:?} is a constant, which only `type` may be"
            ));
        }
        Ok(ByField {
            client: Source::parse(&client).map_err(|e| format!("client: {e}"))?,
            kind: Kind::parse(settings.r#type.as_deref()).map_err(|e| format!("type: {e}"))?,
            filter: Filter::parse(settings.filter).map_err(|e| format!("filter: {e}"))?,
            shape: Shape::parse(settings.keep.as_deref(), settings.rename, settings.add)?,
        })
    }

    /// The value's first level, if anything looks into it.
    fn top<'a>(&self, value: &'a [u8]) -> Result<Level<'a>, Failure> {
        let pointed = self.client.is_pointer() || self.kind.is_pointer();
        if pointed || !self.filter.is_empty() || !self.shape.is_same() {
            return Level::parse(value);
        }
        match std::str::from_utf8(value) {
            Ok(_) => Ok(Level::Scalar),
            Err(e) => {
                let at = e.valid_up_to();
                Err(Failure::malformed(format!(
                    "the value is not UTF-8, at byte {at}"
                )))
            }
        }
    }

    fn client<'a>(&self, record: Record<'a>, top: &Level<'a>) -> Result<Cow<'a, str>, Failure> {
        let source = &self.client;
        let wrong = match source.read(record, top)? {
            Found::Text(id) if id.is_empty() => "empty".into(),
            Found::Text(id) => match unfit(&id) {
                None => return Ok(id),
                Some(wrong) => format!("no client id: it {wrong}"),
            },
            Found::Nothing(found) => found.into(),
            Found::Other(found) => format!("{found}, and a client id is a string or a number"),
        };
        Err(Failure::unaddressable(format!("{source} is {wrong}")))
    }
}

impl Kind {
    fn parse(text: Option<&str>) -> Result<Kind, String> {
        let Some(text) = text else {
            return Ok(Kind::Constant(String::new()));
        };
        match text.strip_prefix('=') {
            None => Source::parse(text).map(Kind::From),
            Some("") => Err("\"=\" is no type; leave the key out for events without one".into()),
            Some(kind) => match unfit(kind).or_else(|| reserved(kind)) {
                None => Ok(Kind::Constant(kind.into())),
                Some(wrong) => Err(format!("{kind:?} is no event type: it {wrong}")),
            },
        }
    }

    fn is_pointer(&self) -> bool {
        matches!(self, Kind::From(source) if source.is_pointer())
    }

    fn of<'a>(&'a self, record: Record<'a>, top: &Level<'a>) -> Result<Cow<'a, str>, Failure> {
        let source = match self {
            Kind::Constant(kind) => return Ok(kind.into()),
            Kind::From(source) => source,
        };
        let wrong = match source.read(record, top)? {
            Found::Text(kind) => match unfit(&kind).or_else(|| reserved(&kind)) {
                None => return Ok(kind),
                Some(wrong) => format!("no event type: it {wrong}"),
            },
            Found::Nothing(_) => return Ok("".into()),
            Found::Other(found) => format!("{found}, and an event type is a string or a number"),
        };
        Err(Failure::rejected(format!("{source} is {wrong}")))
    }
}

/// Why a text can be neither a client id nor an event type. The host checks
/// this too, but would blame the plugin (`bad-output`) and not the record.
fn unfit(text: &str) -> Option<String> {
    if text.len() > 256 {
        return Some(format!("has {} bytes, and the most is 256", text.len()));
    }
    let control = text.find(char::is_control)?;
    Some(format!("holds a control character at byte {control}"))
}

/// Types that the host itself sends.
fn reserved(kind: &str) -> Option<String> {
    let own = matches!(kind, "gap" | "open" | "error") || kind.starts_with("millstream.");
    own.then(|| format!("would be {kind:?}, which is Millstream's own"))
}

transform!(ByField);
