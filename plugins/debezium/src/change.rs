//! Debezium's change events.

use fields::{Found, Level, View, json};
use millstream_plugin::{Class, Failure, Record};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    Create,
    Update,
    Delete,
    /// A row that was there before, in a snapshot.
    Read,
    Truncate,
    /// Not of a row: PostgreSQL's `pg_logical_emit_message`.
    Message,
}

impl Operation {
    fn of(code: &str) -> Option<Operation> {
        Some(match code {
            "c" => Operation::Create,
            "u" => Operation::Update,
            "d" => Operation::Delete,
            "r" => Operation::Read,
            "t" => Operation::Truncate,
            "m" => Operation::Message,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Operation::Create => "create",
            Operation::Update => "update",
            Operation::Delete => "delete",
            Operation::Read => "read",
            Operation::Truncate => "truncate",
            Operation::Message => "message",
        }
    }
}

/// A change event.
pub struct Change<'a> {
    record: Record<'a>,
    pub operation: Operation,
    fields: Level<'a>,
    before: Option<Cow<'a, str>>,
    after: Option<Cow<'a, str>>,
}

impl<'a> Change<'a> {
    /// The change event of a record; `None` for a tombstone.
    pub fn of(record: Record<'a>) -> Result<Option<Change<'a>>, Failure> {
        let Some(value) = record.value() else {
            return Ok(None);
        };
        let Some(fields) = without_schema(Level::parse(value)?)? else {
            return Ok(None);
        };
        let operation = match fields.child("op").map(Found::of_json).transpose()? {
            Some(Found::Text(code)) => Operation::of(&code).ok_or_else(|| {
                Failure::malformed(format!("the change event has the unknown `op` {code:?}"))
            })?,
            _ => {
                return Err(Failure::malformed(
                    "not a change event of Debezium: it has no `op`; for rows that \
                     ExtractNewRecordState made of them, use bundled:by-field",
                ));
            }
        };
        let after = match operation {
            Operation::Message => "message",
            _ => "after",
        };
        Ok(Some(Change {
            record,
            operation,
            before: state(&fields, "before")?,
            after: state(&fields, after)?,
            fields,
        }))
    }

    /// The row that the event is about.
    pub fn row(&self) -> Result<Row<'_>, Failure> {
        let text = match self.operation {
            Operation::Delete => &self.before,
            _ => &self.after,
        };
        let rowless = matches!(self.operation, Operation::Delete | Operation::Truncate);
        if text.is_none() && !rowless {
            let name = self.operation.name();
            return Err(Failure::rejected(format!(
                "the change event is of the operation {name}, but has no row (`after`); MongoDB's \
                 connector sends it with a capture.mode that ends in `_full`"
            )));
        }
        self.of_state(self.operation, text.as_deref())
    }

    /// The row before an update, as one that its client loses.
    pub fn earlier(&self) -> Option<Result<Row<'_>, Failure>> {
        let text = self.before.as_deref()?;
        let updated = self.operation == Operation::Update;
        updated.then(|| {
            let row = self.of_state(Operation::Delete, Some(text))?;
            Ok(Row {
                is_update: true,
                ..row
            })
        })
    }

    fn of_state<'b>(
        &'b self,
        operation: Operation,
        text: Option<&'b str>,
    ) -> Result<Row<'b>, Failure> {
        let top = text.map(|text| Level::parse(text.as_bytes()));
        Ok(Row {
            record: self.record,
            operation,
            is_update: false,
            source: self.fields.child("source"),
            text,
            top: top.transpose()?.unwrap_or(Level::Scalar),
        })
    }

    /// What of the change event the client of a row may see.
    pub fn shown(&self, shown: Shown) -> Written<'_> {
        Written {
            fields: &self.fields,
            shown,
            key: None,
        }
    }
}

/// A JSON document of Kafka Connect may have its schema beside it. `None` if
/// there is only null.
fn without_schema(top: Level) -> Result<Option<Level>, Failure> {
    if top.child("op").is_some() {
        return Ok(Some(top));
    }
    match payload(&top) {
        None => Ok(Some(top)),
        Some(payload) if payload.get() == "null" => Ok(None),
        Some(payload) => Level::of(payload).map(Some),
    }
}

fn payload<'a>(top: &Level<'a>) -> Option<&'a RawValue> {
    top.child("schema").and_then(|_| top.child("payload"))
}

/// The JSON of a row's state. MongoDB's are strings with JSON in them.
fn state<'a>(fields: &Level<'a>, name: &str) -> Result<Option<Cow<'a, str>>, Failure> {
    match fields.child(name) {
        None => Ok(None),
        Some(value) if value.get() == "null" => Ok(None),
        Some(value) if value.get().starts_with('"') => json::text(value),
        Some(value) => Ok(Some(value.get().into())),
    }
}

/// A state of a row, as sources see it.
pub struct Row<'a> {
    record: Record<'a>,
    operation: Operation,
    /// It is the state before an update.
    is_update: bool,
    source: Option<&'a RawValue>,
    /// Its JSON; `None` if the change event has no such state.
    pub text: Option<&'a str>,
    pub top: Level<'a>,
}

