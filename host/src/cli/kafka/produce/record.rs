//! Makes a record of a line.

use super::arguments::{Format, ProduceArguments};
use super::input::Line;
use crate::cli::exit;
use crate::cli::kafka::wire;
use crate::kafka::native::produce::Placing;
use crate::record::Outgoing;
use anyhow::anyhow;

impl ProduceArguments {
    /// Refuses options that have no effect in this format.
    pub(super) fn check(&self) -> Result<(), exit::Usage> {
        let wrong = match self.format {
            Format::Text if self.keep_place => "--keep-place needs --format json",
            Format::Json if self.key_delimiter.is_some() => {
                "-K works only with --format text: a line of JSON contains its key"
            }
            Format::Json if self.tombstones => {
                "-Z works only with --format text: in JSON a tombstone has the value null"
            }
            _ => return Ok(()),
        };
        Err(exit::Usage(wrong.into()))
    }

    /// The record of a line; `None` for an empty line of JSON.
    pub(super) fn record(
        &self,
        topic: &str,
        line: &Line,
    ) -> anyhow::Result<Option<(Outgoing, Placing)>> {
        let mut placing = Placing {
            partition: self.partition,
            timestamp: None,
        };
        let given = self.key.as_ref().map(|key| key.clone().into_bytes());
        let mut record = Outgoing {
            topic: topic.into(),
            key: given,
            value: None,
            headers: Vec::new(),
        };
        match self.format {
            Format::Json if line.text.trim_ascii().is_empty() => return Ok(None),
            Format::Json => {
                let read =
                    wire::of_json(&line.text).map_err(|why| anyhow!("{}: {why}", line.place))?;
                record.key = record.key.or(read.key);
                (record.value, record.headers) = (read.value, read.headers);
                if self.keep_place {
                    placing = read.placing;
                }
            }
            Format::Text => self.of_text(line, &mut record)?,
        }
        let given = self.headers.iter().cloned();
        record
            .headers
            .extend(given.map(|(name, value)| (name.into(), Some(value.into()))));
        Ok(Some((record, placing)))
    }

    fn of_text(&self, line: &Line, record: &mut Outgoing) -> anyhow::Result<()> {
        let mut value = &line.text[..];
        if let Some(delimiter) = &self.key_delimiter {
            let parts = split(value, delimiter.as_bytes()).ok_or_else(|| {
                let (place, delimiter) = (&line.place, delimiter.escape_debug());
                anyhow!("{place}: missing `{delimiter}` between key and value")
            })?;
            record.key = Some(parts.0.to_vec());
            value = parts.1;
        }
        record.value = (!(value.is_empty() && self.tombstones)).then(|| value.to_vec());
        Ok(())
    }
}

/// The parts before and after the first `at`, which must not be empty.
fn split<'a>(line: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let found = line.windows(at.len()).position(|window| window == at)?;
    Some((&line[..found], &line[found + at.len()..]))
}
