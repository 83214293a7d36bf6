//! `encode` of a pipeline and of `[tasks]`.

use super::checker::{Checked, Checker};
use super::values::Text;
use crate::schema::{EncodeBy, SchemaChoice};
use serde::Deserialize;
use toml::Spanned;

/// The schema that values are encoded by.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected \"registry\", { subject = \"orders-value\" }, or { schema-id = 7 }, each with message = \"shop.Order\" for Protobuf"
)]
pub(super) enum Encode {
    Named(Named),
    Chosen(Chosen),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Named {
    Registry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Chosen {
    subject: Option<Text>,
    schema_id: Option<u32>,
    message: Option<Text>,
}

impl Checker<'_> {
    /// How values for this topic are encoded.
    pub(super) fn encode(
        &self,
        topic: &str,
        given: Spanned<Encode>,
        has_registry: bool,
    ) -> Checked<EncodeBy> {
        let span = given.span();
        if !has_registry {
            let why = "`encode` needs a [registry] table with the url of the schema registry";
            return self.error(span, why);
        }
        let latest = || SchemaChoice::Latest(format!("{topic}-value"));
        Ok(match given.into_inner() {
            Encode::Named(Named::Registry) => EncodeBy {
                schema: latest(),
                message: None,
            },
            Encode::Chosen(Chosen {
                subject: Some(_),
                schema_id: Some(_),
                ..
            }) => return self.error(span, "`subject` and `schema-id` exclude each other"),
            Encode::Chosen(Chosen {
                subject,
                schema_id,
                message,
            }) => EncodeBy {
                schema: match (subject, schema_id) {
                    (_, Some(id)) => SchemaChoice::Id(id),
                    (Some(subject), None) => SchemaChoice::Latest(subject.0),
                    (None, None) => latest(),
                },
                message: message.map(|message| message.0),
            },
        })
    }
}
