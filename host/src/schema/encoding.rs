//! Encodes by the schema that is the right one now.

use super::encoder::Encoder;
use super::registry::{Found, Registry};
use super::wire::SchemaId;

/// Which schema of the registry JSON is encoded by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeBy {
    /// The schema.
    pub schema: SchemaChoice,
    /// Of Protobuf: the message, by its full name; otherwise the first of the file.
    pub message: Option<String>,
}

/// A schema of the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaChoice {
    /// The latest one of a subject.
    Latest(String),
    /// The one with this ID.
    Id(u32),
}

/// Encodes by the schema that is the right one now. A newer one is used once it is known.
#[derive(Clone)]
pub struct Encoding {
    registry: Registry,
    by: EncodeBy,
    encoder: Option<Encoder>,
}

impl Encoding {
    /// Asks for nothing yet.
    pub fn new(registry: Registry, by: EncodeBy) -> Encoding {
        Encoding {
            registry,
            by,
            encoder: None,
        }
    }

    /// The encoder of now. Does not wait.
    ///
    /// # Errors
    /// When the schema is not known yet; with the reason if the registry was asked in vain, or the
    /// schema can't be used.
    pub fn encoder(&mut self) -> Result<&Encoder, Option<String>> {
        let found = match &self.by.schema {
            SchemaChoice::Latest(subject) => self.registry.latest(subject),
            SchemaChoice::Id(id) => self.registry.find(SchemaId::Number(*id)),
        };
        let newer = match found {
            Found::Schema(known) => {
                let current = self.encoder.as_ref();
                match current.is_some_and(|encoder| SchemaId::Number(encoder.id()) == known.id) {
                    true => None,
                    false => {
                        let made = Encoder::new(known, self.by.message.as_deref());
                        Some(made.map_err(|error| Some(format!("{error:#}"))))
                    }
                }
            }
            Found::None(why) => Some(Err(Some(why.to_string()))),
            Found::NotYet(why) => Some(Err(why.map(|why| why.to_string()))),
        };
        match newer {
            Some(Ok(encoder)) => self.encoder = Some(encoder),
            // The encoder from before stays in use.
            Some(Err(why)) if self.encoder.is_none() => return Err(why.map(|why| self.told(&why))),
            _ => {}
        }
        self.encoder.as_ref().ok_or(None)
    }

    fn told(&self, why: &str) -> String {
        let address = self.registry.address();
        match &self.by.schema {
            SchemaChoice::Latest(subject) => format!(
                "the schema registry {address} does not give a schema of {subject} to encode by: {why}"
            ),
            SchemaChoice::Id(id) => format!(
                "the schema registry {address} does not give the schema {id} to encode by: {why}"
            ),
        }
    }
}
