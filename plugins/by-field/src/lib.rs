//! A transform without code: client or group, type and payload come from the
//! configuration. It is the default transform.
//!
//! ```toml
//! [pipeline.transform]
//! plugin = "bundled:by-field"
//! [pipeline.transform.config]
//! client = "/user/id"                  # the client; default: "key", the record's key
//! group = "/team"                      # the group; if missing or null, the event is for the client
//! type = "/kind"                       # the event's type; if missing or null, it has none
//! keep = ["id", "text", "/user/name"]  # the parts of the payload to keep; default: everything
//! rename = { text = "message" }        # top-level names, old to new
//! add = { source = "orders", v = 2 }   # top-level fields, any JSON
//! tombstones = "skip"                  # records without a value: "skip", "fail" or "event"; default: "fail"
//! [pipeline.transform.config.filter]   # records that don't match make no event
//! "/status" = "active"                 # must have this value
//! "/kind" = ["order", "refund"]        # or one of these
//! ```
//!
//! `client`, `group` and `type` each name a source: a JSON pointer (RFC 6901)
//! into the record's value, `"key"`, `"key:/pointer"` (into the key, which is
//! JSON then), or `"header:<name>"` (the last of that name). `group` and `type` may also be a constant, `"=everyone"`. A client or
//! group that is a JSON number becomes its text as written. If it is missing,
//! null or of another kind, the record fails as `unaddressable`. A type must be
//! a text or a number, or the record fails as `rejected`.
//!
//! An event is for a client or for a group. With `group` alone every event is
//! for a group. With both, it is for the group if there is one, and for the
//! client if the group is missing or null. (An invalid group fails the record
//! as `unaddressable`: an event for many is not given to one.) A constant
//! `group` leaves nothing for `client`, so both together are refused.
//!
//! Pointers, `filter` and `keep` use the names of the original record; then
//! `rename` applies, then `add`. A renamed or added field replaces a field of
//! that name. `keep` takes top-level names and pointers; the structure around a
//! pointer's target is kept. Kept values stay byte for byte. Without `keep`,
//! `rename` and `add` the whole value is the payload, byte for byte, and if no
//! pointer looks into it, it need not be JSON, only UTF-8.
//!
//! A tombstone, a record without a value, fails as `malformed` by default. With
//! `tombstones = "skip"` it makes no event (Debezium sends one after each
//! delete, which has an event of its own). With `"event"` it makes one with the
//! payload `null`. Then the client or group must come from the key, a header or
//! a constant, a `type` from a pointer is missing, and `filter`, `keep`,
//! `rename` and `add` do not apply.

#[cfg(test)]
mod tests;

use fields::{Address, Filter, Kind, Level, Names, Shape};
use millstream_plugin::{Config, Events, Failure, Record, Tombstones, Transform, transform};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    client: Option<String>,
    group: Option<String>,
    r#type: Option<String>,
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

/// The plugin.
pub struct ByField {
    address: Address,
    kind: Kind,
    filter: Filter,
    shape: Shape,
    tombstones: Tombstones,
}

impl Transform for ByField {
    fn new(config: Config) -> Result<Self, String> {
        ByField::configured(config.parse()?).map_err(|e| format!("config: {e}"))
    }

    fn transform(&self, record: Record, events: &mut Events) -> Result<(), Failure> {
        let Some(value) = record.value() else {
            return self.tombstone(record, events);
        };
        let view = (record, self.top(value)?);
        if !self.filter.matches(&view.1)? {
            return Ok(());
        }
        let to = self.address.of(&view)?;
        let kind = self.kind.of(&view)?;
        let event = to.event(events).kind(&kind);
        if self.shape.is_same() {
            event.bytes(value);
            return Ok(());
        }
        event.json(&self.shape.of(view.1)?)
    }
}

impl ByField {
    fn configured(settings: Settings) -> Result<ByField, String> {
        let address = Address::parse(
            settings.client.as_deref(),
            settings.group.as_deref(),
            &Names::NONE,
        )?;
        if settings.tombstones == Tombstones::Event && address.is_pointer() {
            return Err(
                "tombstones: \"event\" needs a client and a group that don't come from the value, \
                 which a tombstone lacks: take them from \"key\" or \"header:<name>\""
                    .into(),
            );
        }
        Ok(ByField {
            address,
            tombstones: settings.tombstones,
            kind: Kind::parse(settings.r#type.as_deref(), &Names::NONE)
                .map_err(|e| format!("type: {e}"))?,
            filter: Filter::parse(settings.filter).map_err(|e| format!("filter: {e}"))?,
            shape: Shape::parse(settings.keep.as_deref(), settings.rename, settings.add)?,
        })
    }

    /// Handles a record without a value as configured.
    fn tombstone(&self, record: Record, events: &mut Events) -> Result<(), Failure> {
        if self.tombstones != Tombstones::Event {
            return self.tombstones.of(record, |_| Ok(()));
        }
        let view = (record, Level::Scalar);
        let to = self.address.of(&view)?;
        let kind = self.kind.of(&view)?;
        to.event(events).kind(&kind).text("null");
        Ok(())
    }

    /// The value's first level, if anything needs it.
    fn top<'a>(&self, value: &'a [u8]) -> Result<Level<'a>, Failure> {
        let pointed = self.address.is_pointer() || self.kind.is_pointer();
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
}

transform!(ByField);
