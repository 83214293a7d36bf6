//! What `produce` may be told.

use crate::cli::kafka::reach::Reach;
use crate::cli::kafka::{delimiter, pair};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Args)]
pub(in crate::cli) struct ProduceArguments {
    /// The topic; it must be there.
    pub(super) topic: String,
    /// Files to read, `-` for standard input [default: standard input].
    pub(super) files: Vec<PathBuf>,
    /// What a line is.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Every record's key.
    #[arg(short, long, conflicts_with = "key_delimiter")]
    pub(super) key: Option<String>,
    /// What stands between key and value (text), such as `:`, or `\t` for a
    /// tab. A line without it is an error.
    #[arg(short = 'K', long, value_name = "TEXT", value_parser = parting)]
    pub(super) key_delimiter: Option<String>,
    /// An empty value is none: a tombstone (text).
    #[arg(short = 'Z', long)]
    pub(super) tombstones: bool,
    /// A header of every record; may be given several times.
    #[arg(short = 'H', long = "header", value_name = "NAME=VALUE", value_parser = pair)]
    pub(super) headers: Vec<(String, String)>,
    /// To this partition; otherwise the key says which, or chance.
    #[arg(short, long, value_parser = clap::value_parser!(i32).range(0..))]
    pub(super) partition: Option<i32>,
    /// To the partition and with the timestamp that each line has (JSON).
    #[arg(long, conflicts_with = "partition")]
    pub(super) keep_place: bool,
    /// Who must have a record before it counts: every in-sync replica, the
    /// leader, nobody.
    #[arg(long, default_value = "all", value_parser = ["all", "1", "0"])]
    pub(super) acks: String,
    /// How batches are compressed [default: none].
    #[arg(short = 'z', long, value_parser = ["none", "gzip", "snappy", "lz4", "zstd"])]
    pub(super) compression: Option<String>,
    /// So many records a second at most.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) rate: Option<u32>,
    /// Says of each record where it went.
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// The same as lines of JSON.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) reach: Reach,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A value, or a key and a value.
    Text,
    /// A record, as `consume --format json` writes them.
    Json,
}

/// As [`delimiter`]; an empty one would be found before every letter.
fn parting(text: &str) -> Result<String, String> {
    match text.is_empty() {
        true => Err("nothing would part key and value".into()),
        false => Ok(delimiter(text)),
    }
}
