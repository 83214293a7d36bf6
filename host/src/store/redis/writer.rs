//! Carries out the ledger protocol (`store/protocol`) on a connection.
//!
//! Its part of the bargain: one transaction in flight on a connection; a look
//! comes after the EXEC before it (EXEC clears every watch), ends with MULTI,
//! and all of its answers are read before anything of the transaction is sent
//! (`look.rs`); any error of the connection throws the connection away, and with
//! it every watch and whatever was queued.

use super::answers::{Done, Outcome, Places, ledger_of, outcome, scores_of, time_of};
use super::bell::Ringer;
use super::commands::{self, Keys, LEDGER_FIELDS};
use super::link::Link;
use super::look::{Ahead, Looked, refused};
use super::replays::Fresh;
use super::tasks;
use super::upkeep::{KeptUp, Upkeep};
use crate::record::ClientId;
use crate::store::protocol::{AfterExecute, AfterLook, Executed};
use crate::store::{
    Append, Appended, Ledger, LedgerKey, Mark, Replay, Replayed, Retention, Unavailable, Writer,
};
use metrics::counter;
use redis::{FromRedisValue, Pipeline};
use std::sync::Arc;

/// One worker's connection.
pub struct RedisWriter {
    pub(super) link: Link,
    pub(super) keys: Arc<Keys>,
    pub(super) ringer: Arc<Ringer>,
    pub(super) max_events: u64,
    pub(super) upkeep: Upkeep,
    /// The connection is inside MULTI: a look has ended, and its transaction was
    /// not sent yet.
    pub(super) inside: bool,
    /// The look that rode behind the last transaction.
    pub(super) ahead: Option<Ahead>,
    /// Redis' time at the last look, in milliseconds: the ids of events are of
    /// its clock, and ours may be hours away from it.
    pub(super) now: u64,
    /// Likewise, 0 where Redis did not say: what is stored after the look has
    /// ids of this time or later.
    pub(super) since: u64,
}

/// A transaction behind the MULTI that ended its look.
struct Transaction {
    pipe: Pipeline,
    places: Places,
    kept_up: KeptUp,
}

impl RedisWriter {
    pub(super) fn new(
        client: redis::Client,
        keys: Arc<Keys>,
        ringer: Arc<Ringer>,
        retention: Retention,
    ) -> RedisWriter {
        RedisWriter {
            link: Link::new(client),
            keys,
            ringer,
            max_events: retention.max_events,
            upkeep: Upkeep::new(retention),
            inside: false,
            ahead: None,
            now: 0,
            since: 0,
        }
    }

    fn transaction(&self, append: &Append, replays: &[&str], ledger: &Ledger) -> Transaction {
        let mut pipe = redis::Pipeline::with_capacity(append.events.len() + 8);
        commands::add_events(&mut pipe, &self.keys, append, self.max_events);
        commands::add_reports(&mut pipe, &self.keys, append);
        let kept_up = self.upkeep.add(&mut pipe, &self.keys, append, self.now);
        commands::mark_replays(&mut pipe, &self.keys, append, replays, self.now);
        commands::note_withheld(&mut pipe, &self.keys, append, self.now);
        let rung = commands::ring(&mut pipe, &self.keys, &self.ringer, append);
        let places = Places {
            events: append.events.len(),
            ledger: pipe.len(),
            rung,
        };
        commands::move_ledger(&mut pipe, &self.keys, append, ledger);
        pipe.cmd("EXEC");
        Transaction {
            pipe,
            places,
            kept_up,
        }
    }

    /// What the campaign must find: the ledger is moved before the events are
    /// stored, and what came between is not noticed.
    #[cfg(feature = "seeded-bug")]
    fn move_ledger_first(&mut self, append: &Append, ledger: &Ledger) -> Result<(), Unavailable> {
        self.leave();
        let mut pipe = redis::pipe();
        commands::move_ledger(&mut pipe, &self.keys, append, ledger);
        pipe.cmd("MULTI");
        self.link.send(&pipe).map(drop)
    }

