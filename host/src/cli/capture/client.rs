//! `capture client`.

use super::sink::SinkArguments;
use crate::cli::exit::Usage;
use crate::cli::output::{self, count};
use crate::cli::record_id::RecordId;
use crate::cli::stop::Stop;
use crate::config::{self, Role};
use crate::kafka::scan::Scan;
use crate::pipeline::sources;
use crate::record::{StreamKind, StreamName};
use anyhow::bail;
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub(in crate::cli) struct ClientArguments {
    /// The client's id.
    client: String,
    /// It is the name of a group.
    #[arg(long)]
    group: bool,
    /// The configuration file.
    #[arg(short, long, default_value = "millstream.toml")]
    config: PathBuf,
    #[command(flatten)]
    sink: SinkArguments,
}

pub(super) fn run(arguments: &ClientArguments) -> anyhow::Result<()> {
    let name = &arguments.client;
    let kind = match arguments.group {
        false => StreamKind::Client,
        true => StreamKind::Group,
    };
    let what = kind.word();
    let stream = StreamName::new(kind, name.as_bytes());
    let stream = stream.map_err(|error| Usage::error(format!("the {what} {error}")))?;
    let settings = config::load(&arguments.config, Role::Ingest)?;
    let records = sources::of_stream(&settings.store, &stream)?;
    if records.is_empty() {
        bail!("the stream of {what} {name} has no events of records");
    }
    let mut sink = arguments.sink.open(Some(&arguments.config))?;
    let stop = Stop::listen()?;
    let mut scan = Scan::connect(settings.kafka()?)?;
    let mut gone = 0;
    for (origin, offset) in records {
        if stop.is_asked() || sink.is_full() {
            break;
        }
        let id = RecordId {
            topic: origin.topic.to_string(),
            partition: origin.partition,
            offset,
        };
        match id.find(&mut scan)? {
            Some(record) => sink.take(record)?,
            None => gone += 1,
        }
    }
    if gone > 0 {
        let records = count(gone, "record");
        output::say(format_args!("left out {records} that Kafka no longer has"));
    }
    sink.finish()
}
