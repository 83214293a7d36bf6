//! What became of the letters.

use crate::record::StreamKind;
use std::collections::BTreeMap;

/// Kinds of events and topics that are counted one by one: a plugin names them.
const NAMES: usize = 100;
/// What the others are counted as.
const OTHERS: &str = "(others)";

/// What became of the letters that were chosen. Each is counted in one of
/// `replayed`, `filtered`, `sent`, `failed`, `before`, `copies` and `refused`.
#[derive(Debug, Default)]
pub struct Report {
    /// The letters that were chosen.
    pub chosen: u64,
    /// Those that made events.
    pub replayed: u64,
    /// Those that made none: filtered now.
    pub filtered: u64,
    /// Those that went to a topic again, by it.
    pub sent: BTreeMap<String, u64>,
    /// Those that failed again, by class.
    pub failed: BTreeMap<&'static str, Failed>,
    /// Those whose record was replayed before.
    pub before: u64,
    /// Those whose record is that of a letter before it.
    pub copies: u64,
    /// Those that are not replayed, by why.
    pub refused: BTreeMap<&'static str, Refused>,
    /// The events that were stored, by whose streams they are in and type.
    pub events: BTreeMap<(StreamKind, String), u64>,
    /// How many that is.
    pub streamed: u64,
    /// The events whose clients are away and get nothing.
    pub suppressed: u64,
    /// The events that were dropped: their task had ended.
    pub dropped: u64,
    /// The events that went to a Kafka topic, by it.
    pub routed: BTreeMap<String, u64>,
}

/// Letters that failed again with one class.
#[derive(Debug, Default)]
pub struct Failed {
    /// How many.
    pub count: u64,
    /// What was said of the first.
    pub message: String,
    /// The first: topic, partition and offset of the letter.
    pub first: String,
}

/// Letters that are not replayed for one reason.
#[derive(Debug, Default)]
pub struct Refused {
    /// How many.
    pub count: u64,
    /// The reason, and what to do.
    pub why: String,
    /// The first: topic, partition and offset of the letter.
    pub first: String,
}

impl Report {
    /// How many letters were not just passed over.
    pub(super) fn worked(&self) -> u64 {
        self.replayed + self.filtered + self.failures() + self.sent.values().sum::<u64>()
    }

    /// How many failed again.
    pub fn failures(&self) -> u64 {
        self.failed.values().map(|failed| failed.count).sum()
    }

    /// How many were refused.
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
