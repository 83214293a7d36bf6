//! Dead letters: what the policy plugin ruled, within the pipeline's caps; and
//! what is written to Kafka, for it or for a route.

use crate::config::PipelineSettings;
use crate::ingest::{Outbox, Receipts};
use crate::plugin::{DeadLetterInstance, LetterValue, Ruling};
use crate::record::{Batch, Failure, Headers, Outgoing, RecordView};
use metrics::counter;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The header that says where a record was at first.
pub(super) const SOURCE: &str = "millstream.source";
/// The header that says how often a record was sent to its topic again. It is
/// the record's own from then on, so a letter that comes back has it.
pub(super) const REPLAYS: &str = "millstream.replays";
/// The header of a letter whose value the policy wrote: the record's is lost,
/// or where only the policy knows.
pub(super) const OWN_VALUE: &str = "millstream.error.own-value";
/// The header of a letter whose record made events before it failed: how many.
/// The others may be where they belong.
pub(super) const EVENTS: &str = "millstream.error.events";
/// What is told of a failure: the names of headers after `millstream.error.`.
pub(super) const ERROR: [&str; 11] = [
    "class",
    "message",
    "stage",
    "plugin",
    "digest",
    "attempts",
    "topic",
    "partition",
    "offset",
    "timestamp",
    "group",
];

/// What is on its way to Kafka, and the receipts for it.
#[derive(Default)]
pub(super) struct Letters {
    outgoing: Vec<(Kind, Outgoing)>,
    receipts: Arc<Receipts>,
}

/// What is written to Kafka.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A record that failed, by its policy.
    DeadLetter,
    /// An event, by its route.
    Event,
}

impl Letters {
    /// Sends one more. It is under way when this returns.
    pub fn send(&mut self, outbox: &Outbox, kind: Kind, outgoing: Outgoing) {
        outbox.send(&outgoing, self.outgoing.len(), &self.receipts);
        self.outgoing.push((kind, outgoing));
    }

    /// Whether Kafka has all of them, as far as is known within `patience`.
    /// What it refused is sent again.
    pub fn arrived(&self, outbox: &Outbox, patience: Duration) -> Arrival {
        let Some(failed) = self.receipts.wait(Instant::now() + patience) else {
            return Arrival::Waiting;
        };
        let refused = failed.iter().map(|(index, error)| {
            let (kind, outgoing) = &self.outgoing[*index];
            Refused {
                topic: outgoing.topic.clone(),
                why: error.why.clone(),
                no_letter_topic: error.no_topic && *kind == Kind::DeadLetter,
            }
        });
        // One that can be mended from here must not wait for one that can't.
        let refused = refused.max_by_key(|refused| refused.no_letter_topic);
        for (index, _) in failed {
            outbox.send(&self.outgoing[index].1, index, &self.receipts);
        }
        refused.map_or(Arrival::All, Arrival::Refused)
    }
}

/// Whether Kafka has what was sent.
pub(super) enum Arrival {
    /// All of it.
    All,
    /// Not yet.
    Waiting,
    /// Not some of it.
    Refused(Refused),
}

/// What Kafka has against one of them.
pub(super) struct Refused {
    pub topic: String,
    pub why: String,
    /// There is no such topic, and it is one for dead letters.
    pub no_letter_topic: bool,
}

/// What is done about one failed record.
pub(super) enum Verdict {
    /// This goes to Kafka.
    Letter(Outgoing),
    /// It is tried again after the delay.
    Retry(Duration),
    /// Nothing.
    Drop,
    /// The partition stops at it.
    Halt,
}

/// Asks the policy about failures, in order. What it can't answer, the built-in
/// policy does: to the topic. A verdict is counted when it is taken: one after
/// a retry is asked for again.
pub(super) fn judge<'a>(
    policy: &mut DeadLetterInstance,
    batch: &'a Batch,
    failures: &'a [Failure],
    settings: &'a PipelineSettings,
) -> impl Iterator<Item = Verdict> + use<'a> {
    let rulings = match failures {
        [] => Vec::new(),
        _ => policy.run(batch, failures),
    };
    failures.iter().zip(rulings).map(|(failure, ruling)| {
        count(failure, settings);
        let ruling = ruling.unwrap_or_else(|error| {
            let pipeline = &settings.name;
            let class = error.class.name();
            tracing::error!(
                pipeline,
                class,
                error.message,
                "the dead-letter plugin failed"
            );
            counter!("millstream_dead_letter_plugin_failures_total", "pipeline" => pipeline.clone())
                .increment(1);
            to_topic()
        });
        verdict(ruling, batch, failure, settings)
    })
}

