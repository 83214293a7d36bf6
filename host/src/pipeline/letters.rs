//! Dead letters: what the policy plugin ruled, within the pipeline's caps.

use super::grants::{Grants, hop};
use super::omitted::Omission;
use super::sending::Kind;
use crate::config::PipelineSettings;
use crate::plugin::{DeadLetter, DeadLetterInstance, End, LetterValue, Ruling, Rulings, Turn};
use crate::record::{Batch, Failure, Headers, Outgoing, RecordView, SharedHeaders, copied};
use metrics::counter;
use std::time::Duration;

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

/// What is done about one failed record.
pub(super) enum Verdict {
    /// This goes to Kafka.
    Letter(Kind, Outgoing),
    /// It is tried again after the delay.
    Retry(Duration),
    /// Nothing.
    Drop,
    /// The partition stops at it.
    Halt,
}

/// Asks the policy about failures, in order, as far as its turn goes; and how
/// that ended. What it can't answer, the built-in policy does: to the topic. A
/// verdict is counted when it is taken: one after a retry is asked for again.
pub(super) fn judge<'a>(
    policy: &mut DeadLetterInstance,
    batch: &'a Batch,
    failures: &'a [Failure],
    (settings, grants): (&'a PipelineSettings, &'a Grants),
    turn: &Turn<'_>,
) -> (impl ExactSizeIterator<Item = Verdict> + use<'a>, End) {
    let Rulings { list, ended } = policy.run(batch, failures, turn);
    let verdicts = failures.iter().zip(list).map(|(failure, ruling)| {
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
        let ruling = grants.hold(ruling, &batch.view(failure.record as usize));
        verdict(ruling, batch, failure, settings)
    });
    (verdicts, ended)
}

/// Asks the policy about failures until it has ruled on all, in an instance of
/// their own. Where none can be made, the built-in policy rules: what is asked
/// here can't wait.
pub(super) fn judge_all(
    policy: &DeadLetter,
    batch: &Batch,
    failures: &[Failure],
    (settings, grants): (&PipelineSettings, &Grants),
) -> Vec<Verdict> {
    let mut verdicts = Vec::with_capacity(failures.len());
    let mut turn = Turn::default();
    let mut instance = policy.instance();
    while let (Ok(policy), left @ [_, ..]) = (&mut instance, &failures[verdicts.len()..]) {
        let (ruled, ended) = judge(policy, batch, left, (settings, grants), &turn);
        verdicts.extend(ruled);
        turn.pace = 1;
        if let End::NoInstance(error) = ended {
            instance = Err(error);
        }
    }
    if let Err(error) = instance {
        let (pipeline, error) = (&settings.name, &error.message);
        tracing::error!(pipeline, error, "can't start the dead-letter plugin");
    }
    let rest = failures[verdicts.len()..].iter();
    verdicts.extend(rest.map(|failure| instead(batch, failure, settings)));
    verdicts
}

fn to_topic() -> Ruling {
    Ruling::ToTopic {
        topic: None,
        value: LetterValue::Same,
        headers: SharedHeaders::new(),
    }
}

fn count(failure: &Failure, settings: &PipelineSettings) {
    let (class, stage) = (failure.class.name(), failure.stage.name());
    let pipeline = settings.name.clone();
    counter!("millstream_failures_total", "pipeline" => pipeline, "class" => class, "stage" => stage)
        .increment(1);
}

/// Counts what was done; what goes to Kafka is counted when it is there.
pub(super) fn counted(action: &'static str, settings: &PipelineSettings) {
    let pipeline = settings.name.clone();
    counter!("millstream_dead_letters_total", "pipeline" => pipeline, "action" => action)
        .increment(1);
}

fn tell_dropped(batch: &Batch, failure: &Failure, settings: &PipelineSettings) {
    let offset = batch.records[failure.record as usize].offset;
    tracing::warn!(
        pipeline = settings.name,
        class = failure.class.name(),
        stage = failure.stage.name(),
        plugin = failure.plugin.as_ref().map_or("", |(name, _)| name),
        record = %format_args!("{}/{offset}", batch.origin),
        why = failure.message,
        "a record failed and was dropped by the dead-letter policy"
    );
}

fn verdict(
    ruling: Ruling,
    batch: &Batch,
    failure: &Failure,
    settings: &PipelineSettings,
) -> Verdict {
    match ruling {
        Ruling::Retry(delay) if failure.attempts < settings.max_attempts => {
            counted("retry", settings);
            Verdict::Retry(delay.min(settings.max_delay))
        }
        Ruling::Retry(_) => verdict(to_topic(), batch, failure, settings),
        Ruling::Drop => {
            counted("drop", settings);
            tell_dropped(batch, failure, settings);
            Verdict::Drop
        }
        Ruling::Halt => {
            counted("halt", settings);
            Verdict::Halt
        }
        Ruling::Reroute { topic, headers } => {
            // As it was, and where it is from.
            let (topic, told) = (Some(topic), vec![source(batch, failure)]);
            let same = LetterValue::Same;
            let outgoing = letter(batch, failure, topic, same, told, &headers);
            Verdict::Letter(Kind::Reroute(failure.clone()), outgoing)
        }
        Ruling::ToTopic {
            topic,
            value,
            headers,
        } => {
            let mut told = error_headers(batch, failure, &settings.group);
            if value != LetterValue::Same {
                told.push((OWN_VALUE.into(), Some(b"true".to_vec())));
            }
            let outgoing = letter(batch, failure, topic, value, told, &headers);
            let own = batch.records[failure.record as usize].header_count as usize;
            let omission = Omission::of(own);
            Verdict::Letter(Kind::DeadLetter(failure.clone(), omission), outgoing)
        }
    }
}

/// What becomes of a record that can't go where its policy sent it: a dead
/// letter, as the built-in policy makes it.
pub(super) fn instead(batch: &Batch, failure: &Failure, settings: &PipelineSettings) -> Verdict {
    count(failure, settings);
    verdict(to_topic(), batch, failure, settings)
}

/// The topic that dead letters of a topic go to, unless a policy names another.
pub(super) fn default_topic(topic: &str) -> String {
    format!("{topic}-dlq")
}

/// A failed record on its way to a topic: its own bytes, what is `told` of it,
/// and what the policy added.
fn letter(
    batch: &Batch,
    failure: &Failure,
    topic: Option<String>,
    value: LetterValue,
    told: Headers,
    added: &SharedHeaders,
) -> Outgoing {
    let view = batch.view(failure.record as usize);
    let mut headers = own_headers(&view);
    headers.extend(told);
    headers.push(hop(&view));
    headers.extend(copied(added));
    Outgoing {
        topic: topic.unwrap_or_else(|| default_topic(&batch.origin.topic)),
        key: view.key().map(<[u8]>::to_vec),
        value: match value {
            LetterValue::Same => view.value().map(<[u8]>::to_vec),
            LetterValue::Own(value) => value.map(|value| value.to_vec()),
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
