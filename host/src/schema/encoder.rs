//! Encodes JSON by one schema of a registry.

use super::fault::Fault;
use super::limits::Limits;
use super::parsed::Chosen;
use super::registry::Known;
use super::wire::{Part, SchemaId};
use anyhow::bail;
use std::sync::Arc;

/// The longest message, in bytes: names and values of others are in it.
const MESSAGE: usize = 1000;

/// Encodes JSON by one schema of a registry.
#[derive(Clone)]
pub struct Encoder {
    known: Arc<Known>,
    number: u32,
    chosen: Chosen,
}

impl Encoder {
    /// For this schema, and of Protobuf this message (full name) or the first of its file.
    ///
    /// # Errors
    /// When the schema has no such message, or no number.
    pub fn new(known: Arc<Known>, message: Option<&str>) -> anyhow::Result<Encoder> {
        let SchemaId::Number(number) = known.id else {
            bail!("a schema is written by its number, and only a GUID is known");
        };
        let chosen = known.schema.choose(message)?;
        Ok(Encoder {
            known,
            number,
            chosen,
        })
    }

    /// The schema's ID in the registry.
    pub fn id(&self) -> u32 {
        self.number
    }

    /// The JSON as a key or value of the schema, framed by its ID. A key may also be text without
    /// quotes, as plugins have it.
    ///
    /// # Errors
    /// Why it does not fit the schema.
    pub fn encode(&self, part: Part, json: &[u8], limits: Limits) -> Result<Vec<u8>, String> {
        let encoded = match (self.framed(json, limits), part) {
            (Err(fault), Part::Key) => {
                let quoted = std::str::from_utf8(json).map(super::json::quoted);
                let quoted = quoted.map(|text| self.framed(text.as_bytes(), limits));
                quoted.ok().and_then(Result::ok).ok_or(fault)
            }
            (encoded, _) => encoded,
        };
        let (part, number) = (part.name(), self.number);
        encoded.map_err(|fault| {
            let mut why = format!("the {part}, by schema {number}: {fault}");
            why.truncate(why.floor_char_boundary(MESSAGE));
            why
        })
    }

    fn framed(&self, json: &[u8], limits: Limits) -> Result<Vec<u8>, Fault> {
        let mut out = Vec::with_capacity(json.len());
        let Encoder {
            known,
            number,
            chosen,
        } = self;
        known
            .schema
            .encode(json, *number, chosen, limits, &mut out)?;
        Ok(out)
    }
}
