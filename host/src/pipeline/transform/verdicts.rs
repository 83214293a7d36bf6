//! Asks the dead-letter policy about failures, and applies the pipeline's limits.

use super::grants::{Grants, hop};
use crate::pipeline::commit::oversize::Omission;
use crate::pipeline::commit::produces::Kind;
use crate::pipeline::headers::{ERROR, EVENTS, OWN_VALUE, SOURCE};
use crate::pipeline::meters::{count_failure, count_letter};
use crate::pipeline::settings::PipelineSettings;
use crate::plugin::{DeadLetter, DeadLetterInstance, End, LetterValue, Ruling, Rulings, Turn};
use crate::record::{Batch, Failure, Headers, Outgoing, RecordView, SharedHeaders, copied};
use metrics::counter;
use std::time::Duration;

/// What to do about one failed record.
pub(in crate::pipeline) enum Verdict {
    /// Send this record to Kafka.
    Letter(Kind, Outgoing),
    /// Retry after the delay.
    Retry(Duration),
    /// Drop the record.
    Drop,
    /// Halt the partition at the record.
    Halt,
}

/// Asks the policy about failures, in order, as far as its turn goes, and returns how
/// that ended. Where the policy fails, the built-in one sends the record to its topic.
/// A verdict is counted when it is taken: after a retry the policy is asked again.
pub(in crate::pipeline) fn judge<'a>(
    policy: &mut DeadLetterInstance,
    batch: &'a Batch,
    failures: &'a [Failure],
    (settings, grants): (&'a PipelineSettings, &'a Grants),
    turn: &Turn<'_>,
) -> (impl ExactSizeIterator<Item = Verdict> + use<'a>, End) {
    let Rulings { list, ended } = policy.run(batch, failures, turn);
    let verdicts = failures.iter().zip(list).map(|(failure, ruling)| {
        count_failure(failure, settings);
        let ruling = ruling.unwrap_or_else(|error| {
            let pipeline = &settings.name;
            let class = error.class.name();
            tracing::error!(
                pipeline,
                class,
                error.message,
                "the dead-letter plugin failed; sending the record to the default topic"
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

/// Asks the policy about all failures, in a new instance. If none can be made, the
/// built-in policy decides, since these failures can't wait.
pub(in crate::pipeline) fn judge_all(
    policy: &DeadLetter,
    batch: &Batch,
    failures: &[Failure],
    (settings, grants): (&PipelineSettings, &Grants),
) -> Vec<Verdict> {
    let mut verdicts = Vec::with_capacity(failures.len());
    let mut turn = Turn::default();
    let mut instance = policy.live();
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
        tracing::error!(
            pipeline,
            error,
            "can't start the dead-letter plugin; sending the records to the default topic"
        );
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
            count_letter("retry", settings);
            Verdict::Retry(delay.min(settings.max_delay))
        }
        Ruling::Retry(_) => verdict(to_topic(), batch, failure, settings),
        Ruling::Drop => {
            count_letter("drop", settings);
            tell_dropped(batch, failure, settings);
            Verdict::Drop
        }
        Ruling::Halt => {
            count_letter("halt", settings);
            Verdict::Halt
        }
        Ruling::Reroute { topic, headers } => {
            // The record unchanged, with its source.
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

/// The verdict for a record that can't go where its policy sent it: a dead letter
/// of the built-in policy.
pub(in crate::pipeline) fn instead(
    batch: &Batch,
    failure: &Failure,
    settings: &PipelineSettings,
) -> Verdict {
    count_failure(failure, settings);
    to_default_topic(batch, failure, settings)
}

/// A dead letter for the pipeline's own topic, as the built-in policy makes it.
pub(in crate::pipeline) fn to_default_topic(
    batch: &Batch,
    failure: &Failure,
    settings: &PipelineSettings,
) -> Verdict {
    verdict(to_topic(), batch, failure, settings)
}

/// The default topic for dead letters of a topic.
pub(in crate::pipeline) fn default_topic(topic: &str) -> String {
    format!("{topic}-dlq")
}

/// The record for Kafka: the failed record's bytes, the host's headers (`told`), and
/// the headers that the policy added.
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

/// The host's headers: why the record failed, its source, and its group, since several
/// groups may share a dead-letter topic.
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

/// The header that identifies the record, and copies of it.
fn source(batch: &Batch, failure: &Failure) -> (Vec<u8>, Option<Vec<u8>>) {
    let offset = batch.records[failure.record as usize].offset;
    let source = format!("{}/{offset}", batch.origin);
    (SOURCE.into(), Some(source.into_bytes()))
}
