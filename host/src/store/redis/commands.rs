//! Builds the commands of one transaction.

use super::bell::{self, Ringer, Rung};
use super::keys::Keys;
use super::task_commands;
use super::trim::nearly;
use super::values;
use crate::record::TopicPartition;
use crate::store::time::millis;
use crate::store::{Append, Ledger, StreamEvent};
use redis::Pipeline;
use std::io::Write;
use std::time::Duration;

/// The ledger's fields, in the order in which they are read.
pub(super) const LEDGER_FIELDS: [&str; 6] = [
    "next",
    "topic-id",
    "cluster-id",
    "digests",
    "attempts",
    "clock",
];

/// Swap log entries kept per partition: one is a few dozen bytes.
const SWAPS_KEPT: usize = 10_000;

/// Writes the `source` field of an event's entry.
pub(super) fn source_into(source: &mut Vec<u8>, partition: &TopicPartition, event: &StreamEvent) {
    source.clear();
    // Writing into a Vec can't fail.
    let _ = match event.replay {
        None => write!(source, "{partition}/{}/{}", event.offset, event.n),
        Some(replay) => write!(source, "{replay}/{}", event.n),
    };
}

/// Adds the events' XADDs.
pub(super) fn add_events(pipe: &mut Pipeline, keys: &Keys, append: &Append, max_events: u64) {
    let partition = &append.ledger.partition;
    let mut source = Vec::with_capacity(64);
    let nearly = nearly(max_events);
    for event in append.events {
        source_into(&mut source, partition, event);
        if let Some(task) = &event.task {
            let stream = Some((nearly, max_events, &source[..]));
            task_commands::report(pipe, keys, event, task, stream);
            continue;
        }
        pipe.cmd("XADD")
            .arg(keys.stream(event.to, event.name))
            .arg("MAXLEN")
            .arg(nearly)
            .arg(max_events)
            .arg("*")
            .arg("type")
            .arg(event.kind)
            .arg("data")
            .arg(event.data)
            .arg("source")
            .arg(&source[..]);
    }
}

/// Adds the reports about tasks of events without a stream.
pub(super) fn add_reports(pipe: &mut Pipeline, keys: &Keys, append: &Append) {
    for event in append.reports {
        if let Some(task) = &event.task {
            task_commands::report(pipe, keys, event, task, None);
        }
    }
}

/// How long replay marks are kept.
const REPLAYS_KEPT: Duration = Duration::from_hours(30 * 24);

/// Adds the marks of replayed records, and removes old ones.
pub(super) fn mark_replays(
    pipe: &mut Pipeline,
    keys: &Keys,
    append: &Append,
    replays: &[&str],
    now: u64,
) {
    if replays.is_empty() {
        return;
    }
    mark(pipe, &keys.replayed(&append.ledger.group), replays, now);
}

/// Adds marks to this set, and removes old ones. `now` is Redis's time: marks are
/// set from many hosts, and a clock that is ahead would remove them all.
pub(super) fn mark(pipe: &mut Pipeline, key: &str, names: &[&str], now: u64) {
    pipe.cmd("ZREMRANGEBYSCORE")
        .arg(key)
        .arg("-inf")
        .arg(now.saturating_sub(millis(REPLAYS_KEPT)));
    let add = pipe.cmd("ZADD").arg(key);
    for name in names {
        add.arg(now).arg(name);
    }
}

/// Adds the clients whose events were suppressed while they are away, so that
/// they are notified when they return.
pub(super) fn note_suppressed(pipe: &mut Pipeline, keys: &Keys, append: &Append, now: u64) {
    if append.suppressed.is_empty() {
        return;
    }
    let add = pipe.cmd("ZADD").arg(&keys.withheld);
    for client in append.suppressed {
        add.arg(now).arg(client);
    }
}

/// Adds the doorbell: one message per batch, each stream once. Returns its
/// position, for [`Ringer::learn`].
pub(super) fn ring(pipe: &mut Pipeline, keys: &Keys, ringer: &Ringer, append: &Append) -> Rung {
    let streams = append.events.iter().map(|event| (event.to, event.name));
    let mut streams: Vec<_> = streams.collect();
    streams.sort_unstable();
    streams.dedup();
    if streams.is_empty() {
        return Rung::default();
    }
    ringer.ring(pipe, keys, &bell::lines(&streams))
}

/// Adds the ledger's move, and a swap log entry if the plugins differ from those
/// in `ledger`.
pub(super) fn move_ledger(pipe: &mut Pipeline, keys: &Keys, append: &Append, ledger: &Ledger) {
    let key = keys.ledger(append.ledger);
    let set = pipe.cmd("HSET").arg(&key);
    set.arg("next").arg(append.exchange.next);
    if ledger.clock != append.clock {
        set.arg("clock").arg(append.clock);
    }
    values::set(set, append.values.iter().map(|new| (&new.key, &new.value)));
    if ledger.attempts != append.attempts {
        set.arg("attempts").arg(append.attempts);
    }
    if ledger.digests != append.digests {
        set.arg("digests").arg(append.digests);
        pipe.cmd("XADD")
            .arg(keys.swaps(append.ledger))
            .arg("MAXLEN")
            .arg("~")
            .arg(SWAPS_KEPT)
            .arg("*")
            .arg("from")
            .arg(append.exchange.expected)
            .arg("plugins")
            .arg(append.digests);
    }
}

/// Adds the commands that take a ledger back to where an append found it, and
/// that remove its replay marks: nothing of the append is stored.
pub(super) fn take_back(
    pipe: &mut Pipeline,
    keys: &Keys,
    append: &Append,
    before: &Ledger,
    marks: &[&str],
) {
    let set = pipe.cmd("HSET");
    set.arg(keys.ledger(append.ledger))
        .arg("next")
        .arg(append.exchange.expected)
        .arg("digests")
        .arg(&before.digests)
        .arg("attempts")
        .arg(before.attempts)
        .arg("clock")
        .arg(before.clock);
    values::set(set, append.values.iter().map(|new| (&new.key, &new.before)));
    if !marks.is_empty() {
        let of = keys.replayed(&append.ledger.group);
        pipe.cmd("ZREM").arg(of).arg(marks);
    }
}

/// Writes the whole ledger under `key`, in one command, so that it is complete
/// whatever else is refused.
pub(super) fn write_ledger(pipe: &mut Pipeline, key: &str, ledger: &Ledger) {
    pipe.cmd("HSET")
        .arg(key)
        .arg("next")
        .arg(ledger.next)
        .arg("topic-id")
        .arg(&ledger.topic_id)
        .arg("cluster-id")
        .arg(&ledger.cluster_id)
        .arg("digests")
        .arg(&ledger.digests)
        .arg("attempts")
        .arg(ledger.attempts)
        .arg("clock")
        .arg(ledger.clock);
}
