//! Encodes the records that are sent.

use super::arguments::ProduceArguments;
use crate::cli::exit::Usage;
use crate::record::Outgoing;
use crate::schema::{Catalog, Encoder, Limits, Part, SchemaId};
use anyhow::Context;

/// The most bytes of an encoded key or value.
const LIMITS: Limits = Limits {
    bytes: 1 << 30,
    depth: Limits::DEPTH,
};

/// The schemas of keys and values.
pub(super) struct Encode {
    key: Option<Encoder>,
    value: Option<Encoder>,
}

impl Encode {
    /// Asks the registry for the schemas; `None` if nothing is to be encoded.
    pub fn of(arguments: &ProduceArguments) -> anyhow::Result<Option<Encode>> {
        let ProduceArguments {
            topic,
            encode,
            encode_key,
            subject,
            schema_id,
            ..
        } = arguments;
        if encode.is_none() && encode_key.is_none() {
            return match subject.is_some() || schema_id.is_some() || arguments.message.is_some() {
                true => Err(Usage(
                    "--subject, --schema-id and --message need --encode registry".into(),
                )
                .into()),
                false => Ok(None),
            };
        }
        let settings = arguments.registry.settings(arguments.reach.config())?;
        let catalog = Catalog::open(&settings)?;
        let encoder = |id: Option<u32>, subject: &str, message: Option<&str>| {
            let id = match id {
                Some(id) => id,
                None => {
                    catalog
                        .version(subject, None)
                        .with_context(|| format!("the subject {subject}"))?
                        .id
                }
            };
            let known = catalog.known(SchemaId::Number(id))?;
            Encoder::new(known.into(), message).with_context(|| format!("the schema {id}"))
        };
        let name = |part: Part| format!("{topic}-{}", part.name());
        let key = encode_key.map(|_| encoder(arguments.key_schema_id, &name(Part::Key), None));
        let value = encode.map(|_| {
            let subject = subject.clone().unwrap_or_else(|| name(Part::Value));
            encoder(*schema_id, &subject, arguments.message.as_deref())
        });
        Ok(Some(Encode {
            key: key.transpose()?,
            value: value.transpose()?,
        }))
    }

    /// Encodes a record's parts.
    ///
    /// # Errors
    /// Why they do not fit their schema.
    pub fn apply(&self, record: &mut Outgoing) -> Result<(), String> {
        let parts = [
            (Part::Key, &self.key, &mut record.key),
            (Part::Value, &self.value, &mut record.value),
        ];
        for (part, encoder, bytes) in parts {
            if let (Some(encoder), Some(json)) = (encoder, bytes) {
                *json = encoder.encode(part, json, LIMITS)?;
            }
        }
        Ok(())
    }
}
