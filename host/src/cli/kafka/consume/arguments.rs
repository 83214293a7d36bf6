//! The arguments of `consume`.

use super::show::Show;
use crate::cli::kafka::decode::DecodeArguments;
use crate::cli::kafka::delimiter;
use crate::cli::kafka::reach::Reach;
use crate::cli::{offset_spec, time};
use crate::kafka::{Begin, OffsetSpec, Reading};
use clap::{Args, ValueEnum};

#[derive(Args)]
pub(in crate::cli) struct ConsumeArguments {
    /// The topic to read.
    pub(super) topic: String,
    /// Reads as this consumer group: starts at its committed offsets, and
    /// commits only what was printed. Without a group nothing is committed.
    #[arg(short, long)]
    pub(super) group: Option<String>,
    /// Starts at the oldest record, not after the newest. With a group, this
    /// applies only where it has committed nothing.
    #[arg(long)]
    pub(super) from_beginning: bool,
    /// Starts at this offset, or (`-5`) this many records before the end.
    #[arg(
        short,
        long,
        value_parser = offset,
        allow_hyphen_values = true,
        conflicts_with_all = ["group", "from_beginning"]
    )]
    pub(super) offset: Option<OffsetSpec>,
    /// Starts at the first record since then: a time such as
    /// 2026-11-21T08:30:00Z, or an age such as 10m.
    #[arg(
        long,
        value_name = "TIME",
        value_parser = time::since,
        conflicts_with_all = ["group", "from_beginning", "offset"]
    )]
    pub(super) since: Option<i64>,
    /// Only these partitions, separated by commas.
    #[arg(short, long, value_delimiter = ',', conflicts_with = "group")]
    pub(super) partition: Vec<i32>,
    /// Exits after this many records.
    #[arg(short = 'n', long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) max: Option<u64>,
    /// Exits at the end of the topic instead of waiting for more.
    #[arg(short, long)]
    pub(super) exit: bool,
    /// How to print records.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Prints the key and this delimiter before each value (text format only);
    /// `\t` is a tab.
    #[arg(short = 'K', long, value_name = "TEXT")]
    pub(super) key_delimiter: Option<String>,
    /// Whether to read records of transactions that are not committed.
    #[arg(long, value_enum, default_value_t = Isolation::ReadCommitted)]
    pub(super) isolation: Isolation,
    #[command(flatten)]
    pub(super) decode: DecodeArguments,
    #[command(flatten)]
    pub(super) reach: Reach,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// One value per line.
    Text,
    /// One line of JSON per record, as `produce --format json` reads it.
    Json,
    /// A hex dump of each record.
    Hex,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Isolation {
    #[value(name = "read_committed", alias = "read-committed")]
    ReadCommitted,
    #[value(name = "read_uncommitted", alias = "read-uncommitted")]
    ReadUncommitted,
}

fn offset(text: &str) -> Result<OffsetSpec, String> {
    match offset_spec::parse(text)? {
        OffsetSpec::Time(_) => Err("expected an offset; use --since for a time".into()),
        place => Ok(place),
    }
}

impl ConsumeArguments {
    pub(super) fn reading(&self) -> Reading {
        let edge = match self.from_beginning {
            true => OffsetSpec::Earliest,
            false => OffsetSpec::Latest,
        };
        let begin = match &self.group {
            Some(group) => Begin::Group {
                group: group.clone(),
                earliest: self.from_beginning,
            },
            None => Begin::Alone {
                partitions: self.partition.clone(),
                at: self
                    .since
                    .map(OffsetSpec::Time)
                    .or(self.offset)
                    .unwrap_or(edge),
            },
        };
        Reading {
            topic: self.topic.clone(),
            begin,
            to_end: self.exit,
            uncommitted: self.isolation == Isolation::ReadUncommitted,
        }
    }

    pub(super) fn show(&self) -> Show {
        match self.format {
            Format::Text => Show::text(self.key_delimiter.as_deref().map(delimiter)),
            Format::Json => Show::Json,
            Format::Hex => Show::Hex,
        }
    }
}
