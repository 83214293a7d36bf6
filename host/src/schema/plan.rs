//! What a schema says about its values, ready to follow.

use super::source::{Format, Source};
use super::{avro, protobuf};
use anyhow::Context;
use serde::{Deserialize, Serialize};

/// What a schema says about its values.
#[derive(Serialize, Deserialize)]
pub(super) enum Plan {
    Avro(avro::Plan),
    Protobuf(protobuf::Plan),
    /// The title of the schema.
    Json(String),
}

impl Plan {
    /// Parses a schema. It may take any time, and libraries may panic.
    ///
    /// # Errors
    /// What is wrong with it, or which limit it exceeds.
    pub fn parse(source: &Source) -> anyhow::Result<Plan> {
        Ok(match source.format {
            #[cfg(feature = "schemas")]
            Format::Avro => Plan::Avro(avro::Plan::parse(source)?),
            #[cfg(feature = "schemas")]
            Format::Protobuf => Plan::Protobuf(protobuf::Plan::parse(source)?),
            #[cfg(not(feature = "schemas"))]
            format @ (Format::Avro | Format::Protobuf) => anyhow::bail!(
                "this program was built without {format} (the cargo feature `schemas`)"
            ),
            Format::Json => {
                let schema: serde_json::Value =
                    serde_json::from_str(&source.text).context("the schema is not JSON")?;
                let title = schema.get("title").and_then(|title| title.as_str());
                Plan::Json(title.unwrap_or_default().to_owned())
            }
        })
    }
}