impl Row<'_> {
    /// Whether the row itself was deleted.
    pub fn is_deleted(&self) -> bool {
        self.operation == Operation::Delete && !self.is_update
    }

    /// The JSON of its key, without a schema.
    pub fn key_text(&self) -> Option<&str> {
        let key = key_of(self.record.key()?).ok()?;
        Some(key.get())
    }

    /// Says why a row before a delete may lack its columns.
    pub fn explained(&self, failure: Failure) -> Failure {
        if self.operation != Operation::Delete || failure.class != Class::Unaddressable {
            return failure;
        }
        Failure {
            message: format!(
                "{} in the row before the delete; PostgreSQL keeps only the key of it unless the \
                 table has REPLICA IDENTITY FULL",
                failure.message
            ),
            ..failure
        }
    }
}

impl<'a> View<'a> for Row<'a> {
    fn record(&self) -> Record<'a> {
        self.record
    }

    fn top(&self) -> &Level<'a> {
        &self.top
    }

    /// The only column of the key, or a key that is not a row.
    fn key(&self) -> Result<Found<'a>, Failure> {
        let Some(bytes) = self.record.key() else {
            return Ok(Found::Nothing("missing"));
        };
        if bytes.starts_with(b"Struct{") {
            return Ok(Found::Other(
                "written by StringConverter (set key.converter to JsonConverter)",
            ));
        }
        // Text that is not JSON is itself.
        let Ok(key) = key_of(bytes) else {
            return Ok(Found::of_bytes(Some(bytes)));
        };
        match Level::of(key)? {
            Level::Object(columns) => match &*columns {
                [(_, value)] => Found::of_json(value),
                _ => Ok(Found::Other(
                    "of several columns (name one as \"key:/column\")",
                )),
            },
            _ => Found::of_json(key),
        }
    }

    fn key_top(&self) -> Result<Level<'a>, Failure> {
        let key = self
            .record
            .key()
            .map(|bytes| key_of(bytes).and_then(Level::of));
        key.unwrap_or(Ok(Level::Scalar)).map_err(|failure| Failure {
            message: format!("the key: {}", failure.message),
            ..failure
        })
    }

    fn named(&self, name: &str) -> Result<Found<'a>, Failure> {
        if name == "op" {
            return Ok(Found::Text(self.operation.name().into()));
        }
        let Some(source) = self.source else {
            return Ok(Found::Nothing("missing"));
        };
        let source = Level::of(source)?;
        let value = source.child(name);
        // MongoDB has collections.
        let value = value.or_else(|| source.child("collection").filter(|_| name == "table"));
        value.map_or(Ok(Found::Nothing("missing")), Found::of_json)
    }
}

/// The JSON of a key, without its schema.
fn key_of(bytes: &[u8]) -> Result<&RawValue, Failure> {
    let key: &RawValue = millstream_plugin::json::parse(bytes)?;
    Ok(payload(&Level::of(key)?).unwrap_or(key))
}

/// What of a change event the client of a row may see.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    All,
    /// Without the state before, which may be another client's.
    After,
    /// As a delete of the state before, without anything of the state after.
    Before,
}

/// A change event, or what of it is shown.
pub struct Written<'a> {
    fields: &'a Level<'a>,
    shown: Shown,
    /// Stands for the state before.
    key: Option<&'a RawValue>,
}

impl<'a> Written<'a> {
    /// A delete with the key of the row in place of its state.
    pub fn of_key(&self, row: &Row<'a>) -> Written<'a> {
        let key = row.record.key().and_then(|key| key_of(key).ok());
        Written {
            fields: self.fields,
            shown: Shown::Before,
            key: Some(key.unwrap_or(RawValue::NULL)),
        }
    }

    fn field(&self, name: &str, value: &'a RawValue) -> Option<Field<'a>> {
        match (self.shown, name) {
            (_, "before") if self.key.is_some() => self.key.map(Field::Json),
            (Shown::After, "before") | (Shown::Before, "after") => Some(Field::Text(None)),
            (Shown::Before, "op") => Some(Field::Text(Some("d"))),
            (_, "source") => Some(Field::Source(value)),
            (Shown::Before, "before" | "transaction") => Some(Field::Json(value)),
            (Shown::Before, name) if !name.starts_with("ts_") => None,
            _ => Some(Field::Json(value)),
        }
    }
}

enum Field<'a> {
    Json(&'a RawValue),
    /// Without the statement (MySQL's `include.query`), which may be about rows of others.
    Source(&'a RawValue),
    Text(Option<&'static str>),
}

impl Serialize for Field<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Field::Json(value) => value.serialize(serializer),
            Field::Text(text) => text.serialize(serializer),
            Field::Source(value) => match Level::of(value) {
                Ok(Level::Object(fields)) => {
                    let others = fields.iter().filter(|(name, _)| name != "query");
                    serializer.collect_map(others.map(|(name, value)| (name, value)))
                }
                _ => serializer.serialize_none(),
            },
        }
    }
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Level::Object(fields) = self.fields else {
            return serializer.serialize_none();
        };
        let fields = fields.iter();
        serializer.collect_map(fields.filter_map(|(name, value)| {
            let field = self.field(name, value)?;
            Some((name, field))
        }))
    }
}
