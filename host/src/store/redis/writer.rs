//! Carries out the ledger protocol (`store/protocol`) on a connection.
//!
//! Its part of the bargain: one transaction in flight on a connection; the
//! WATCH of an append comes after the EXEC before it (EXEC clears every watch)
//! and its answer is read before MULTI is sent; any error of the connection
//! throws the connection away, and with it every watch.

use super::commands::{self, Keys, LEDGER_FIELDS};
use super::link::Link;
use super::upkeep::Upkeep;
use crate::record::StreamKind;
use crate::store::memory::{millis, now_millis};
use crate::store::protocol::{AfterExecute, AfterLook, Executed};
use crate::store::{Append, Appended, Ledger, LedgerKey, Refusal, Retention, Unavailable, Writer};
use metrics::counter;
use redis::{FromRedisValue, Pipeline, Value};
use std::collections::HashSet;
use std::sync::Arc;

/// One worker's connection.
pub struct RedisWriter {
    link: Link,
    keys: Arc<Keys>,
    max_events: u64,
    upkeep: Upkeep,
    /// The ledger that is watched now, as it was read under that watch.
    watched: Option<(LedgerKey, Option<Ledger>)>,
    /// Redis' time at the last look, in milliseconds: the ids of events are of
    /// its clock, and ours may be hours away from it.
    now: u64,
}

impl RedisWriter {
    pub(super) fn new(client: redis::Client, keys: Arc<Keys>, retention: Retention) -> RedisWriter {
        RedisWriter {
            link: Link::new(client),
            keys,
            max_events: retention.max_events,
            upkeep: Upkeep::new(retention),
            watched: None,
            now: 0,
        }
    }

    fn send(&mut self, pipe: &Pipeline) -> Result<Vec<Value>, Unavailable> {
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
                self.now = time_of(time).unwrap_or_else(now_millis);
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
        ledger: &Ledger,
    ) -> (Pipeline, Vec<(StreamKind, Vec<u8>)>) {
        let mut pipe = redis::Pipeline::with_capacity(append.events.len() + 8);
        pipe.cmd("MULTI");
        commands::add_events(&mut pipe, &self.keys, append, self.max_events);
        let kept_up = self.keep_up(&mut pipe, append);
        commands::mark_replays(&mut pipe, &self.keys, append);
        commands::note_withheld(&mut pipe, &self.keys, append, self.now);
        commands::ring(&mut pipe, &self.keys, append);
        commands::move_ledger(&mut pipe, &self.keys, append, ledger);
        pipe.cmd("EXEC");
        (pipe, kept_up)
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

    /// Adds what streams need now and then, and answers whose it is.
    fn keep_up(&self, pipe: &mut Pipeline, append: &Append) -> Vec<(StreamKind, Vec<u8>)> {
        let streams = append.events.iter().map(|e| (e.to, e.name));
        let mut due: Vec<_> = streams.filter(|s| self.upkeep.due(*s)).collect();
        due.sort_unstable();
        due.dedup();
        let oldest = self.now.saturating_sub(millis(self.upkeep.max_age));
        for (kind, name) in &due {
            let key = self.keys.stream(*kind, name);
            pipe.cmd("XTRIM").arg(&key).arg("MINID").arg(oldest);
            pipe.cmd("PEXPIRE")
                .arg(&key)
                .arg(millis(self.upkeep.expiry));
        }
        due.into_iter()
            .map(|(kind, name)| (kind, name.to_vec()))
            .collect()
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
                    return Err(Appended::Stored(Vec::new()));
                }
                (AfterLook::Moved | AfterLook::Execute, ledger) => {
                    self.watched = None;
                    return Err(Appended::Moved(ledger));
                }
            }
        }
    }

    /// Of an append's replays those that were stored before, watched from now
    /// on. The ledger's watch stands.
    fn replayed(&mut self, append: &Append) -> Result<HashSet<String>, Unavailable> {
        let replays = append.replays();
        if replays.is_empty() {
            return Ok(HashSet::new());
        }
        let key = self.keys.replayed(&append.ledger.group);
        let mut pipe = redis::pipe();
        pipe.cmd("WATCH").arg(&key);
        pipe.cmd("ZMSCORE").arg(&key).arg(&replays);
        let answers = self.send(&pipe)?;
        let scores: Vec<Option<f64>> = FromRedisValue::from_redis_value_ref(&answers[1])
            .map_err(|e| Unavailable(format!("Redis: {e}")))?;
        let seen = replays
            .into_iter()
            .zip(scores)
            .filter(|(_, score)| score.is_some());
        Ok(seen.map(|(replay, _)| replay.to_string()).collect())
    }

    /// Sends the transaction. Afterwards the watch is spent, whatever comes.
    fn execute(
        &mut self,
        append: &Append,
        ledger: &Ledger,
        following: Option<&LedgerKey>,
    ) -> Result<Outcome, Unavailable> {
        #[cfg(feature = "seeded-bug")]
        self.move_ledger_first(append, ledger)?;
        let (mut pipe, kept_up) = self.transaction(append, ledger);
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
        let outcome = outcome(answers, append.events.len());
        if matches!(outcome, Outcome::Done(_)) {
            for (kind, name) in &kept_up {
                self.upkeep.done((*kind, name));
            }
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
            let seen = match self.replayed(append) {
                Ok(seen) => seen,
                Err(error) => return Appended::Unavailable(error),
            };
            let fresh = |event: &usize| {
                append.events[*event]
                    .replay
                    .is_none_or(|r| !seen.contains(r))
            };
            let kept: Vec<usize> = (0..append.events.len()).filter(fresh).collect();
            let sent = match kept.len() == append.events.len() {
                true => self.execute(append, &ledger, following),
                false => {
                    let events: Vec<_> = kept.iter().map(|event| append.events[*event]).collect();
                    let rest = Append {
                        events: &events,
                        ..*append
                    };
                    self.execute(&rest, &ledger, following)
                }
            };
            let executed = match &sent {
                Ok(Outcome::Done(_)) => Executed::Done,
                Ok(Outcome::Conflict) => Executed::Conflict,
                Ok(Outcome::Refused(_)) => Executed::Refused,
                Err(_) => Executed::Lost,
            };
            match (append.exchange.executed(executed), sent) {
                (AfterExecute::Stored, Ok(Outcome::Done(mut refusals))) => {
                    let skipped = append.events.len() - kept.len();
                    counter!("millstream_replays_skipped_total").increment(skipped as u64);
                    refusals
                        .iter_mut()
                        .for_each(|refusal| refusal.event = kept[refusal.event]);
                    return Appended::Stored(refusals);
                }
                (_, Ok(Outcome::Refused(error))) => return Appended::Unavailable(error),
                (_, Err(error)) => return Appended::Unknown(error),
                _ => {}
            }
            counter!("millstream_store_conflicts_total").increment(1);
            self.watched = None;
        }
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
        let until: Vec<Option<f64>> = FromRedisValue::from_redis_value_ref(&answers[1])
            .map_err(|e| Unavailable(format!("Redis: {e}")))?;
        // Leases are by Redis' clock, whoever holds them.
        let now = time_of(&answers[0]).unwrap_or_else(now_millis) as f64;
        Ok(until
            .into_iter()
            .map(|until| until.is_some_and(|until| until > now))
            .collect())
    }
}

