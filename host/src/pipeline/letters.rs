//! Dead letters: what the policy plugin ruled, within the pipeline's caps, and
//! what is written to Kafka for it.

use crate::config::PipelineSettings;
use crate::ingest::{Outbox, Receipts};
use crate::plugin::{DeadLetterInstance, LetterValue, Ruling};
use crate::record::{Batch, Failure, Headers, Outgoing, RecordView};
use metrics::counter;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The header that says where a record was at first.
pub(super) const SOURCE: &str = "millstream.source";

/// What is on its way to Kafka, and the receipts for it.
#[derive(Default)]
pub(super) struct Letters {
    outgoing: Vec<Outgoing>,
    receipts: Arc<Receipts>,
}

impl Letters {
    /// Sends one more. It is under way when this returns.
    pub fn send(&mut self, outbox: &Outbox, outgoing: Outgoing) {
        outbox.send(&outgoing, self.outgoing.len(), &self.receipts);
        self.outgoing.push(outgoing);
    }

    /// Whether Kafka has all of them, as far as is known within `patience`.
    /// What it refused is sent again.
    pub fn arrived(&self, outbox: &Outbox, patience: Duration) -> Arrival {
        let Some(failed) = self.receipts.wait(Instant::now() + patience) else {
            return Arrival::Waiting;
        };
        let refused = failed.first().map(|(index, error)| Refused {
            topic: self.outgoing[*index].topic.clone(),
            why: error.why.clone(),
            no_topic: error.no_topic,
        });
        for (index, _) in failed {
            outbox.send(&self.outgoing[index], index, &self.receipts);
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

/// What Kafka has against a letter.
pub(super) struct Refused {
    pub topic: String,
    pub why: String,
    /// There is no such topic.
    pub no_topic: bool,
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
            Verdict::Letter(rerouted(batch, failure, topic, headers))
        }
        Ruling::ToTopic {
            topic,
            value,
            headers,
        } => {
            did("topic");
            Verdict::Letter(letter(batch, failure, topic, value, headers))
        }
    }
}

/// A dead letter: the record's own bytes, and why it is one.
fn letter(
    batch: &Batch,
    failure: &Failure,
    topic: Option<String>,
    value: LetterValue,
    added: Headers,
) -> Outgoing {
    let view = batch.view(failure.record as usize);
    let mut headers = own_headers(&view);
    headers.extend(error_headers(
        batch,
        failure,
        view.record.offset,
        view.record.timestamp,
    ));
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

/// A record on its way to another topic: all as it was, and where it is from.
fn rerouted(batch: &Batch, failure: &Failure, topic: String, added: Headers) -> Outgoing {
    let view = batch.view(failure.record as usize);
    let mut headers = own_headers(&view);
    headers.push(source(batch, view.record.offset));
    headers.extend(added);
    Outgoing {
        topic,
        key: view.key().map(<[u8]>::to_vec),
        value: view.value().map(<[u8]>::to_vec),
        headers,
    }
}

fn own_headers(view: &RecordView) -> Headers {
    let own = |(name, value): (&[u8], Option<&[u8]>)| (name.to_vec(), value.map(<[u8]>::to_vec));
    view.headers().map(own).collect()
}

fn error_headers(batch: &Batch, failure: &Failure, offset: i64, timestamp: i64) -> Headers {
    let (plugin, digest) = match &failure.plugin {
        Some((plugin, digest)) => (&**plugin, &**digest),
        None => ("", ""),
    };
    let origin = &batch.origin;
    let fields = [
        ("class", failure.class.name().to_string()),
        ("message", failure.message.clone()),
        ("stage", failure.stage.name().to_string()),
        ("plugin", plugin.to_string()),
        ("digest", digest.to_string()),
        ("attempts", failure.attempts.to_string()),
        ("topic", origin.topic.to_string()),
        ("partition", origin.partition.to_string()),
        ("offset", offset.to_string()),
        ("timestamp", timestamp.to_string()),
    ];
    let header = |(name, value): (&str, String)| {
        let name = format!("millstream.error.{name}");
        (name.into_bytes(), Some(value.into_bytes()))
    };
    let source = source(batch, offset);
    fields.into_iter().map(header).chain([source]).collect()
}

/// Which record it is: tells a copy.
fn source(batch: &Batch, offset: i64) -> (Vec<u8>, Option<Vec<u8>>) {
    let source = format!("{}/{offset}", batch.origin);
    (SOURCE.into(), Some(source.into_bytes()))
}