fn to_topic() -> Ruling {
    Ruling::ToTopic {
        topic: None,
        value: LetterValue::Same,
        headers: Headers::new(),
    }
}

fn count(failure: &Failure, settings: &PipelineSettings) {
    let (class, stage) = (failure.class.name(), failure.stage.name());
    let pipeline = settings.name.clone();
    counter!("millstream_failures_total", "pipeline" => pipeline, "class" => class, "stage" => stage)
        .increment(1);
}

fn verdict(
    ruling: Ruling,
    batch: &Batch,
    failure: &Failure,
    settings: &PipelineSettings,
) -> Verdict {
    let did = |what: &'static str| {
        let pipeline = settings.name.clone();
        counter!("millstream_dead_letters_total", "pipeline" => pipeline, "action" => what)
            .increment(1);
    };
    match ruling {
        Ruling::Retry(delay) if failure.attempts < settings.max_attempts => {
            did("retry");
            Verdict::Retry(delay.min(settings.max_delay))
        }
        Ruling::Retry(_) => verdict(to_topic(), batch, failure, settings),
        Ruling::Drop => {
            did("drop");
            Verdict::Drop
        }
        Ruling::Halt => {
            did("halt");
            Verdict::Halt
        }
        Ruling::Reroute { topic, headers } => {
            did("reroute");
            // As it was, and where it is from.
            let (topic, told) = (Some(topic), vec![source(batch, failure)]);
            let same = LetterValue::Same;
            Verdict::Letter(letter(batch, failure, topic, same, told, headers))
        }
        Ruling::ToTopic {
            topic,
            value,
            headers,
        } => {
            did("topic");
            let mut told = error_headers(batch, failure, &settings.group);
            if value != LetterValue::Same {
                told.push((OWN_VALUE.into(), Some(b"true".to_vec())));
            }
            Verdict::Letter(letter(batch, failure, topic, value, told, headers))
        }
    }
}

/// A failed record on its way to a topic: its own bytes, what is `told` of it,
/// and what the policy added.
fn letter(
    batch: &Batch,
    failure: &Failure,
    topic: Option<String>,
    value: LetterValue,
    told: Headers,
    added: Headers,
) -> Outgoing {
    let view = batch.view(failure.record as usize);
    let mut headers = own_headers(&view);
    headers.extend(told);
    headers.extend(added);
    Outgoing {
        topic: topic.unwrap_or_else(|| format!("{}-dlq", batch.origin.topic)),
        key: view.key().map(<[u8]>::to_vec),
        value: match value {
            LetterValue::Same => view.value().map(<[u8]>::to_vec),
            LetterValue::Own(value) => value,
        },
        headers,
    }
}

fn own_headers(view: &RecordView) -> Headers {
    let own = |(name, value): (&[u8], Option<&[u8]>)| (name.to_vec(), value.map(<[u8]>::to_vec));
    view.headers().map(own).collect()
}

/// Why it is a dead letter, where it is from, and whose: groups on one topic
/// may have one topic for their letters.
fn error_headers(batch: &Batch, failure: &Failure, group: &str) -> Headers {
    let record = &batch.records[failure.record as usize];
    let (plugin, digest) = match &failure.plugin {
        Some((plugin, digest)) => (&**plugin, &**digest),
        None => ("", ""),
    };
    let origin = &batch.origin;
    let values = [
        failure.class.name().to_string(),
        failure.message.clone(),
        failure.stage.name().to_string(),
        plugin.to_string(),
        digest.to_string(),
        failure.attempts.to_string(),
        origin.topic.to_string(),
        origin.partition.to_string(),
        record.offset.to_string(),
        record.timestamp.to_string(),
        group.to_string(),
    ];
    let fields = ERROR.into_iter().zip(values);
    let header = |(name, value): (&str, String)| {
        let name = format!("millstream.error.{name}");
        (name.into_bytes(), Some(value.into_bytes()))
    };
    let events = failure.events.map(|events| events.to_string().into_bytes());
    let events = events.map(|events| (EVENTS.into(), Some(events)));
    let source = source(batch, failure);
    fields.map(header).chain(events).chain([source]).collect()
}

/// Which record it is: tells a copy.
fn source(batch: &Batch, failure: &Failure) -> (Vec<u8>, Option<Vec<u8>>) {
    let offset = batch.records[failure.record as usize].offset;
    let source = format!("{}/{offset}", batch.origin);
    (SOURCE.into(), Some(source.into_bytes()))
}
