//! `capture topic`.

use super::sink::SinkArguments;
use crate::cli::kafka::reach::Reach;
use crate::cli::offset_spec;
use crate::cli::stop::Stop;
use crate::kafka::{Begin, OffsetSpec, Reader, Reading, Step};
use clap::Args;
use std::time::Duration;

#[derive(Args)]
pub(in crate::cli) struct TopicArguments {
    /// The topic.
    topic: String,
    /// Only these partitions, separated by commas.
    #[arg(short, long, value_delimiter = ',')]
    partition: Vec<i32>,
    /// Where to begin in each partition: `earliest`, an offset, `-N` for N records before the end,
    /// or a time such as 2026-11-21T08:30:00Z.
    #[arg(
        long,
        value_name = "OFFSET",
        default_value = "earliest",
        value_parser = offset_spec::parse,
        allow_hyphen_values = true
    )]
    from: OffsetSpec,
    /// Captures the records before this offset of each partition only.
    #[arg(long, value_name = "OFFSET", value_parser = clap::value_parser!(i64).range(0..))]
    before: Option<i64>,
    #[command(flatten)]
    sink: SinkArguments,
    #[command(flatten)]
    reach: Reach,
}

pub(super) fn run(arguments: &TopicArguments) -> anyhow::Result<()> {
    let mut sink = arguments.sink.open(arguments.reach.config())?;
    let stop = Stop::listen()?;
    let connection = arguments.reach.connect()?;
    let reading = Reading {
        topic: arguments.topic.clone(),
        begin: Begin::Alone {
            partitions: arguments.partition.clone(),
            at: arguments.from,
        },
        to_end: true,
        uncommitted: false,
    };
    let mut reader = Reader::start(&connection, &reading)?;
    while !stop.is_asked() && !sink.is_full() {
        match reader.next(Duration::from_millis(100))? {
            Step::Record(record) if arguments.before.is_some_and(|end| record.offset >= end) => {}
            Step::Record(record) => sink.take(*record)?,
            Step::Nothing => {}
            Step::End => break,
        }
    }
    reader.close()?;
    sink.finish()
}
