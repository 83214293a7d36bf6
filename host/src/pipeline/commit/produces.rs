//! The records that a batch sends to Kafka: dead letters, and routed events. Checking
//! on them never waits.

use super::oversize::Omission;
use crate::kafka::making;
use crate::kafka::producer::{Producer, Receipts, RecordPosition, Sending, Undelivered};
use crate::log::Short;
use crate::pipeline::meters::count_letter;
use crate::pipeline::settings::PipelineSettings;
use crate::pipeline::signal::Signal;
use crate::record::{Batch, Failure, Outgoing};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The first and the longest pause before a refused record is sent again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));
/// How long Kafka may take before the wait is reported.
const PATIENCE: Duration = Duration::from_secs(1);

/// Records on their way to Kafka, and their receipts.
#[derive(Default)]
pub(in crate::pipeline) struct PendingProduces {
    sent: Vec<Sent>,
    receipts: Arc<Receipts>,
    /// When the first record was sent.
    began: Option<Instant>,
    /// Indices of refused records; `again` is when they are sent again.
    refused: Vec<usize>,
    again: Option<Instant>,
    pause: Duration,
}

struct Sent {
    kind: Kind,
    outgoing: Outgoing,
    sending: Sending,
}

/// Why a record goes to Kafka.
pub(in crate::pipeline) enum Kind {
    /// A failed record as a dead letter, and what it omits.
    DeadLetter(Failure, Omission),
    /// A failed record that the policy reroutes unchanged.
    Reroute(Failure),
    /// A routed event, by its index.
    Event(u32),
}

/// Whether Kafka has acknowledged the records.
pub(in crate::pipeline) enum Status {
    /// All of them.
    All,
    /// Not yet.
    Waiting,
    /// Kafka refused some, which are sent again.
    Refused(Refused),
    /// These are too large for their topics.
    Unfit(Vec<Unfit>),
}

/// Why Kafka refused a record.
pub(in crate::pipeline) struct Refused {
    pub topic: String,
    pub why: String,
    /// The topic does not exist, and it is a dead-letter topic.
    pub no_letter_topic: bool,
}

/// A record that can never be written to its topic.
pub(in crate::pipeline) struct Unfit {
    pub kind: Kind,
    /// The reason, as text.
    pub why: String,
}

/// What to do about a refused record.
enum Next {
    /// It was changed and may fit now.
    Resend,
    /// It never fits.
    GiveUp,
    /// Kafka may accept it later.
    Wait,
}

impl PendingProduces {
    /// For a batch whose worker waits for this signal.
    pub fn ringing(bell: &Arc<Signal>) -> PendingProduces {
        let bell = bell.clone();
        PendingProduces {
            receipts: Arc::new(Receipts::calling(Arc::new(move || bell.ring()))),
            ..PendingProduces::default()
        }
    }

    /// Sends one more record, without waiting for its receipt.
    pub fn send(&mut self, producer: &Producer, kind: Kind, outgoing: Outgoing) {
        let sending = Sending::Together;
        producer.send(&outgoing, self.sent.len(), &self.receipts, sending);
        self.began.get_or_insert_with(Instant::now);
        self.sent.push(Sent {
            kind,
            outgoing,
            sending,
        });
    }

    /// Checks the receipts. Refused records are sent again when their pause is
    /// over.
    pub fn look(
        &mut self,
        producer: &Producer,
        batch: &Batch,
        settings: &PipelineSettings,
    ) -> Status {
        if self.again.is_some_and(|again| again > Instant::now()) {
            return Status::Waiting;
        }
        self.again = None;
        for index in std::mem::take(&mut self.refused) {
            self.resend(producer, index);
        }
        let Some(answers) = self.receipts.look() else {
            return Status::Waiting;
        };
        for (index, place) in answers.placed {
            self.sent[index].arrived(place, batch, settings);
        }
        self.sort(producer, batch, settings, answers.failed)
    }

    /// Sorts the refused records by what to do about them.
    fn sort(
        &mut self,
        producer: &Producer,
        batch: &Batch,
        settings: &PipelineSettings,
        failed: Vec<(usize, Undelivered)>,
    ) -> Status {
        let (mut refused, mut unfit, mut resent) = (Vec::new(), Vec::new(), false);
        for (index, why) in failed {
            match self.sent[index].next(&why, batch, settings) {
                Next::Resend => {
                    self.resend(producer, index);
                    resent = true;
                }
                Next::GiveUp => unfit.push(self.sent[index].unfit()),
                Next::Wait => {
                    refused.push(self.sent[index].refused(&why));
                    self.refused.push(index);
                }
            }
        }
        if !refused.is_empty() {
            self.pause = (self.pause * 2).clamp(PAUSES.0, PAUSES.1);
            self.again = Some(Instant::now() + self.pause);
        }
        // A missing letter topic can be created, so it is reported before other refusals.
        let refused = { refused.into_iter() }.max_by_key(|refused| refused.no_letter_topic);
        match refused {
            _ if !unfit.is_empty() => Status::Unfit(unfit),
            Some(refused) => Status::Refused(refused),
            None if resent => Status::Waiting,
            None => Status::All,
        }
    }

