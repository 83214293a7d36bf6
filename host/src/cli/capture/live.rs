//! `capture live`.

use super::sink::{Sink, SinkArguments};
use crate::cli::exit::Usage;
use crate::cli::percent::share;
use crate::cli::stop::Stop;
use crate::cli::{output, time};
use crate::config::{self, Role, Settings};
use crate::kafka::{Begin, Connection, OffsetSpec, Reader, Reading, Step};
use crate::pipeline::PipelineSettings;
use crate::record::OwnedRecord;
use clap::Args;
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[derive(Args)]
pub(in crate::cli) struct LiveArguments {
    /// The pipeline; needed if there are several.
    pipeline: Option<String>,
    /// How many of the records, for example 1%. The choice depends on partition and offset.
    #[arg(long, value_name = "PERCENT", default_value = "100%", value_parser = share)]
    share: f64,
    /// Stops after this time, for example 30s or 5m; without it, at Ctrl-C.
    #[arg(long = "for", value_name = "TIME", value_parser = time::span)]
    duration: Option<Duration>,
    /// The configuration file.
    #[arg(short, long, default_value = "millstream.toml")]
    config: PathBuf,
    #[command(flatten)]
    sink: SinkArguments,
}

/// The most records that are read from a topic before the next one's turn.
const TURN: usize = 500;
/// How long a topic without records is waited for.
const PATIENCE: Duration = Duration::from_millis(10);

pub(super) fn run(arguments: &LiveArguments) -> anyhow::Result<()> {
    let settings = config::load(&arguments.config, Role::Ingest)?;
    let pipeline = arguments.pipeline(&settings)?;
    let mut sink = arguments.sink.open(Some(&arguments.config))?;
    let stop = Stop::listen()?;
    let connection = Connection::open(settings.kafka()?.clone())?;
    let reader = |topic: &String| {
        let reading = Reading {
            topic: topic.clone(),
            begin: Begin::Alone {
                partitions: Vec::new(),
                at: OffsetSpec::Latest,
            },
            to_end: false,
            uncommitted: false,
        };
        Reader::start(&connection, &reading)
    };
    let readers: Result<Vec<Reader>, _> = pipeline.topics.iter().map(reader).collect();
    let mut readers = readers?;
    output::say(format_args!(
        "capturing what arrives in {} (Ctrl-C to stop)",
        pipeline.topics.join(", ")
    ));
    let end = arguments.duration.map(|duration| Instant::now() + duration);
    let is_done = |sink: &Sink| {
        stop.is_asked() || sink.is_full() || end.is_some_and(|end| Instant::now() >= end)
    };
    while !is_done(&sink) {
        let mut idle = true;
        for reader in &mut readers {
            // A busy topic must not keep the others waiting.
            for _ in 0..TURN {
                let Step::Record(record) = reader.next(PATIENCE)? else {
                    break;
                };
                idle = false;
                if !is_done(&sink) && is_chosen(&record, arguments.share) {
                    sink.take(*record)?;
                }
            }
        }
        if idle {
            sink.flush()?;
        }
    }
    for reader in readers {
        reader.close()?;
    }
    sink.finish()
}

impl LiveArguments {
    fn pipeline<'a>(&self, settings: &'a Settings) -> anyhow::Result<&'a PipelineSettings> {
        let mut pipelines = settings.pipelines.iter();
        let found = match (&self.pipeline, &settings.pipelines[..]) {
            (None, [one]) => return Ok(one),
            (None, _) => None,
            (Some(name), _) => pipelines.find(|pipeline| pipeline.name == *name),
        };
        found.ok_or_else(|| {
            let what = match &self.pipeline {
                None => "name a pipeline".into(),
                Some(name) => format!("unknown pipeline `{name}`"),
            };
            let names: Vec<_> = settings.pipelines.iter().map(|p| &*p.name).collect();
            let names = names.join(", ");
            Usage::error(format!("{what}; the configuration has: {names}"))
        })
    }
}

/// Whether a record is in the share; the same answer each time.
fn is_chosen(record: &OwnedRecord, share: f64) -> bool {
    let name = format!("{}/{}", record.origin, record.offset);
    let digest = Sha256::digest(name.as_bytes());
    let number = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    f64::from(number) < f64::from(u32::MAX) * share / 100.0 || share >= 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::TopicPartition;

    #[test]
    fn about_the_share_of_the_records_is_chosen() {
        let record = |offset| OwnedRecord {
            origin: TopicPartition {
                topic: "t".into(),
                partition: 0,
            },
            offset,
            timestamp: 0,
            key: None,
            value: None,
            headers: Vec::new(),
        };
        let chosen = |share| {
            (0..10_000)
                .filter(|n| is_chosen(&record(*n), share))
                .count()
        };
        assert_eq!(chosen(100.0), 10_000);
        let few = chosen(1.0);
        assert!((50..200).contains(&few), "{few}");
    }
}
