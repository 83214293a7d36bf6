//! The letters that were chosen, one after another.

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
pub(super) struct Letters {
    scan: Scan,
    originals: Originals,
    filter: Filter,
    /// How many may still come.
    limit: u64,
    stop: Arc<AtomicBool>,
    /// Records of these topics that are no letters.
    pub no_letters: u64,
}

impl Letters {
    /// Begins where the letters are. Nobody hears Ctrl-C yet: see
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

    /// From now on Ctrl-C ends the reading, not the process. To be called when
    /// everything has been asked that waits for an answer typed by someone:
    /// the flag is not looked at meanwhile.
    pub fn listen(&self) -> anyhow::Result<()> {
        stop::listen(self.stop.clone())
    }

    /// Those of this group alone.
    pub fn of_group(mut self, group: &str) -> Letters {
        self.filter.group = Some(group.into());
        self
    }

    /// As many as there are, whatever was asked for.
    pub fn without_limit(mut self) -> Letters {
        self.limit = u64::MAX;
        self
    }

    /// Whether Kafka has this topic.
    pub fn has_topic(&self, topic: &str) -> anyhow::Result<bool> {
        self.scan.has(topic)
    }

    /// How many records are still to be looked at, at most.
    pub fn left(&self) -> u64 {
        self.scan.left()
    }

    /// Set when someone wants it to end.
    pub fn stop(&self) -> Arc<AtomicBool> {
        self.stop.clone()
    }

    /// Whether someone does.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The next one with its whole record, where that is still there.
    pub fn next_whole(&mut self) -> anyhow::Result<Option<Letter>> {
        let next = self.next()?;
        next.map(|letter| self.originals.restore(letter))
            .transpose()
    }

    /// The next one; `None` at the end, or if someone wants it to end.
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
