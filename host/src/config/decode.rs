//! `decode`, `decode-key` and `decoded` of a pipeline.

use super::checker::{Checked, Checker};
use super::values::Text;
use crate::pipeline::{DecodeBy, DecodeSettings};
use crate::schema::{SchemaFile, Table};
use serde::Deserialize;
use toml::Spanned;

/// How a key or a value is decoded.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected \"registry\", { avro = \"order.avsc\" }, or { protobuf = \"order.proto\", message = \"shop.Order\" }"
)]
pub(super) enum Decode {
    Named(Named),
    Avro(AvroFile),
    Protobuf(ProtobufFile),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Named {
    Registry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AvroFile {
    avro: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProtobufFile {
    protobuf: Text,
    message: Text,
}

/// How types are written as JSON.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct DecodedAs {
    #[serde(default)]
    int64: Int64,
    #[serde(default)]
    timestamps: Timestamps,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Int64 {
    #[default]
    Number,
    String,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Timestamps {
    #[default]
    Text,
    Number,
}

impl Checker<'_> {
    pub(super) fn decode(
        &self,
        key: Option<Spanned<Decode>>,
        value: Option<Spanned<Decode>>,
        decoded: &DecodedAs,
        has_registry: bool,
    ) -> Checked<DecodeSettings> {
        let by = |given: Option<Spanned<Decode>>| match given {
            None => Ok(None),
            Some(given) => {
                let span = given.span();
                let by = match given.into_inner() {
                    Decode::Named(Named::Registry) if !has_registry => {
                        return self.error(
                            span,
                            "\"registry\" needs a [registry] table with the url of the schema registry",
                        );
                    }
                    Decode::Named(Named::Registry) => DecodeBy::Registry,
                    Decode::Avro(file) => {
                        DecodeBy::File(SchemaFile::Avro(self.resolve(&file.avro.0)))
                    }
                    Decode::Protobuf(file) => DecodeBy::File(SchemaFile::Protobuf(
                        self.resolve(&file.protobuf.0),
                        file.message.0,
                    )),
                };
                Ok(Some(by))
            }
        };
        Ok(DecodeSettings {
            key: by(key)?,
            value: by(value)?,
            table: Table {
                longs_are_strings: decoded.int64 == Int64::String,
                timestamps_are_numbers: decoded.timestamps == Timestamps::Number,
            },
        })
    }
}
