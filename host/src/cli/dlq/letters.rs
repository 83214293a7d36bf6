//! Reads the selected letters one after another.

use super::choice::Choice;
use super::filter::Filter;
use super::originals::Originals;
use super::{stop, topics};
use crate::config::Settings;
use crate::kafka::scan::{Look, Scan};
use crate::pipeline::PipelineSettings;
use crate::pipeline::replay::Letter;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Reads letters.
pub(in crate::cli) struct Letters {
    scan: Scan,
    originals: Originals,
    filter: Filter,
    /// How many letters may still be returned.
    limit: u64,
    stop: Arc<AtomicBool>,
    /// Number of records in these topics that are not dead letters.
    pub no_letters: u64,
}

impl Letters {
    /// Opens the topics of the letters. Ctrl-C still ends the process: see
    /// [`Letters::listen`].
    pub fn open(
        settings: &Settings,
        pipelines: &[PipelineSettings],
        choice: &Choice,
    ) -> anyhow::Result<Letters> {
        let mut scan = Scan::connect(settings.kafka()?)?;
        topics::add(&mut scan, choice, pipelines)?;
        Ok(Letters {
            scan,
            originals: Originals::new(settings.kafka()?),
            filter: choice.filter(),
            limit: choice.limit.unwrap_or(u64::MAX),
            stop: Arc::default(),
            no_letters: 0,
        })
    }

    /// From now on Ctrl-C ends the reading, not the process. Call it after the
    /// last prompt, since a prompt does not check the flag.
    pub fn listen(&self) -> anyhow::Result<()> {
        stop::listen(self.stop.clone())
    }

    /// Only letters of this group.
    pub fn of_group(mut self, group: &str) -> Letters {
        self.filter.group = Some(group.into());
        self
    }

    /// Ignores `--limit`.
    pub fn without_limit(mut self) -> Letters {
        self.limit = u64::MAX;
        self
    }

    /// Whether Kafka has this topic.
    pub fn has_topic(&self, topic: &str) -> anyhow::Result<bool> {
        self.scan.has(topic)
    }

    /// The most records that are still to be read.
    pub fn left(&self) -> u64 {
        self.scan.left()
    }

    /// The flag that asks the reading to end.
    pub fn stop(&self) -> Arc<AtomicBool> {
        self.stop.clone()
    }

    /// Whether the flag is set.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The next letter with its full record, if that still exists.
    pub fn next_whole(&mut self) -> anyhow::Result<Option<Letter>> {
        let next = self.next()?;
        next.map(|letter| self.originals.restore(letter))
            .transpose()
    }

    /// The next letter; `None` at the end or after Ctrl-C.
    pub fn next(&mut self) -> anyhow::Result<Option<Letter>> {
        while self.limit > 0 && !self.stopped() {
            match self.scan.look()? {
                Look::End => break,
                Look::Nothing => {}
                Look::Record(record) => match Letter::of(*record) {
                    Ok(letter) if self.filter.takes(&letter) => {
                        self.limit -= 1;
                        return Ok(Some(letter));
                    }
                    Ok(_) => {}
                    Err(_) => self.no_letters += 1,
                },
            }
        }
        Ok(None)
    }
}
