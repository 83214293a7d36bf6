//! The text of a schema.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The most bytes of a schema together with all that it refers to.
pub const MOST_BYTES: usize = 4 << 20;

/// The format of a schema and its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Format {
    /// Apache Avro.
    Avro,
    /// Protocol Buffers.
    Protobuf,
    /// JSON, described by JSON Schema.
    Json,
}

impl Format {
    /// Its name, as registries have it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Avro => "AVRO",
            Format::Protobuf => "PROTOBUF",
            Format::Json => "JSON",
        }
    }

    /// The format of this name.
    pub fn named(name: &str) -> Option<Format> {
        [Format::Avro, Format::Protobuf, Format::Json]
            .into_iter()
            .find(|format| format.name() == name)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Avro => "Avro",
            Format::Protobuf => "Protobuf",
            Format::Json => "JSON Schema",
        })
    }
}

/// The text of a schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its format.
    pub format: Format,
    /// Its text.
    pub text: String,
    /// The texts that it refers to, directly or not, with the names that it uses for them.
    pub references: Vec<(String, String)>,
}

impl Source {
    /// A schema that refers to no other.
    pub fn new(format: Format, text: impl Into<String>) -> Source {
        Source {
            format,
            text: text.into(),
            references: Vec::new(),
        }
    }

    /// The same schema with those that it refers to.
    #[cfg(test)]
    pub(super) fn referring(mut self, references: &[(&str, &str)]) -> Source {
        let of = |(name, text): &(&str, &str)| (name.to_string(), text.to_string());
        self.references = references.iter().map(of).collect();
        self
    }

    /// The size of all its texts, in bytes.
    pub fn size(&self) -> usize {
        let references = self.references.iter().map(|(_, text)| text.len());
        self.text.len() + references.sum::<usize>()
    }
}
