//! A transform for the change events of [Debezium](https://debezium.io): who
//! has a row sees its changes.
//!
//! ```toml
//! [pipeline.transform]
//! plugin = "bundled:debezium"
//! [pipeline.transform.config]
//! client = "/customer_id"         # the client; default: "key", the row's key
//! group = "/team"                 # the group; if missing or null, the event is for the client
//! type = "op"                     # the event's type; default: "op": create, update, delete, read
//! payload = "row"                 # "row" (default), or "change": the whole change event
//! operations = ["create", "update", "delete", "read"]  # those that make events; this is the default
//! keep = ["id", "text"]           # as in by-field, of the row
//! rename = { text = "message" }
//! add = { v = 2 }
//! tombstones = "skip"             # "skip" (default) or "fail"
//! [pipeline.transform.config.filter]
//! "/status" = "active"            # as in by-field, of the row
//! ```
//!
//! The row is the state after the change, and for a delete the state before it.
//! For a `message` (PostgreSQL) it is the message. Change events with and
//! without their schema are read, from Kafka Connect's JSON converter and, with
//! `decode`, from its Avro and Protobuf converters; a row that is a string, as
//! MongoDB's, is read as the JSON in it.
//!
//! `client`, `group` and `type` each name a source: a JSON pointer into the row,
//! `"key"` (the only column of the row's key), `"key:/column"`,
//! `"header:<name>"`, `"op"`, or `"table"`, `"schema"` and `"db"` of the change
//! event's `source`; `group` and `type` may also be a constant, `"=everyone"`.
//! What is missing, and what is of the wrong kind, is handled as in by-field.
//!
//! A row can leave a client: its column with the client changes or becomes null,
//! or `filter` matches no longer. If the change event has the state before (PostgreSQL:
//! `REPLICA IDENTITY FULL`), the client that had the row receives a `delete` of
//! that state. A delete whose state before lacks what `filter` asks for is sent
//! with the row's key alone, since the client may have the row. With `payload = "change"` the statement
//! (`source.query` of MySQL) is left out.
//!
//! Debezium sends a tombstone after each delete; by default it makes no event.

mod change;
#[cfg(test)]
mod tests;

use change::{Change, Operation, Row, Shown, Written};
use fields::{Address, Filter, Kind, Names, Shape, To};
use millstream_plugin::{Config, Events, Failure, Record, Tombstones, Transform, transform};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    client: Option<String>,
    group: Option<String>,
    #[serde(default = "by_operation")]
    r#type: String,
    #[serde(default)]
    payload: Payload,
    #[serde(default = "of_rows")]
    operations: Vec<Operation>,
    keep: Option<Vec<String>>,
    #[serde(default)]
    rename: BTreeMap<String, String>,
    #[serde(default)]
    add: BTreeMap<String, Box<RawValue>>,
    #[serde(default)]
    filter: BTreeMap<String, Value>,
    #[serde(default = "skipped")]
    tombstones: Tombstones,
}

fn by_operation() -> String {
    "op".into()
}

fn of_rows() -> Vec<Operation> {
    use Operation::{Create, Delete, Read, Update};
    vec![Create, Update, Delete, Read]
}

fn skipped() -> Tombstones {
    Tombstones::Skip
}

/// What of a change event becomes the payload.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Payload {
    #[default]
    Row,
    Change,
}

/// The plugin.
pub struct Debezium {
    address: Address,
    kind: Kind,
    operations: Vec<Operation>,
    filter: Filter,
    shape: Shape,
    payload: Payload,
    tombstones: Tombstones,
}

const NAMES: Names = Names {
    what: "field",
    known: |name| matches!(name, "op" | "table" | "schema" | "db"),
    offered: ", \"op\", \"table\", \"schema\", \"db\"",
};

impl Transform for Debezium {
    fn new(config: Config) -> Result<Self, String> {
        Debezium::configured(config.parse()?).map_err(|e| format!("config: {e}"))
    }

