//! The ledger transaction: WATCH, look, then MULTI ... EXEC.
//!
//! Invariants: one transaction in flight on a connection; the WATCH of an
//! append comes after the EXEC before it (EXEC clears every watch) and its
//! answer is checked before MULTI is sent; any error of the connection throws
//! the connection away, and with it every watch.

use super::commands::{self, Keys, LEDGER_FIELDS};
use super::link::Link;
use super::upkeep::Upkeep;
use crate::store::memory::{millis, now_millis};
use crate::store::{Append, Appended, Ledger, LedgerKey, Refusal, Retention, Unavailable, Writer};
use redis::{FromRedisValue, Pipeline, Value};
use std::sync::Arc;

/// One worker's connection.
pub struct RedisWriter {
    link: Link,
    keys: Arc<Keys>,
    max_events: u64,
    upkeep: Upkeep,
    /// The ledger that is watched now, as it was read under that watch.
    watched: Option<(LedgerKey, Option<Ledger>)>,
}

impl RedisWriter {
    pub(super) fn new(client: redis::Client, keys: Arc<Keys>, retention: Retention) -> RedisWriter {
        RedisWriter {
            link: Link::new(client),
            keys,
            max_events: retention.max_events,
            upkeep: Upkeep::new(retention),
            watched: None,
        }
    }

    fn send(&mut self, pipe: &Pipeline) -> Result<Vec<Value>, Unavailable> {
        self.link.send(pipe).inspect_err(|_| self.watched = None)
    }

