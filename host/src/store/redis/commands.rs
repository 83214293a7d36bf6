//! Builds the commands of one transaction.

use super::bell::{self, Ringer};
use super::keys::Keys;
use super::places::Rung;
use super::streams::Streams;
use super::task_commands;
use super::values;
use crate::store::time::millis;
use crate::store::{Append, Ledger};
use redis::Pipeline;
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

/// Adds the doorbell: one message per batch. `before` commands come before those
/// of `pipe`. Returns its position, for [`Ringer::learn`].
pub(super) fn ring(
    pipe: &mut Pipeline,
    before: usize,
    keys: &Keys,
    ringer: &Ringer,
    streams: &Streams,
) -> Rung {
    if streams.is_empty() {
        return Rung::default();
    }
    ringer.ring(pipe, before, keys, &bell::lines(streams.names()))
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
