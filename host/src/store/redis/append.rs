//! Carries out the ledger protocol (`store/protocol`) on a connection.
//!
//! Its obligations: one transaction in flight per connection. A look comes after
//! the previous EXEC (EXEC clears every watch), ends with MULTI, and all its
//! answers are read before anything of the transaction is sent (`look.rs`). Any
//! connection error drops the connection, with every watch and everything queued.

use super::answers::{Done, Outcome, ledger_of, scores_of, time_of};
use super::commands::{self, LEDGER_FIELDS};
use super::look::{Looked, refused};
use super::new_events::NewEvents;
use super::places::CommandPlaces;
use super::task_commands;
use super::transaction::trouble;
use super::values;
use super::writer::RedisWriter;
use crate::record::ClientId;
use crate::store::protocol::{AfterExecute, AfterLook, Executed};
use crate::store::{
    Append, Appended, Ledger, LedgerKey, Mark, ReadValues, Replay, Replayed, Unavailable, Writer,
};
use bytes::Bytes;
use metrics::counter;
use redis::FromRedisValue;
use std::time::Duration;

impl RedisWriter {
    /// Looks until the protocol decides: returns the ledger and the events for
    /// the transaction, or the final result of the append.
    fn look_for<'a>(
        &mut self,
        append: &mut Append<'a>,
    ) -> Result<(Ledger, NewEvents<'a>), Appended> {
        loop {
            let ahead = self.take_ahead(append);
            let rode = ahead.is_some();
            let looked = match ahead {
                Some(ledger) => Ok(Looked::of(ledger)),
                None => self.look_now(append),
            };
            let looked = looked.map_err(Appended::Unavailable)?;
            let Looked { ledger, marked, .. } = &looked;
            let ours = ledger.as_ref().filter(|of| of.is_of(append.identity));
            let next = ours.map(|ledger| ledger.next);
            match (append.exchange.looked(next, rode), ledger.clone()) {
                (AfterLook::Execute, Some(ledger)) => {
                    let refused = values::refusals(append, &looked.types);
                    if !refused.is_empty() {
                        self.leave();
                        return Err(Appended::Refused(refused));
                    }
                    let fresh = match append.exchange.rest() {
                        Some(rest) => NewEvents::rest(append, rest),
                        None => NewEvents::of(append, marked),
                    };
                    return Ok((ledger, fresh));
                }
                (AfterLook::Look, _) => {}
                (AfterLook::Stored, _) => {
                    self.leave();
                    return Err(Appended::Stored(append.exchange.unstored()));
                }
                (AfterLook::Moved | AfterLook::Execute, ledger) => {
                    self.leave();
                    say_passed_over(append);
                    return Err(Appended::Moved(ledger));
                }
            }
        }
    }

    fn look_now(&mut self, append: &mut Append) -> Result<Looked, Unavailable> {
        if append.exchange.unverified().is_some() {
            return self.look_at_unverified(append);
        }
        let replays: Vec<&str> = append.replays().iter().map(|(name, _)| *name).collect();
        // A later try may find some of them stored.
        let first = append.exchange.rest().is_none();
        let streams = match first && !append.values.is_empty() {
            true => values::streams(append, &self.keys),
            false => Vec::new(),
        };
        self.look(append.ledger, &replays, &streams)
    }

    /// Takes the ledger back to `before`, since nothing was stored: an owner that
    /// continues from it must not skip the events. If this fails, the next try
    /// continues from what it finds.
    fn take_back(&mut self, append: &mut Append, before: &Ledger, marks: &[&str]) {
        let Ok(Some(there)) = self.look_now(append).map(|looked| looked.ledger) else {
            return;
        };
        if there.next != append.exchange.next || !there.is_of(append.identity) {
            return;
        }
        let mut pipe = redis::pipe();
        commands::take_back(&mut pipe, &self.keys, append, before, marks);
        let places = CommandPlaces::default();
        if let Ok(Outcome::Done(Done { moved: true, .. })) = self.finish(&pipe, places) {
            append.exchange.taken_back();
        }
    }
}

/// Logs that another owner continued after events that are not stored.
fn say_passed_over(append: &Append) {
    let events = append.exchange.passed_over();
    if events > 0 {
        let partition = &append.ledger.partition;
        let from = append.exchange.expected;
        tracing::error!(
            %partition, from, events,
            "these events are in no stream: Redis permissions changed while it stored them, and \
             another owner of the partition has continued after them"
        );
    }
}

impl Writer for RedisWriter {
    fn ledger(&mut self, key: &LedgerKey) -> Result<Option<Ledger>, Unavailable> {
        let mut pipe = redis::pipe();
        pipe.cmd("HMGET")
            .arg(self.keys.ledger(key))
            .arg(&LEDGER_FIELDS[..]);
        let answers = self.send(&pipe)?;
        ledger_of(&answers[0])
    }

    fn values(&mut self, key: &LedgerKey, keys: &[Bytes]) -> Result<ReadValues, Unavailable> {
        self.read_values(key, keys)
    }

