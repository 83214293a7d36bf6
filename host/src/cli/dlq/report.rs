//! The report of a replay or a dry run.

use super::bytes;
use crate::pipeline::replay::{Failed, Refused, Report};
use crate::record::StreamKind;
use anyhow::bail;
use serde_json::{Value, json};

/// The contents of the report.
pub(super) struct Told<'a> {
    pub report: &'a Report,
    pub dry_run: bool,
    /// Ctrl-C stopped the replay.
    pub stopped: bool,
    /// Number of records that are not dead letters.
    pub no_letters: u64,
}

impl Told<'_> {
    /// An error if the exit code must be 1.
    pub fn verdict(&self) -> anyhow::Result<()> {
        let (failed, refused) = (self.report.failures(), self.report.refusals());
        if self.stopped {
            bail!(STOPPED);
        }
        let (fail, are) = match self.dry_run {
            true => ("would fail again", "would be refused"),
            false => ("failed again", "were refused"),
        };
        let of = |count: u64, what: &str| (count > 0).then(|| format!("{count} {what}"));
        let told: Vec<_> = [of(failed, fail), of(refused, are)]
            .into_iter()
            .flatten()
            .collect();
        if told.is_empty() {
            return Ok(());
        }
        let (all, told) = (self.report.chosen, told.join(" and "));
        bail!("of {all} letters, {told}; they stay in their topic")
    }
}

/// The error after Ctrl-C.
pub(super) const STOPPED: &str = "stopped before the end; run the command again to continue";

pub(super) fn text(told: &Told) -> String {
    let report = told.report;
    let mut lines = vec![format!("{:>9}  letters chosen", report.chosen)];
    let mut line = |depth: usize, count: u64, what: String| {
        if count > 0 {
            let indent = depth * 2;
            lines.push(format!("{:>1$}  {what}", count, 9 + indent));
        }
    };
    let did = |done: &str, would: &str| match told.dry_run {
        true => would.to_string(),
        false => done.to_string(),
    };
    line(0, report.replayed, did("replayed", "would be replayed"));
    let events = did("events stored", "events would be stored");
    line(1, report.streamed, events);
    for ((to, kind), count) in &report.events {
        let kind = if kind.is_empty() { "(no type)" } else { kind };
        line(2, *count, format!("{} {}", whose(*to), bytes::line(kind)));
    }
    let away = did("events suppressed", "events would be suppressed");
    line(
        1,
        report.suppressed,
        format!("{away}: their clients are away"),
    );
    let dropped = did("events dropped", "events would be dropped");
    line(
        1,
        report.dropped,
        format!("{dropped}: their task had ended"),
    );
    for (topic, count) in &report.routed {
        let to = did("events sent to the topic", "events would go to the topic");
        line(1, *count, format!("{to} {topic}"));
    }
    for (topic, count) in &report.sent {
        let to = did("sent to the topic", "would be sent to the topic");
        line(0, *count, format!("{to} {topic}"));
    }
    let none = did("filtered: no events", "would be filtered: no events");
    line(0, report.filtered, none);
    line(0, report.before, "already replayed".into());
    line(
        0,
        report.copies,
        "duplicates of other chosen letters".into(),
    );
    for (
        class,
        Failed {
            count,
            message,
            first,
        },
    ) in &report.failed
    {
        let failed = did("failed again", "would fail again");
        let message = bytes::cut(&bytes::line(message), 200);
        line(
            0,
            *count,
            format!("{failed}, {class}: {message} (first: {first})"),
        );
    }
    for (reason, Refused { count, why, first }) in &report.refused {
        let refused = did("refused", "would be refused");
        line(
            0,
            *count,
            format!("{refused}, {reason}: {} (first: {first})", bytes::line(why)),
        );
    }
    line(
        0,
        told.no_letters,
        "records skipped: not dead letters".into(),
    );
    lines.join("\n") + "\n"
}

fn whose(to: StreamKind) -> &'static str {
    to.word()
}

pub(super) fn json(told: &Told) -> Value {
    let report = told.report;
    let event = |((to, kind), count): (&(StreamKind, String), &u64)| json!({ "to": whose(*to), "type": kind, "count": count });
    let failed = |(class, failed): (&&str, &Failed)| {
        let Failed {
            count,
            message,
            first,
        } = failed;
        json!({ "class": class, "count": count, "message": message, "first": first })
    };
    let refused = |(reason, refused): (&&str, &Refused)| {
        let Refused { count, why, first } = refused;
        json!({ "reason": reason, "count": count, "why": why, "first": first })
    };
    json!({
        "dry-run": told.dry_run,
        "stopped": told.stopped,
        "chosen": report.chosen,
        "replayed": report.replayed,
        "filtered": report.filtered,
        "sent": report.sent,
        "before": report.before,
        "copies": report.copies,
        "failed": report.failed.iter().map(failed).collect::<Vec<_>>(),
        "refused": report.refused.iter().map(refused).collect::<Vec<_>>(),
        "events": report.events.iter().map(event).collect::<Vec<_>>(),
        "streamed": report.streamed,
        "withheld": report.suppressed,
        "dropped": report.dropped,
        "routed": report.routed,
        "no-letters": told.no_letters,
    })
}
