//! What the registry answers.

use crate::schema::source::Format;
use crate::schema::wire::SchemaId;
use serde::Deserialize;

/// A schema with the names of those that it refers to.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SchemaAnswer {
    pub schema: String,
    /// Avro where it is missing.
    pub schema_type: Option<String>,
    #[serde(default)]
    pub references: Vec<Reference>,
    /// By a version or a GUID: its number.
    pub id: Option<u32>,
}

impl SchemaAnswer {
    pub fn format(&self) -> Option<Format> {
        Format::named(self.schema_type.as_deref().unwrap_or("AVRO"))
    }
}

/// Another schema, under the name that the schema uses.
#[derive(Deserialize)]
pub(super) struct Reference {
    pub name: String,
    pub subject: String,
    pub version: i32,
}

#[derive(Deserialize)]
pub(super) struct SubjectVersion {
    pub subject: String,
    pub version: i32,
}

/// Why the registry refuses.
#[derive(Deserialize, Default)]
pub(super) struct Refusal {
    #[serde(default)]
    pub error_code: i64,
    #[serde(default)]
    pub message: String,
}

impl Refusal {
    /// The registry has no such subject.
    pub const NO_SUBJECT: i64 = 40401;
    /// The subject has no such version.
    pub const NO_VERSION: i64 = 40402;
    /// The registry has no schema of the ID.
    pub const NO_SCHEMA: i64 = 40403;
}

/// The path of a schema.
pub(super) fn path_of(id: SchemaId) -> String {
    match id {
        SchemaId::Number(number) => format!("/schemas/ids/{number}"),
        SchemaId::Guid(guid) => format!("/schemas/guids/{guid}"),
    }
}
