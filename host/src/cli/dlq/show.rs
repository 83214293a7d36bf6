//! `millstream dlq show`.

use super::list::describe;
use super::originals::Originals;
use super::{Configured, bytes, time};
use crate::cli::kafka::wire;
use crate::cli::record_id::{self, RecordId};
use crate::config::{self, Role};
use crate::kafka::scan::Scan;
use crate::pipeline::replay::{Letter, Omitted};
use anyhow::bail;
use clap::Args;
use serde_json::json;
use std::io::Write;

/// The arguments of `show`.
#[derive(Args)]
pub(in crate::cli) struct Show {
    #[command(flatten)]
    configured: Configured,
    /// The letter, as `dlq list` shows it: `<topic>/<partition>/<offset>`.
    #[arg(value_name = "LETTER", value_parser = record_id::parse)]
    letter: RecordId,
    /// Prints only the bytes of the value.
    #[arg(long, conflicts_with = "json")]
    raw: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

impl Show {
    pub fn run(&self) -> anyhow::Result<()> {
        let settings = config::load(&self.configured.config, Role::Ingest)?;
        let mut scan = Scan::connect(settings.kafka()?)?;
        let record = self.letter.fetch(&mut scan)?;
        match Letter::of(record) {
            Ok(letter) => self.write(&Originals::new(settings.kafka()?).restore(letter)?),
            // The value of a record that is not a letter can still be printed.
            Err(record) if self.raw => raw(record.value.as_deref()),
            Err(record) => {
                let (origin, offset) = (&record.origin, record.offset);
                bail!("{origin}/{offset} is not a dead letter: it lacks the failure's headers")
            }
        }
    }

    /// Writes a letter, and fails if it lacks its record.
    fn write(&self, letter: &Letter) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        match letter.absent() {
            Some(_) if self.raw => {}
            None if self.raw => raw(letter.record.value.as_deref())?,
            _ if self.json => writeln!(out, "{}", whole(letter))?,
            _ => write!(out, "{}", text(letter))?,
        }
        match letter.absent() {
            Some(why) => {
                let (source, at) = (&letter.source, letter.source_offset);
                bail!("the letter lacks its record, {source}/{at}: {why}")
            }
            None => Ok(()),
        }
    }
}

fn raw(value: Option<&[u8]>) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(value.unwrap_or_default())?;
    Ok(out.flush()?)
}

fn whole(letter: &Letter) -> serde_json::Value {
    let mut whole = describe(letter);
    let header = |(name, value): &(Vec<u8>, Option<Vec<u8>>)| json!({ "name": wire::bytes(Some(name)), "value": wire::bytes(value.as_deref()) });
    let headers = letter.record.headers.iter().map(header);
    whole["headers"] = headers.collect();
    whole["value"] = wire::bytes(letter.record.value.as_deref());
    whole
}

fn text(letter: &Letter) -> String {
    let record = &letter.record;
    let or = |text: &str| match text {
        "" => "-".to_string(),
        text => bytes::line(text),
    };
    let digest: String = letter.digest.chars().take(12).collect();
    let (source, at) = (
        bytes::line(&letter.source.to_string()),
        letter.source_offset,
    );
    let mut lines = vec![
        ("letter", format!("{}/{}", record.origin, record.offset)),
        ("written", time::long(record.timestamp)),
        ("class", or(&letter.class)),
        ("message", or(&letter.message)),
        ("stage", or(&letter.stage)),
        (
            "plugin",
            format!("{} ({})", or(&letter.plugin), or(&digest)),
        ),
        ("tries", letter.attempts.to_string()),
        (
            "record",
            format!(
                "{source}/{at}, timestamp {}",
                time::long(letter.source_timestamp)
            ),
        ),
    ];
    if let Some(group) = &letter.group {
        lines.push(("group", or(group)));
    }
    if letter.replays > 0 {
        let times = format!("sent to its topic again {} time(s)", letter.replays);
        lines.push(("replays", times));
    }
    if let Some(omitted) = &letter.omitted {
        lines.push(("omitted", told_of(omitted)));
    }
    lines.push(("key", bytes::one_line(record.key.as_deref())));
    let mut text = String::new();
    for (name, value) in lines {
        text += &format!("{:<9}{value}\n", format!("{name}:"));
    }
    // The headers of the failure are already shown above.
    let own = letter.own_headers().iter().map(|header| ("header", header));
    let added = letter.added_headers().map(|header| ("added", header));
    for (whose, (name, value)) in own.chain(added) {
        let (name, value) = (
            bytes::one_line(Some(name)),
            bytes::one_line(value.as_deref()),
        );
        text += &format!("{:<9}{name} = {value}\n", format!("{whose}:"));
    }
    text + &value(letter)
}

fn told_of(omitted: &Omitted) -> String {
    let Omitted {
        parts,
        size,
        absent,
        ..
    } = omitted;
    let parts = bytes::line(parts);
    let now = match absent {
        None => "shown from the record in its source topic",
        Some(_) => "the record is gone",
    };
    format!("{parts}: the record of {size} bytes is too large for this topic; {now}")
}

fn value(letter: &Letter) -> String {
    if letter.absent().is_some() {
        return "value:   - (omitted)\n".into();
    }
    let Some(value) = &letter.record.value else {
        return "value:   - (a tombstone)\n".into();
    };
    let whose = if letter.own_value {
        ", written by the dead-letter policy"
    } else {
        ""
    };
    let size = value.len();
    match std::str::from_utf8(value) {
        Ok(text) => {
            let end = if text.ends_with('\n') { "" } else { "\n" };
            format!("value ({size} bytes{whose}):\n{}{end}", bytes::lines(text))
        }
        Err(_) => format!(
            "value ({size} bytes{whose}, not UTF-8):\n{}",
            bytes::dump(value)
        ),
    }
}