    fn look(&self, pipe: &mut Pipeline, key: &LedgerKey) {
        let key = self.keys.ledger(key);
        pipe.cmd("WATCH").arg(&key);
        pipe.cmd("HMGET").arg(&key).arg(&LEDGER_FIELDS[..]);
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

    /// As [`RedisWriter::watch`], but a look that rode ahead may be old by
    /// now: what differs from `expected` is looked at anew before it is told.
    fn watch_for(&mut self, append: &Append) -> Result<Option<Ledger>, Unavailable> {
        let rode_ahead = self.watched.is_some();
        let ledger = self.watch(append.ledger)?;
        if !rode_ahead || ledger.as_ref().is_some_and(|l| l.next == append.expected) {
            return Ok(ledger);
        }
        self.watched = None;
        self.watch(append.ledger)
    }

    /// Reads the two answers of [`RedisWriter::look`].
    fn watched_ledger(&mut self, answers: &[Value]) -> Result<Option<Ledger>, Unavailable> {
        let read = match answers {
            [Value::Okay, fields] => ledger_of(fields),
            [Value::ServerError(error), _] => Err(Unavailable(format!("Redis: {error}"))),
            _ => Err(Unavailable("Redis: an unexpected answer to WATCH".into())),
        };
        read.inspect_err(|_| self.link.close())
    }

    fn transaction(&self, append: &Append, ledger: &Ledger) -> (Pipeline, Vec<Vec<u8>>) {
        let mut pipe = redis::Pipeline::with_capacity(append.events.len() + 8);
        pipe.cmd("MULTI");
        commands::add_events(&mut pipe, &self.keys, append, self.max_events);
        let kept_up = self.keep_up(&mut pipe, append);
        commands::ring(&mut pipe, &self.keys, append);
        commands::move_ledger(&mut pipe, &self.keys, append, ledger);
        pipe.cmd("EXEC");
        (pipe, kept_up)
    }

    /// Adds what streams need now and then, and answers whose it is.
    fn keep_up(&self, pipe: &mut Pipeline, append: &Append) -> Vec<Vec<u8>> {
        let mut due: Vec<&[u8]> = append
            .events
            .iter()
            .map(|e| e.client)
            .filter(|c| self.upkeep.due(c))
            .collect();
        due.sort_unstable();
        due.dedup();
        let oldest = now_millis().saturating_sub(millis(self.upkeep.max_age));
        for client in &due {
            let key = self.keys.stream(client);
            pipe.cmd("XTRIM").arg(&key).arg("MINID").arg(oldest);
            pipe.cmd("PEXPIRE")
                .arg(&key)
                .arg(millis(self.upkeep.expiry));
        }
        due.into_iter().map(<[u8]>::to_vec).collect()
    }

    /// One try: `None` when another write to the ledger came between.
    fn try_append(&mut self, append: &Append, following: Option<&LedgerKey>) -> Option<Appended> {
        let ledger = match self.watch_for(append) {
            Ok(Some(ledger)) if ledger.next == append.expected => ledger,
            Ok(other) => {
                // Looked at anew next time: the caller goes on from elsewhere.
                self.watched = None;
                return Some(Appended::Moved(other));
            }
            Err(error) => return Some(Appended::Unavailable(error)),
        };
        let (mut pipe, kept_up) = self.transaction(append, &ledger);
        let commands = pipe.len();
        if let Some(key) = following {
            self.look(&mut pipe, key);
        }
        // From here on the watch is spent, whatever comes.
        self.watched = None;
        let mut answers = match self.link.send(&pipe) {
            Ok(answers) => answers,
            Err(error) => return Some(Appended::Unknown(error)),
        };
        if let Some(key) = following {
            let ahead = self.watched_ledger(&answers[commands..]).ok();
            self.watched = ahead.map(|ledger| (key.clone(), ledger));
        }
        answers.truncate(commands);
        let appended = outcome(answers, append.events.len());
        if matches!(appended, Some(Appended::Stored(_))) {
            kept_up.iter().for_each(|client| self.upkeep.done(client));
        }
        appended
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

    fn begin(&mut self, key: &LedgerKey, first: &Ledger) -> Result<Ledger, Unavailable> {
        loop {
            // What rode ahead may be old by now.
            self.watched = None;
            if let Some(ledger) = self.watch(key)? {
                return Ok(ledger);
            }
            let mut pipe = redis::pipe();
            pipe.cmd("MULTI");
            let mut set = redis::cmd("HSET");
            commands::first_ledger(set.arg(self.keys.ledger(key)), first);
            pipe.add_command(set).cmd("EXEC");
            self.watched = None;
            let answers = self.send(&pipe)?;
            if let Some(Appended::Unavailable(error)) = outcome(answers, 0) {
                return Err(error);
            }
        }
    }

    fn append(&mut self, append: &Append, following: Option<&LedgerKey>) -> Appended {
        loop {
            if let Some(appended) = self.try_append(append, following) {
                return appended;
            }
            metrics::counter!("millstream_store_conflicts_total").increment(1);
            self.watched = None;
        }
    }

    fn connected(&mut self, clients: &[&str]) -> Result<Vec<bool>, Unavailable> {
        if clients.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipe = redis::pipe();
        let scores = pipe.cmd("ZMSCORE").arg(&self.keys.interest);
        clients.iter().for_each(|client| {
            scores.arg(client);
        });
        let answers = self.send(&pipe)?;
        let until: Vec<Option<f64>> = FromRedisValue::from_redis_value_ref(&answers[0])
            .map_err(|e| Unavailable(format!("Redis: {e}")))?;
        let now = now_millis() as f64;
        Ok(until
            .into_iter()
            .map(|until| until.is_some_and(|until| until > now))
            .collect())
    }
}

/// What a transaction's answers say: `None` if a watched key had changed. The
/// first `events` answers inside EXEC are the events'.
fn outcome(mut answers: Vec<Value>, events: usize) -> Option<Appended> {
    match answers.pop() {
        Some(Value::Nil) => None,
        Some(Value::Array(done)) => {
            let refused =
                done.into_iter()
                    .take(events)
                    .enumerate()
                    .filter_map(|(event, answer)| {
                        let Value::ServerError(error) = answer else {
                            return None;
                        };
                        Some(Refusal {
                            event,
                            message: error.to_string(),
                        })
                    });
            Some(Appended::Stored(refused.collect()))
        }
        // Not executed: say the first thing that was wrong, not EXECABORT.
        other => {
            let error = answers
                .into_iter()
                .chain(other)
                .find_map(|answer| match answer {
                    Value::ServerError(error) => Some(error.to_string()),
                    _ => None,
                });
            let error = error.unwrap_or_else(|| "an unexpected answer to EXEC".into());
            Some(Appended::Unavailable(Unavailable(format!(
                "Redis: {error}"
            ))))
        }
    }
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