/// What a transaction's answers say.
enum Outcome {
    /// It was executed; these events were refused in it.
    Done(Vec<Refusal>),
    /// It was not: a watched key had changed.
    Conflict,
    /// It was not, for this reason.
    Refused(Unavailable),
}

/// Reads a transaction's answers. The first `events` inside EXEC are the
/// events'.
fn outcome(mut answers: Vec<Value>, events: usize) -> Outcome {
    let refusal = |(event, answer): (usize, Value)| match answer {
        Value::ServerError(error) => Some(Refusal {
            event,
            message: error.to_string(),
        }),
        _ => None,
    };
    match answers.pop() {
        Some(Value::Nil) => Outcome::Conflict,
        Some(Value::Array(done)) => {
            let events = done.into_iter().take(events).enumerate();
            Outcome::Done(events.filter_map(refusal).collect())
        }
        // Not executed: say the first thing that was wrong, not EXECABORT.
        other => {
            let mut all = answers.into_iter().chain(other).enumerate();
            let said = all.find_map(refusal).map(|refusal| refusal.message);
            let said = said.unwrap_or_else(|| "an unexpected answer to EXEC".into());
            Outcome::Refused(Unavailable(format!("Redis: {said}")))
        }
    }
}

/// Reads TIME's answer; `None` where that is not allowed.
pub(super) fn time_of(time: &Value) -> Option<u64> {
    let (seconds, micros): (u64, u64) = FromRedisValue::from_redis_value_ref(time).ok()?;
    Some(seconds * 1000 + micros / 1000)
}

/// Reads HMGET's answer: no `next`, no ledger.
fn ledger_of(fields: &Value) -> Result<Option<Ledger>, Unavailable> {
    type Fields = (
        Option<i64>,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<u32>,
    );
    if let Value::ServerError(error) = fields {
        return Err(Unavailable(format!("Redis: {error}")));
    }
    let (next, topic_id, cluster_id, digests, attempts): Fields =
        FromRedisValue::from_redis_value_ref(fields)
            .map_err(|e| Unavailable(format!("Redis holds a ledger that can't be read: {e}")))?;
    Ok(next.map(|next| Ledger {
        next,
        topic_id: topic_id.unwrap_or_default(),
        cluster_id: cluster_id.unwrap_or_default(),
        digests: digests.unwrap_or_default(),
        attempts: attempts.unwrap_or_default(),
    }))
}