    fn resend(&self, producer: &Producer, index: usize) {
        let Sent {
            outgoing, sending, ..
        } = &self.sent[index];
        producer.send(outgoing, index, &self.receipts, *sending);
    }

    /// When to check again if no answer arrives; `None` if only an answer of Kafka
    /// changes anything.
    pub fn next_look(&self) -> Option<Instant> {
        let said = self.began.map(|began| began + PATIENCE);
        self.again.or(said.filter(|said| *said > Instant::now()))
    }

    /// The topics of the records, in the order of sending.
    pub fn topics(&self) -> impl Iterator<Item = &str> {
        self.sent.iter().map(|sent| &*sent.outgoing.topic)
    }

    /// Whether Kafka has refused some of them.
    pub fn were_refused(&self) -> bool {
        self.pause > Duration::ZERO
    }

    /// Whether Kafka takes longer than expected.
    pub fn are_late(&self) -> bool {
        self.began.is_some_and(|began| began.elapsed() >= PATIENCE)
    }
}

impl Sent {
    fn next(&mut self, why: &Undelivered, batch: &Batch, settings: &PipelineSettings) -> Next {
        if !why.too_large {
            return Next::Wait;
        }
        // The other records of its request may have made it too large.
        if self.sending == Sending::Together {
            self.sending = Sending::Alone;
            return Next::Resend;
        }
        let Kind::DeadLetter(failure, omission) = &mut self.kind else {
            return Next::GiveUp;
        };
        let record = batch.view(failure.record as usize);
        match settings.omit_oversize && omission.more(&mut self.outgoing, &record) {
            true => Next::Resend,
            false => Next::Wait,
        }
    }

    fn unfit(&mut self) -> Unfit {
        let Outgoing {
            topic, key, value, ..
        } = &self.outgoing;
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let (size, topic) = (length(key) + length(value), Short(topic));
        let (what, kind) = match &mut self.kind {
            Kind::Event(index) => ("an event", Kind::Event(*index)),
            Kind::Reroute(failure) | Kind::DeadLetter(failure, _) => {
                ("the record", Kind::Reroute(failure.clone()))
            }
        };
        let why = format!(
            "{what} of {size} bytes is larger than topic {topic} allows (max.message.bytes)"
        );
        Unfit { kind, why }
    }

    fn refused(&self, why: &Undelivered) -> Refused {
        let topic = self.outgoing.topic.clone();
        let no_letter_topic = why.no_topic && matches!(self.kind, Kind::DeadLetter(..));
        let hint = match why.too_large {
            true => " (raise max.message.bytes of the topic)".into(),
            false if why.no_topic && !no_letter_topic => format!("; {}", making(&topic)),
            false => String::new(),
        };
        Refused {
            topic,
            why: format!("{}{hint}", why.why),
            no_letter_topic,
        }
    }

    /// Counts an acknowledged record, and logs where a dead letter is.
    fn arrived(&self, place: RecordPosition, batch: &Batch, settings: &PipelineSettings) {
        let (failure, omission) = match &self.kind {
            Kind::Event(_) => return,
            Kind::Reroute(_) => return count_letter("reroute", settings),
            Kind::DeadLetter(failure, omission) => (failure, omission),
        };
        count_letter("topic", settings);
        let plugin = failure.plugin.as_ref().map_or("", |(name, _)| name);
        let offset = batch.records[failure.record as usize].offset;
        let lacks = Some(omission.names()).filter(|names| !names.is_empty());
        tracing::warn!(
            pipeline = settings.name,
            class = failure.class.name(),
            stage = failure.stage.name(),
            plugin,
            record = %format_args!("{}/{offset}", batch.origin),
            why = failure.message,
            lacks,
            "a record failed and became a dead letter; show it with `millstream dlq show {}/{}/{}`",
            self.outgoing.topic,
            place.partition,
            place.offset,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_for_a_late_answer_does_not_poll_forever() {
        let now = Instant::now();
        let mut produces = PendingProduces {
            began: Some(now),
            ..PendingProduces::default()
        };
        assert_eq!(produces.next_look(), Some(now + PATIENCE), "to say so");
        produces.began = now.checked_sub(PATIENCE);
        assert!(produces.are_late());
        assert_eq!(produces.next_look(), None);
        produces.again = Some(now);
        assert_eq!(produces.next_look(), Some(now), "to send it again");
    }
}