    /// Looks until the protocol says what to do: the ledger to execute upon and
    /// what to store, or how the append ends.
    fn look_for<'a>(&mut self, append: &mut Append<'a>) -> Result<(Ledger, Fresh<'a>), Appended> {
        loop {
            let ahead = self.take_ahead(append);
            let rode = ahead.is_some();
            let looked = match ahead {
                Some(ledger) => Ok((ledger, Vec::new())),
                None => self.look_now(append),
            };
            let (ledger, marked) = looked.map_err(Appended::Unavailable)?;
            let ours = ledger.as_ref().filter(|of| of.is_of(append.identity));
            let next = ours.map(|ledger| ledger.next);
            match (append.exchange.looked(next, rode), ledger) {
                (AfterLook::Execute, Some(ledger)) => {
                    let fresh = match append.exchange.rest() {
                        Some(rest) => Fresh::rest(append, rest),
                        None => Fresh::of(append, &marked),
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
        if append.exchange.in_doubt().is_some() {
            return self.look_in_doubt(append);
        }
        let replays: Vec<&str> = append.replays().iter().map(|(name, _)| *name).collect();
        self.look(append.ledger, &replays)
    }

    /// Sends the transaction. Afterwards the look is spent, whatever comes.
    fn execute(
        &mut self,
        append: &Append,
        fresh: &Fresh,
        ledger: &Ledger,
        following: Option<&LedgerKey>,
    ) -> Result<Outcome, Unavailable> {
        #[cfg(feature = "seeded-bug")]
        self.move_ledger_first(append, ledger)?;
        let append = &Append {
            events: fresh.events(append.events),
            reports: &fresh.reports(append.reports),
            exchange: append.exchange.clone(),
            ..*append
        };
        let Transaction {
            mut pipe,
            places,
            kept_up,
        } = self.transaction(append, &fresh.replays, ledger);
        let commands = pipe.len();
        if let Some(key) = following {
            self.add_look_ahead(&mut pipe, key);
        }
        self.inside = false;
        let mut answers = self.link.send_on(&pipe)?;
        let behind = answers.split_off(commands);
        let otherwise = self.ringer.learn(places.rung, &answers);
        let outcome = outcome(answers, places);
        match &outcome {
            // What is left of it ends with the connection, and so does what
            // was to follow.
            Outcome::Refused(_) => self.link.close(),
            _ => following
                .into_iter()
                .for_each(|key| self.looked_ahead(key, &behind)),
        }
        if matches!(&outcome, Outcome::Done(Done { trouble: None, .. })) {
            self.upkeep.done(&kept_up);
        }
        Ok(if otherwise {
            Outcome::Conflict
        } else {
            outcome
        })
    }

    /// Takes the ledger back to where it was `before`, since nothing was stored:
    /// whoever goes on from it must not pass that over. Whatever goes wrong
    /// here, the next try goes on from what it finds.
    fn take_back(&mut self, append: &mut Append, before: &Ledger, marks: &[&str]) {
        let Ok((Some(there), _)) = self.look_now(append) else {
            return;
        };
        if there.next != append.exchange.next || !there.is_of(append.identity) {
            return;
        }
        let mut pipe = redis::pipe();
        commands::take_back(&mut pipe, &self.keys, append, before, marks);
        let places = Places::default();
        if let Ok(Outcome::Done(Done { moved: true, .. })) = self.finish(pipe, places) {
            append.exchange.taken_back();
        }
    }

    /// Sends a transaction that moves no events, behind its look.
    pub(super) fn finish(
        &mut self,
        mut pipe: Pipeline,
        places: Places,
    ) -> Result<Outcome, Unavailable> {
        pipe.cmd("EXEC");
        self.inside = false;
        let answers = self.link.send_on(&pipe)?;
        let otherwise = self.ringer.learn(places.rung, &answers);
        let outcome = outcome(answers, places);
        if matches!(outcome, Outcome::Refused(_)) {
            self.link.close();
        }
        Ok(if otherwise {
            Outcome::Conflict
        } else {
            outcome
        })
    }
}

/// Says that another owner went on from where events are not stored.
fn say_passed_over(append: &Append) {
    let events = append.exchange.passed_over();
    if events > 0 {
        let partition = &append.ledger.partition;
        let from = append.exchange.expected;
        tracing::error!(
            %partition, from, events,
            "Redis' permissions changed while it stored these events, and another owner has gone on \
             behind them: they are in no stream"
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

    fn begin(
        &mut self,
        key: &LedgerKey,
        stands: Option<i64>,
        anew: &Ledger,
    ) -> Result<Ledger, Unavailable> {
        loop {
            let (there, _) = self.look(key, &[])?;
            if let Some(other) = there.filter(|ledger| Some(ledger.next) != stands) {
                self.leave();
                return Ok(other);
            }
            let mut pipe = redis::pipe();
            commands::write_ledger(&mut pipe, &self.keys.ledger(key), anew);
            match self.finish(pipe, Places::default())? {
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

    fn rest(&mut self) {
        self.leave();
    }

    fn owners(&mut self, tasks: &[&str]) -> Result<Vec<Option<ClientId>>, Unavailable> {
        if tasks.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipe = redis::pipe();
        tasks::ask_owners(&mut pipe, &self.keys, tasks);
        self.send(&pipe)?.iter().map(tasks::owner_of).collect()
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
        // Leases are by Redis' clock, whoever holds them.
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

/// Why a transaction was not done as a whole.
pub(super) fn trouble(done: &Done) -> Unavailable {
    let said = done.trouble.as_deref().unwrap_or_default();
    Unavailable(format!("Redis: {said}"))
}
