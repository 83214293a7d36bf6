//! The results of a replay.

use crate::record::StreamKind;
use std::collections::BTreeMap;

/// The most types of events, and topics, that are counted by name, since plugins name
/// them.
const NAMES: usize = 100;
/// The name under which the rest is counted.
const OTHERS: &str = "(others)";

/// The results of the chosen letters. Each letter is counted in one of
/// `replayed`, `filtered`, `sent`, `failed`, `before`, `copies` and `refused`.
#[derive(Debug, Default)]
pub struct Report {
    /// The letters that were chosen.
    pub chosen: u64,
    /// Letters that made events.
    pub replayed: u64,
    /// Letters that made no events: the plugins filter them now.
    pub filtered: u64,
    /// Letters that were sent to a topic again, by topic.
    pub sent: BTreeMap<String, u64>,
    /// Letters that failed again, by class.
    pub failed: BTreeMap<&'static str, Failed>,
    /// Letters whose record was replayed before.
    pub before: u64,
    /// Letters with the same record as an earlier letter.
    pub copies: u64,
    /// Letters that were refused, by reason.
    pub refused: BTreeMap<&'static str, Refused>,
    /// Stored events, by kind of stream and type.
    pub events: BTreeMap<(StreamKind, String), u64>,
    /// The number of stored events.
    pub streamed: u64,
    /// Events that were not stored because their clients are not connected.
    pub suppressed: u64,
    /// Events that were dropped because their task had ended.
    pub dropped: u64,
    /// Events that went to a Kafka topic, by topic.
    pub routed: BTreeMap<String, u64>,
}

/// Letters that failed again, of one class.
#[derive(Debug, Default)]
pub struct Failed {
    /// The number of letters.
    pub count: u64,
    /// The message of the first failure.
    pub message: String,
    /// Topic, partition and offset of the first letter.
    pub first: String,
}

/// Letters that were refused for one reason.
#[derive(Debug, Default)]
pub struct Refused {
    /// The number of letters.
    pub count: u64,
    /// The reason, and what to do.
    pub why: String,
    /// Topic, partition and offset of the first letter.
    pub first: String,
}

impl Report {
    /// How many letters were processed, not skipped.
    pub(super) fn worked(&self) -> u64 {
        self.replayed + self.filtered + self.failures() + self.sent.values().sum::<u64>()
    }

    /// The number of letters that failed again.
    pub fn failures(&self) -> u64 {
        self.failed.values().map(|failed| failed.count).sum()
    }

    /// The number of refused letters.
    pub fn refusals(&self) -> u64 {
        self.refused.values().map(|refused| refused.count).sum()
    }

    pub(super) fn fail(&mut self, class: &'static str, message: &str, first: String) {
        let failed = self.failed.entry(class).or_insert_with(|| Failed {
            message: message.into(),
            first,
            count: 0,
        });
        failed.count += 1;
    }

    pub(super) fn refuse(&mut self, reason: &'static str, why: &str, first: String) {
        let refused = self.refused.entry(reason).or_insert_with(|| Refused {
            why: why.into(),
            first,
            count: 0,
        });
        refused.count += 1;
    }

    pub(super) fn event(&mut self, to: StreamKind, kind: &[u8]) {
        self.streamed += 1;
        let key = (to, String::from_utf8_lossy(kind).into_owned());
        let others = (to, OTHERS.to_string());
        let known = self.events.len() < NAMES || self.events.contains_key(&key);
        *self
            .events
            .entry(if known { key } else { others })
            .or_default() += 1;
    }

    pub(super) fn routed(&mut self, topic: &str) {
        let known = self.routed.len() < NAMES || self.routed.contains_key(topic);
        let name = if known { topic } else { OTHERS };
        *self.routed.entry(name.into()).or_default() += 1;
    }
}
