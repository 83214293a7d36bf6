//! Decodes records by the schema registry: the options that commands share.

use super::registry_reach::RegistryReach;
use crate::cli::output;
use crate::record::OwnedRecord;
use crate::schema::{Part, Registry};
use clap::{Args, ValueEnum};
use std::path::Path;
use std::time::Duration;

/// How long a schema is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Args)]
pub(in crate::cli) struct DecodeArguments {
    /// Decodes values to JSON by the schema registry.
    #[arg(long, value_enum)]
    decode: Option<DecodeBy>,
    /// Decodes keys to JSON by the schema registry.
    #[arg(long, value_enum)]
    decode_key: Option<DecodeBy>,
    #[command(flatten)]
    registry: RegistryReach,
}

/// How to decode.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DecodeBy {
    /// By the schema whose ID the record carries.
    Registry,
}

/// Decodes records.
pub(in crate::cli) struct Decode {
    registry: Registry,
    parts: Vec<Part>,
}

impl DecodeArguments {
    /// `None` if nothing is to be decoded. `also` is the configuration of a command that has one
    /// anyway.
    pub fn open(&self, also: Option<&Path>) -> anyhow::Result<Option<Decode>> {
        let asked = [(Part::Key, self.decode_key), (Part::Value, self.decode)];
        let asked = asked.into_iter().filter(|(_, by)| by.is_some());
        let parts: Vec<Part> = asked.map(|(part, _)| part).collect();
        if parts.is_empty() {
            return Ok(None);
        }
        let registry = Registry::start(&self.registry.settings(also)?)?;
        Ok(Some(Decode { registry, parts }))
    }
}

impl Decode {
    /// Decodes a record's parts for people. What can't be decoded stays as it is, and is reported.
    pub fn show(&self, record: &mut OwnedRecord) {
        self.apply(record, false);
    }

    /// Decodes a record's parts as plugins get them: with the headers that tell of the schema, and a
    /// key that is text without quotes.
    pub fn hand_over(&self, record: &mut OwnedRecord) {
        self.apply(record, true);
    }

    fn apply(&self, record: &mut OwnedRecord, for_plugins: bool) {
        for &part in &self.parts {
            let header = { record.headers.iter().rev() }
                .find(|(name, _)| name.as_slice() == part.header())
                .and_then(|(_, value)| value.clone());
            let bytes = match part {
                Part::Key => &mut record.key,
                Part::Value => &mut record.value,
            };
            let Some(encoded) = bytes else { continue };
            let of = (&*record.origin.topic, part);
            match self
                .registry
                .decode(of, encoded, header.as_deref(), PATIENCE)
            {
                Ok(mut decoded) => {
                    if for_plugins {
                        let headers = decoded.headers.drain(..);
                        let headers = headers.map(|(name, value)| (name, Some(value)));
                        record.headers.extend(headers);
                    }
                    let text = match for_plugins && part == Part::Key {
                        true => serde_json::from_slice::<String>(&decoded.json).ok(),
                        false => None,
                    };
                    *bytes = Some(text.map_or(decoded.json, String::into_bytes));
                }
                Err(why) => {
                    let (origin, offset) = (&record.origin, record.offset);
                    output::say(format_args!(
                        "millstream: {origin}/{offset} is left as it is, not decoded: {why}"
                    ));
                }
            }
        }
    }
}
