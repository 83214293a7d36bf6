//! What `consume` may be told.

use super::show::Show;
use crate::cli::kafka::delimiter;
use crate::cli::kafka::reach::Reach;
use crate::cli::{offset_spec, time};
use crate::kafka::{Begin, OffsetSpec, Reading};
use clap::{Args, ValueEnum};

#[derive(Args)]
pub(in crate::cli) struct ConsumeArguments {
    /// The topic.
    pub(super) topic: String,
    /// Reads with this group: begins where it is, and commits what was
    /// printed, and nothing else. Without a group nothing is committed.
    #[arg(short, long)]
    pub(super) group: Option<String>,
    /// Begins at the oldest record, not after the newest; with a group, where
    /// it has committed nothing.
    #[arg(long)]
    pub(super) from_beginning: bool,
    /// Begins at this offset, or (`-5`) so many records before the end.
    #[arg(
        short,
        long,
        value_parser = offset,
        allow_hyphen_values = true,
        conflicts_with_all = ["group", "from_beginning"]
    )]
    pub(super) offset: Option<OffsetSpec>,
    /// Begins at the first record since then: 2026-11-21T08:30:00Z, or 10m ago.
    #[arg(
        long,
        value_name = "TIME",
        value_parser = time::since,
        conflicts_with_all = ["group", "from_beginning", "offset"]
    )]
    pub(super) since: Option<i64>,
    /// Of these partitions alone; commas between.
    #[arg(short, long, value_delimiter = ',', conflicts_with = "group")]
    pub(super) partition: Vec<i32>,
    /// Ends after so many records.
    #[arg(short = 'n', long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) max: Option<u64>,
    /// Ends where the topic ends, and does not wait for more.
    #[arg(short, long)]
    pub(super) exit: bool,
    /// How records are printed.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// With the key before each value, and this between (text); `\t` is a tab.
    #[arg(short = 'K', long, value_name = "TEXT")]
    pub(super) key_delimiter: Option<String>,
    /// Whether to wait for transactions to be committed.
    #[arg(long, value_enum, default_value_t = Isolation::ReadCommitted)]
    pub(super) isolation: Isolation,
    #[command(flatten)]
    pub(super) reach: Reach,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Each value on a line.
    Text,
    /// All of it as a line of JSON, which `produce --format json` reads.
    Json,
    /// All of it for people, byte by byte.
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
        OffsetSpec::Time(_) => Err("expected an offset; --since takes a time".into()),
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