    fn begin(
        &mut self,
        key: &LedgerKey,
        stands: Option<i64>,
        anew: &Ledger,
        forget: bool,
    ) -> Result<Ledger, Unavailable> {
        loop {
            let there = self.look(key, &[], &[])?.ledger;
            if let Some(other) = there.filter(|ledger| Some(ledger.next) != stands) {
                self.leave();
                return Ok(other);
            }
            let mut pipe = redis::pipe();
            if forget {
                pipe.cmd("UNLINK").arg(self.keys.ledger(key));
                pipe.cmd("UNLINK").arg(self.keys.expiry(key));
            }
            commands::write_ledger(&mut pipe, &self.keys.ledger(key), anew);
            match self.finish(&pipe, CommandPlaces::default())? {
                Outcome::Done(Done { trouble: None, .. }) => return Ok(anew.clone()),
                Outcome::Done(done) => return Err(trouble(&done)),
                Outcome::Conflict => {}
                Outcome::Refused(error) => return Err(error),
            }
        }
    }

    fn partitions_at_first(
        &mut self,
        group: &str,
        topic: &str,
        topic_id: &str,
        partitions: i32,
    ) -> Result<i32, Unavailable> {
        let key = self.keys.partitions(group, topic);
        let mut pipe = redis::pipe();
        let note = pipe.cmd("HSETNX").arg(&key).arg(topic_id);
        note.arg(partitions);
        pipe.cmd("HGET").arg(&key).arg(topic_id);
        let answers = self.send(&pipe)?;
        match answers.get(1).map(i32::from_redis_value_ref) {
            Some(Ok(first)) => Ok(first),
            _ => Err(refused(&answers)),
        }
    }

    fn append(&mut self, append: &mut Append, following: Option<&LedgerKey>) -> Appended {
        loop {
            let (ledger, fresh) = match self.look_for(append) {
                Ok(found) => found,
                Err(ended) => return ended,
            };
            let since = self.since;
            let sent = self.execute(append, &fresh, &ledger, following);
            let executed = match &sent {
                Ok(Outcome::Done(done)) => fresh.executed(done),
                Ok(Outcome::Conflict) => Executed::Conflict,
                Ok(Outcome::Refused(_)) => Executed::Refused,
                Err(_) => Executed::Lost(since),
            };
            let events = || fresh.all_in_append(append.events.len());
            let after = append.exchange.executed(events, executed);
            if after == AfterExecute::TakeBack {
                self.take_back(append, &ledger, &fresh.replays);
            }
            match sent {
                Ok(Outcome::Done(done)) if after != AfterExecute::Stored => {
                    return Appended::Unavailable(trouble(&done));
                }
                Ok(Outcome::Done(_)) => {
                    let skipped = fresh.skipped(append.events);
                    counter!("millstream_replays_skipped_total").increment(skipped);
                    let unstored = append.exchange.unstored();
                    let in_vain = fresh.in_vain(append.events, &unstored);
                    self.unmark_in_vain(&append.ledger.group, &in_vain);
                    return Appended::Stored(unstored);
                }
                Ok(Outcome::Refused(error)) => return Appended::Unavailable(error),
                Ok(Outcome::Conflict) => {
                    counter!("millstream_store_conflicts_total").increment(1);
                }
                Err(error) => return Appended::Unknown(error),
            }
        }
    }

    fn round_trip(&self) -> Option<Duration> {
        self.fastest_look()
    }

    fn rest(&mut self) {
        self.leave();
    }

    fn owners(&mut self, tasks: &[&str]) -> Result<Vec<Option<ClientId>>, Unavailable> {
        if tasks.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipe = redis::pipe();
        task_commands::ask_owners(&mut pipe, &self.keys, tasks);
        self.send(&pipe)?
            .iter()
            .map(task_commands::owner_of)
            .collect()
    }

    fn connected(&mut self, clients: &[&str]) -> Result<Vec<bool>, Unavailable> {
        if clients.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipe = redis::pipe();
        pipe.cmd("TIME");
        let scores = pipe.cmd("ZMSCORE").arg(&self.keys.interest);
        clients.iter().for_each(|client| {
            scores.arg(client);
        });
        let answers = self.send(&pipe)?;
        let until = scores_of(&answers[1])?;
        // Leases use Redis's clock, whichever edge holds them.
        let now = time_of(&answers[0]) as f64;
        Ok(until
            .into_iter()
            .map(|until| until.is_some_and(|until| until > now))
            .collect())
    }

    fn marked(
        &mut self,
        group: &str,
        mark: Mark,
        names: &[&str],
    ) -> Result<Vec<bool>, Unavailable> {
        self.marked_in(group, mark, names)
    }

    fn mark_sent(&mut self, group: &str, names: &[&str]) -> Result<(), Unavailable> {
        self.mark_as_sent(group, names)
    }

    fn unmark(&mut self, group: &str, sources: &[&str]) -> Result<(), Unavailable> {
        self.unmark_in(group, sources)
    }

    fn replay(&mut self, replay: &mut Replay, write: bool) -> Result<Vec<Replayed>, Unavailable> {
        self.replay_once(replay, write)
    }
}
