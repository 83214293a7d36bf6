//! `millstream consume`.

mod quiet;
mod show;

use super::reach::Reach;
use super::stop::Stop;
use super::{delimiter, exit, output, place, time};
use crate::kafka::{Begin, Place, Reader, Reading, Step};
use clap::{Args, ValueEnum};
use quiet::Quiet;
use show::Show;
use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::time::Duration;

/// As much is gathered, while more is at hand, before it is written.
const GATHER: usize = 64 << 10;

#[derive(Args)]
pub(in crate::cli) struct ConsumeArguments {
    /// The topic.
    topic: String,
    /// Reads with this group: begins where it is, and commits what was
    /// printed, and nothing else. Without a group nothing is committed.
    #[arg(short, long)]
    group: Option<String>,
    /// Begins at the oldest record, not after the newest; with a group, where
    /// it has committed nothing.
    #[arg(long)]
    from_beginning: bool,
    /// Begins at this offset, or (`-5`) so many records before the end.
    #[arg(
        short,
        long,
        value_parser = offset,
        allow_hyphen_values = true,
        conflicts_with_all = ["group", "from_beginning"]
    )]
    offset: Option<Place>,
    /// Begins at the first record since then: 2026-11-21T08:30:00Z, or 10m ago.
    #[arg(
        long,
        value_name = "TIME",
        value_parser = time::since,
        conflicts_with_all = ["group", "from_beginning", "offset"]
    )]
    since: Option<i64>,
    /// Of these partitions alone; commas between.
    #[arg(short, long, value_delimiter = ',', conflicts_with = "group")]
    partition: Vec<i32>,
    /// Ends after so many records.
    #[arg(short = 'n', long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    max: Option<u64>,
    /// Ends where the topic ends, and does not wait for more.
    #[arg(short, long)]
    exit: bool,
    /// How records are printed.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// With the key before each value, and this between (text); `\t` is a tab.
    #[arg(short = 'K', long, value_name = "TEXT")]
    key_delimiter: Option<String>,
    /// Whether to wait for transactions to be committed.
    #[arg(long, value_enum, default_value_t = Isolation::ReadCommitted)]
    isolation: Isolation,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Each value on a line.
    Text,
    /// All of it as a line of JSON, which `produce --format json` reads.
    Json,
    /// All of it for people, byte by byte.
    Hex,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Isolation {
    #[value(name = "read_committed", alias = "read-committed")]
    ReadCommitted,
    #[value(name = "read_uncommitted", alias = "read-uncommitted")]
    ReadUncommitted,
}

fn offset(text: &str) -> Result<Place, String> {
    match place::parse(text)? {
        Place::Time(_) => Err("expected an offset; --since takes a time".into()),
        place => Ok(place),
    }
}

impl ConsumeArguments {
    fn reading(&self) -> Reading {
        let edge = match self.from_beginning {
            true => Place::Earliest,
            false => Place::Latest,
        };
        let begin = match &self.group {
            Some(group) => Begin::Group {
                group: group.clone(),
                earliest: self.from_beginning,
            },
            None => Begin::Alone {
                partitions: self.partition.clone(),
                at: self.since.map(Place::Time).or(self.offset).unwrap_or(edge),
            },
        };
        Reading {
            topic: self.topic.clone(),
            begin,
            to_end: self.exit,
            uncommitted: self.isolation == Isolation::ReadUncommitted,
        }
    }

    fn show(&self) -> Show {
        match self.format {
            Format::Text => Show::text(self.key_delimiter.as_deref().map(delimiter)),
            Format::Json => Show::Json,
            Format::Hex => Show::Hex,
        }
    }
}

pub(in crate::cli) fn run(arguments: &ConsumeArguments) -> anyhow::Result<()> {
    if arguments.key_delimiter.is_some() && arguments.format != Format::Text {
        let why = "-K is for --format text: the others show each key anyway";
        return Err(exit::Usage(why.into()).into());
    }
    let stop = Stop::listen()?;
    let connection = arguments.reach.connect()?;
    let reader = Reader::start(&connection, &arguments.reading())?;
    let mut printing = Printing {
        reader,
        out: BufWriter::with_capacity(GATHER, io::stdout().lock()),
        printed: 0,
        pending: BTreeMap::new(),
        warned: false,
        quiet: Quiet::of(arguments),
    };
    let done = printing.all(arguments, &stop);
    let Printing { reader, out, .. } = printing;
    // What it holds was not written, and is not called so.
    drop(out.into_parts());
    let closed = reader.close();
    match done {
        // Whoever read had enough, and what it read is to be committed.
        Err(error) if exit::is_broken_pipe(&error) => {}
        other => other?,
    }
    Ok(closed?)
}

struct Printing<W: Write> {
    reader: Reader,
    out: BufWriter<W>,
    printed: u64,
    /// The next offsets, of what is in `out` and not written yet.
    pending: BTreeMap<i32, i64>,
    warned: bool,
    quiet: Quiet,
}

impl<W: Write> Printing<W> {
    fn all(&mut self, arguments: &ConsumeArguments, stop: &Stop) -> anyhow::Result<()> {
        let show = arguments.show();
        let mut rendered = Vec::new();
        while !stop.is_asked() && arguments.max.is_none_or(|max| self.printed < max) {
            // While more is at hand, it is gathered; nothing waits to be seen.
            let patience = match self.pending.is_empty() {
                true => Duration::from_millis(100),
                false => Duration::ZERO,
            };
            match self.reader.next(patience)? {
                Step::Record(record) => {
                    rendered.clear();
                    show.write(&mut rendered, &record)?;
                    self.make_room(rendered.len())?;
                    self.out.write_all(&rendered)?;
                    self.pending
                        .insert(record.origin.partition, record.offset + 1);
                    self.printed += 1;
                }
                Step::Nothing => {
                    self.flush()?;
                    self.warn();
                    self.quiet.say(self.printed);
                }
                Step::End => break,
            }
        }
        Ok(self.flush()?)
    }

    /// Writes what is gathered while it is still known which records it is:
    /// left to itself the buffer would write some of it.
    fn make_room(&mut self, size: usize) -> io::Result<()> {
        match self.out.buffer().len() + size > GATHER {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()?;
        for (partition, next) in std::mem::take(&mut self.pending) {
            self.reader.shown(partition, next);
        }
        Ok(())
    }

    /// Says once that nothing comes because Kafka is away.
    fn warn(&mut self) {
        let trouble = self.reader.trouble();
        if let (Some(why), false) = (&trouble, self.warned) {
            output::say(format_args!("millstream: waiting for Kafka: {why}"));
        }
        self.warned = trouble.is_some();
    }
}
