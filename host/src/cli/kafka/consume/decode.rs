//! Decodes the records that are printed.

use super::arguments::ConsumeArguments;
use crate::cli::output;
use crate::record::OwnedRecord;
use crate::schema::{Part, Registry};
use std::time::Duration;

/// How long a schema is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Decode {
    registry: Registry,
    parts: Vec<Part>,
}

impl Decode {
    /// `None` if nothing is to be decoded.
    pub fn of(arguments: &ConsumeArguments) -> anyhow::Result<Option<Decode>> {
        let asked = [
            (Part::Key, arguments.decode_key),
            (Part::Value, arguments.decode),
        ];
        let asked = asked.into_iter().filter(|(_, by)| by.is_some());
        let parts: Vec<Part> = asked.map(|(part, _)| part).collect();
        if parts.is_empty() {
            return Ok(None);
        }
        let settings = arguments.registry.settings(arguments.reach.config())?;
        let registry = Registry::start(&settings)?;
        Ok(Some(Decode { registry, parts }))
    }

    /// Decodes a record's parts. What can't be decoded stays as it is, and is reported.
    pub fn apply(&self, record: &mut OwnedRecord) {
        for &part in &self.parts {
            let header = { record.headers.iter().rev() }
                .find(|(name, _)| name.as_slice() == part.header())
                .and_then(|(_, value)| value.clone());
            let bytes = match part {
                Part::Key => &mut record.key,
                Part::Value => &mut record.value,
            };
            let Some(encoded) = bytes else { continue };
            match self
                .registry
                .decode(part, encoded, header.as_deref(), PATIENCE)
            {
                Ok(json) => *bytes = Some(json),
                Err(why) => {
                    let (origin, offset) = (&record.origin, record.offset);
                    output::say(format_args!(
                        "millstream: {origin}/{offset} is printed without decoding: {why}"
                    ));
                }
            }
        }
    }
}