    fn transform(&self, record: Record, events: &mut Events) -> Result<(), Failure> {
        let Some(change) = Change::of(record)? else {
            return self.tombstones.of(record, |_| Ok(()));
        };
        if !self.operations.contains(&change.operation) {
            return Ok(());
        }
        let earlier = change.earlier().and_then(|row| self.event(row.ok()?).ok()?);
        let deletes = self.operations.contains(&Operation::Delete);
        let now = match self.event(change.row()?) {
            // The row left its client, and is nobody's now.
            Err(failure) => {
                let is_left = deletes && earlier.is_some();
                match is_left && self.address.is_missing(&change.row()?)? {
                    true => None,
                    false => return Err(failure),
                }
            }
            now => now?,
        };
        let same = match (&now, &earlier) {
            (Some(now), Some(earlier)) => now.to == earlier.to,
            _ => false,
        };
        if let Some(earlier) = earlier.filter(|_| !same && deletes) {
            self.send(earlier, &change.shown(Shown::Before), events)?;
        }
        let Some(now) = now else {
            return Ok(());
        };
        let shown = match change.operation == Operation::Update && !same {
            true => Shown::After,
            false => Shown::All,
        };
        self.send(now, &change.shown(shown), events)
    }
}

/// An event to send.
struct Made<'a> {
    to: To<'a>,
    kind: Cow<'a, str>,
    row: Row<'a>,
    /// Whether the client may see the row's state: the filter certainly lets it.
    is_known: bool,
}

impl Debezium {
    fn configured(settings: Settings) -> Result<Debezium, String> {
        let (client, group) = (settings.client.as_deref(), settings.group.as_deref());
        let shape = Shape::parse(settings.keep.as_deref(), settings.rename, settings.add)?;
        if settings.payload == Payload::Change && !shape.is_same() {
            return Err(
                "payload: \"change\" is the whole change event; `keep`, `rename` and `add` need \
                 payload = \"row\""
                    .into(),
            );
        }
        if settings.tombstones == Tombstones::Event {
            return Err(
                "tombstones: Debezium's follow a delete, which makes an event of its own; use \
                 \"skip\" or \"fail\""
                    .into(),
            );
        }
        if settings.operations.is_empty() {
            return Err("operations: an empty list, so no record would make an event".into());
        }
        Ok(Debezium {
            address: Address::parse(client, group, &NAMES)?,
            kind: Kind::parse(Some(&settings.r#type), &NAMES).map_err(|e| format!("type: {e}"))?,
            operations: settings.operations,
            filter: Filter::parse(settings.filter).map_err(|e| format!("filter: {e}"))?,
            shape,
            payload: settings.payload,
            tombstones: settings.tombstones,
        })
    }

    /// The event of a row; `None` if the filter leaves it out.
    fn event<'a>(&'a self, row: Row<'a>) -> Result<Option<Made<'a>>, Failure> {
        // Of a deleted row, there may be no more than its key.
        let is_known = self.filter.matches(&row.top)?;
        let may_match = is_known || row.is_deleted() && self.filter.may_match(&row.top)?;
        if !may_match {
            return Ok(None);
        }
        let to = self
            .address
            .of(&row)
            .map_err(|failure| row.explained(failure))?;
        let kind = self.kind.of(&row)?;
        Ok(Some(Made {
            to,
            kind,
            row,
            is_known,
        }))
    }

    fn send(&self, made: Made, change: &Written, events: &mut Events) -> Result<(), Failure> {
        let event = made.to.event(events).kind(&made.kind);
        if !made.is_known {
            return match self.payload {
                Payload::Change => event.json(&change.of_key(&made.row)),
                Payload::Row => {
                    event.text(made.row.key_text().unwrap_or("null"));
                    Ok(())
                }
            };
        }
        match self.payload {
            Payload::Change => event.json(change),
            Payload::Row if made.row.text.is_none() || self.shape.is_same() => {
                event.text(made.row.text.unwrap_or("null"));
                Ok(())
            }
            Payload::Row => event.json(&self.shape.of(made.row.top)?),
        }
    }
}

transform!(Debezium);
