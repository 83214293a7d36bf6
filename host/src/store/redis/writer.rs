//! Carries out the ledger protocol (`store/protocol`) on a connection.
//!
//! Its part of the bargain: one transaction in flight on a connection; the
//! WATCH of an append comes after the EXEC before it (EXEC clears every watch)
//! and its answer is read before MULTI is sent; any error of the connection
//! throws the connection away, and with it every watch.

use super::answers::{Outcome, ledger_of, outcome, scores_of, time_of};
use super::bell::{Ringer, Rung};
use super::commands::{self, Keys, LEDGER_FIELDS};
use super::link::Link;
use super::replays::Fresh;
use super::tasks;
use super::upkeep::{KeptUp, Upkeep};
use crate::record::ClientId;
use crate::store::protocol::{AfterExecute, AfterLook, Executed};
use crate::store::{
    Append, Appended, Ledger, LedgerKey, Mark, Replay, Replayed, Retention, Unavailable, Unstored,
    Writer,
};
use metrics::counter;
use redis::{Pipeline, Value};
use std::sync::Arc;

/// One worker's connection.
pub struct RedisWriter {
    link: Link,
    pub(super) keys: Arc<Keys>,
    pub(super) ringer: Arc<Ringer>,
    pub(super) max_events: u64,
    pub(super) upkeep: Upkeep,
    /// The ledger that is watched now, as it was read under that watch.
    pub(super) watched: Option<(LedgerKey, Option<Ledger>)>,
    /// Redis' time at the last look, in milliseconds: the ids of events are of
    /// its clock, and ours may be hours away from it.
    pub(super) now: u64,
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
            watched: None,
            now: 0,
        }
    }

    pub(super) fn send(&mut self, pipe: &Pipeline) -> Result<Vec<Value>, Unavailable> {
        self.link.send(pipe).inspect_err(|_| self.watched = None)
    }

    fn look(&self, pipe: &mut Pipeline, key: &LedgerKey) {
        let key = self.keys.ledger(key);
        pipe.cmd("WATCH").arg(&key);
        pipe.cmd("HMGET").arg(&key).arg(&LEDGER_FIELDS[..]);
        pipe.cmd("TIME");
    }

    /// Watches a ledger and reads it, unless that has ridden ahead.
    fn watch(&mut self, key: &LedgerKey) -> Result<Option<Ledger>, Unavailable> {
        if let Some((watched, ledger)) = &self.watched
            && watched == key
        {
            return Ok(ledger.clone());
        }
        let mut pipe = redis::pipe();
        pipe.cmd("UNWATCH");
        self.look(&mut pipe, key);
        let answers = self.send(&pipe)?;
        let ledger = self.watched_ledger(&answers[1..])?;
        self.watched = Some((key.clone(), ledger.clone()));
        Ok(ledger)
    }

    /// Reads the answers of [`RedisWriter::look`].
    fn watched_ledger(&mut self, answers: &[Value]) -> Result<Option<Ledger>, Unavailable> {
        let read = match answers {
            [Value::Okay, fields, time] => {
                self.now = time_of(time);
                ledger_of(fields)
            }
            [Value::ServerError(error), ..] => Err(Unavailable(format!("Redis: {error}"))),
            _ => Err(Unavailable("Redis: an unexpected answer to WATCH".into())),
        };
        read.inspect_err(|_| self.link.close())
    }

    fn transaction(
        &self,
        append: &Append,
        replays: &[&str],
        ledger: &Ledger,
    ) -> (Pipeline, KeptUp, Rung) {
        let mut pipe = redis::Pipeline::with_capacity(append.events.len() + 8);
        pipe.cmd("MULTI");
        commands::add_events(&mut pipe, &self.keys, append, self.max_events);
        commands::add_reports(&mut pipe, &self.keys, append);
        let kept_up = self.upkeep.add(&mut pipe, &self.keys, append, self.now);
        commands::mark_replays(&mut pipe, &self.keys, append, replays, self.now);
        commands::note_withheld(&mut pipe, &self.keys, append, self.now);
        let rung = commands::ring(&mut pipe, &self.keys, &self.ringer, append);
        commands::move_ledger(&mut pipe, &self.keys, append, ledger);
        pipe.cmd("EXEC");
        (pipe, kept_up, rung)
    }

    /// What the campaign must find: the ledger is moved before the events are
    /// stored, and what came between is not noticed.
    #[cfg(feature = "seeded-bug")]
    fn move_ledger_first(&mut self, append: &Append, ledger: &Ledger) -> Result<(), Unavailable> {
        let mut pipe = redis::pipe();
        pipe.cmd("UNWATCH");
        commands::move_ledger(&mut pipe, &self.keys, append, ledger);
        self.link.send(&pipe).map(drop)
    }

    /// Looks until the protocol says what to do: the ledger to execute upon,
    /// or how the append ends.
    fn look_for(&mut self, append: &Append) -> Result<Ledger, Appended> {
        loop {
            let ahead = self.watched.is_some();
            let ledger = self.watch(append.ledger).map_err(Appended::Unavailable)?;
            let next = ledger.as_ref().map(|ledger| ledger.next);
            match (append.exchange.looked(next, ahead), ledger) {
                (AfterLook::Execute, Some(ledger)) => return Ok(ledger),
                (AfterLook::Look, _) => self.watched = None,
                (AfterLook::Stored, _) => {
                    self.watched = None;
                    return Err(Appended::Stored(Unstored::default()));
                }
                (AfterLook::Moved | AfterLook::Execute, ledger) => {
                    self.watched = None;
                    return Err(Appended::Moved(ledger));
                }
            }
        }
    }

    /// Sends the transaction. Afterwards the watch is spent, whatever comes.
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
            ..*append
        };
        let (mut pipe, kept_up, rung) = self.transaction(append, &fresh.replays, ledger);
        let commands = pipe.len();
        if let Some(key) = following {
            self.look(&mut pipe, key);
        }
        self.watched = None;
        let mut answers = self.link.send(&pipe)?;
        if let Some(key) = following {
            let ahead = self.watched_ledger(&answers[commands..]).ok();
            self.watched = ahead.map(|ledger| (key.clone(), ledger));
        }
        answers.truncate(commands);
        if self.ringer.learn(rung, &answers) {
            return Ok(Outcome::Conflict);
        }
        let outcome = outcome(answers, append.events.len());
        if matches!(outcome, Outcome::Done(_)) {
            self.upkeep.done(&kept_up);
        }
        Ok(outcome)
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
            // What rode ahead may be old by now.
            self.watched = None;
            let there = self.watch(key)?;
            if let Some(other) = there.filter(|ledger| Some(ledger.next) != stands) {
                self.watched = None;
                return Ok(other);
            }
            let mut pipe = redis::pipe();
            pipe.cmd("MULTI");
            commands::write_ledger(&mut pipe, &self.keys.ledger(key), anew);
            pipe.cmd("EXEC");
            self.watched = None;
            let answers = self.send(&pipe)?;
            match outcome(answers, 0) {
                Outcome::Done(_) => return Ok(anew.clone()),
                Outcome::Conflict => {}
                Outcome::Refused(error) => return Err(error),
            }
        }
    }

    fn append(&mut self, append: &mut Append, following: Option<&LedgerKey>) -> Appended {
        loop {
            let ledger = match self.look_for(append) {
                Ok(ledger) => ledger,
                Err(ended) => return ended,
            };
            let fresh = match self.fresh(append) {
                Ok(fresh) => fresh,
                Err(error) => return Appended::Unavailable(error),
            };
            let sent = self.execute(append, &fresh, &ledger, following);
            let executed = match &sent {
                Ok(Outcome::Done(_)) => Executed::Done,
                Ok(Outcome::Conflict) => Executed::Conflict,
                Ok(Outcome::Refused(_)) => Executed::Refused,
                Err(_) => Executed::Lost,
            };
            match (append.exchange.executed(executed), sent) {
                (AfterExecute::Stored, Ok(Outcome::Done(unstored))) => {
                    let skipped = fresh.skipped(append.events);
                    counter!("millstream_replays_skipped_total").increment(skipped);
                    let in_vain = fresh.in_vain(append.events, &unstored);
                    self.unmark_in_vain(&append.ledger.group, &in_vain);
                    return Appended::Stored(fresh.of_append(unstored));
                }
                (_, Ok(Outcome::Refused(error))) => return Appended::Unavailable(error),
                (_, Err(error)) => return Appended::Unknown(error),
                _ => {}
            }
            counter!("millstream_store_conflicts_total").increment(1);
            self.watched = None;
        }
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
