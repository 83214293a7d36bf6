//! One schema, whatever its format.

use super::child;
use super::fault::Fault;
use super::limits::Limits;
use super::plan::Plan;
use super::source::{Format, MOST_BYTES, Source};
use super::table::Table;
use super::types::Types;
use super::wire::{self, Framed};
use anyhow::{Context, bail, ensure};
use std::path::Path;

/// A schema, ready to decode.
pub struct Schema {
    plan: Plan,
    /// The Protobuf message that every value is; otherwise each value says which.
    message: Option<u32>,
    /// Roughly its size in memory, in bytes.
    pub size: usize,
}

impl Schema {
    /// Parses a schema in a child process of `program`, which is this program. Takes some
    /// milliseconds, and no more than two minutes.
    ///
    /// # Errors
    /// What is wrong with it, which limit it exceeds, or why the machine could not do it
    /// ([`ChildError`](crate::process::child::ChildError)).
    pub fn parse(source: &Source, program: &Path) -> anyhow::Result<Schema> {
        let size = source.size();
        ensure!(
            size <= MOST_BYTES,
            "the schema and what it refers to have {size} bytes, the most are {MOST_BYTES}"
        );
        let plan = child::parse(source, program)?;
        let size = plan.len();
        let plan = serde_json::from_slice(&plan).context("its plan can't be read")?;
        let message = None;
        Ok(Schema {
            plan,
            message,
            size,
        })
    }

    /// Has every value be this Protobuf message.
    ///
    /// # Errors
    /// When the schema has no such message.
    pub(super) fn of_message(mut self, name: &str) -> anyhow::Result<Schema> {
        let Plan::Protobuf(plan) = &self.plan else {
            bail!("only Protobuf schemas have messages");
        };
        self.message = Some(plan.message_of(name)?);
        Ok(self)
    }

    /// Appends a value as JSON, and returns the name of its type; empty if it has none.
    ///
    /// # Errors
    /// When the bytes are not what the schema says, or beyond the limits. Then a part is written.
    pub fn decode(
        &self,
        framed: &Framed<'_>,
        table: Table,
        limits: Limits,
        out: &mut Vec<u8>,
    ) -> Result<&str, Fault> {
        match &self.plan {
            Plan::Avro(plan) => {
                let value = framed.plain();
                match framed.payload {
                    None if plan.is_bare(value) => plan.read_bare(value, limits, out)?,
                    _ => plan.read(value, table, limits, out)?,
                }
                Ok(plan.name())
            }
            Plan::Protobuf(plan) => {
                let (id, payload) = match self.message {
                    Some(id) => (id, framed.plain()),
                    None => {
                        let (place, payload) = framed.message()?;
                        let none = || format!("the schema has no message at {place:?}");
                        let id = plan.at(&place).ok_or_else(|| Fault::malformed(none()))?;
                        (id, payload)
                    }
                };
                plan.read(id, payload, limits, out)?;
                Ok(plan.name(id))
            }
            Plan::Json(title) => {
                json(framed.plain(), limits, out)?;
                Ok(title)
            }
        }
    }

    /// Chooses the Protobuf message that JSON is encoded as: the one of this full name, or the first
    /// of the file.
    ///
    /// # Errors
    /// When there is none, or the schema is not of Protobuf.
    pub fn choose(&self, name: Option<&str>) -> anyhow::Result<Chosen> {
        let Plan::Protobuf(plan) = &self.plan else {
            ensure!(name.is_none(), "only Protobuf schemas have messages");
            return Ok(Chosen(Vec::new(), 0));
        };
        let id = match name {
            None => plan.at(&[0]).context("the schema has no message")?,
            Some(name) => plan.message_of(name)?,
        };
        let place = plan.place(id).unwrap_or_default();
        Ok(Chosen(wire::message_index(place), id))
    }

    /// Appends JSON as a value of this schema, framed by its ID in the registry.
    ///
    /// # Errors
    /// When it is not JSON, or not what the schema says, or beyond the limits. Then a part is
    /// written.
    pub fn encode(
        &self,
        json: &[u8],
        id: u32,
        Chosen(index, message): &Chosen,
        limits: Limits,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        out.push(0);
        out.extend_from_slice(&id.to_be_bytes());
        out.extend_from_slice(index);
        let parsed = || {
            serde_json::from_slice::<serde_json::Value>(json)
                .map_err(|error| Fault::malformed(format!("not JSON: {error}")))
        };
        match &self.plan {
            Plan::Avro(plan) => plan.write(&parsed()?, json.len(), limits, out),
            Plan::Protobuf(plan) => plan.write(*message, &parsed()?, limits, out),
            Plan::Json(_) => self::json(json, limits, out),
        }
    }

    /// The types of the JSON that its values are decoded to. For Protobuf those of a message: the one
    /// of this full name, or the first of the file.
    ///
    /// # Errors
    /// If the schema has no such message. If it is a JSON Schema: its types are made by
    /// [`Types::of_json`].
    pub fn types(&self, message: Option<&str>, table: Table) -> anyhow::Result<Types> {
        let Chosen(_, id) = self.choose(message)?;
        match &self.plan {
            Plan::Avro(plan) => Ok(Types::of_avro(plan, table)),
            Plan::Protobuf(plan) => Ok(Types::of_protobuf(plan, id)),
            Plan::Json(_) => bail!("the types of a JSON Schema are made of its text"),
        }
    }

    /// Its format.
    pub fn format(&self) -> Format {
        match self.plan {
            Plan::Avro(_) => Format::Avro,
            Plan::Protobuf(_) => Format::Protobuf,
            Plan::Json(_) => Format::Json,
        }
    }

    /// The names of its types: the messages of a Protobuf file, otherwise at most one.
    pub fn names(&self) -> Vec<&str> {
        match &self.plan {
            Plan::Avro(plan) => vec![plan.name()],
            Plan::Protobuf(plan) => plan.names().collect(),
            Plan::Json(title) => Vec::from_iter((!title.is_empty()).then_some(title.as_str())),
        }
    }

    /// Parses a schema in this process.
    #[cfg(test)]
    pub(crate) fn parse_here(source: &Source) -> anyhow::Result<Schema> {
        let (plan, message, size) = (Plan::parse(source)?, None, 0);
        Ok(Schema {
            plan,
            message,
            size,
        })
    }

    /// A schema of any JSON.
    #[cfg(test)]
    pub(super) fn any(size: usize) -> Schema {
        Schema {
            plan: Plan::Json(String::new()),
            message: None,
            size,
        }
    }
}

/// The Protobuf message that JSON is encoded as: its index on the wire, and its ID. For other
/// formats there is nothing to choose.
#[derive(Clone)]
pub struct Chosen(Vec<u8>, u32);

/// Takes JSON as it is. Whether it fits its schema was the serializer's to check.
fn json(value: &[u8], limits: Limits, out: &mut Vec<u8>) -> Result<(), Fault> {
    if value.len() > limits.bytes {
        let message = format!("the value is larger than {} bytes", limits.bytes);
        return Err(Fault::too_large(message));
    }
    serde_json::from_slice::<serde::de::IgnoredAny>(value)
        .map_err(|error| Fault::malformed(format!("not JSON: {error}")))?;
    out.extend_from_slice(value);
    Ok(())
}
