//! The arguments of `produce`.

use crate::cli::kafka::reach::Reach;
use crate::cli::kafka::registry_reach::RegistryReach;
use crate::cli::kafka::{delimiter, pair};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Args)]
pub(in crate::cli) struct ProduceArguments {
    /// The topic to write to; it must exist.
    pub(super) topic: String,
    /// Files to read, `-` for standard input [default: standard input].
    pub(super) files: Vec<PathBuf>,
    /// How to read lines.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// The key of every record.
    #[arg(short, long, conflicts_with = "key_delimiter")]
    pub(super) key: Option<String>,
    /// The delimiter between key and value, such as `:`, or `\t` for a tab
    /// (text format only). A line without it is an error.
    #[arg(short = 'K', long, value_name = "TEXT", value_parser = parting)]
    pub(super) key_delimiter: Option<String>,
    /// Sends an empty value as a tombstone (text format only).
    #[arg(short = 'Z', long)]
    pub(super) tombstones: bool,
    /// A header for every record; can be repeated.
    #[arg(short = 'H', long = "header", value_name = "NAME=VALUE", value_parser = pair)]
    pub(super) headers: Vec<(String, String)>,
    /// The partition [default: chosen by the key, or at random without a key].
    #[arg(short, long, value_parser = clap::value_parser!(i32).range(0..))]
    pub(super) partition: Option<i32>,
    /// Uses the partition and timestamp in each line (JSON format only).
    #[arg(long, conflicts_with = "partition")]
    pub(super) keep_place: bool,
    /// Which replicas must acknowledge a record: all in-sync replicas, only the
    /// leader (1), or none (0).
    #[arg(long, default_value = "all", value_parser = ["all", "1", "0"])]
    pub(super) acks: String,
    /// The compression of batches [default: none].
    #[arg(short = 'z', long, value_parser = ["none", "gzip", "snappy", "lz4", "zstd"])]
    pub(super) compression: Option<String>,
    /// At most this many records per second.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) rate: Option<u32>,
    /// Prints the partition and offset of each record.
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// Prints one line of JSON per record, with its partition and offset.
    #[arg(long)]
    pub(super) json: bool,
    /// Encodes values, which are JSON then, by a schema of the registry.
    #[arg(long, value_enum)]
    pub(super) encode: Option<EncodeBy>,
    /// Encodes keys by the latest schema of `<topic>-key`; text needs no quotes.
    #[arg(long, value_enum)]
    pub(super) encode_key: Option<EncodeBy>,
    /// Whose latest schema encodes the values [default: `<topic>-value`].
    #[arg(long, conflicts_with = "schema_id")]
    pub(super) subject: Option<String>,
    /// The schema that encodes the values.
    #[arg(long, value_name = "ID")]
    pub(super) schema_id: Option<u32>,
    /// The schema that encodes the keys.
    #[arg(long, value_name = "ID", requires = "encode_key")]
    pub(super) key_schema_id: Option<u32>,
    /// The Protobuf message of the values, by its full name [default: the first of the schema].
    #[arg(long, value_name = "NAME")]
    pub(super) message: Option<String>,
    #[command(flatten)]
    pub(super) registry: RegistryReach,
    #[command(flatten)]
    pub(super) reach: Reach,
}

/// How to encode.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum EncodeBy {
    /// By a schema of the registry, whose ID the record then carries.
    Registry,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A value per line, with `-K` a key and a value.
    Text,
    /// A record per line, as `consume --format json` writes it.
    Json,
}

/// As [`delimiter`], but refuses an empty one, which every line contains.
fn parting(text: &str) -> Result<String, String> {
    match text.is_empty() {
        true => Err("the delimiter is empty: expected at least one character".into()),
        false => Ok(delimiter(text)),
    }
}
