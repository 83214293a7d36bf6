//! Looks: watch and read what a transaction depends on, ending with `MULTI`.
//!
//! From then on the connection is *inside*: the next command is the transaction,
//! or `DISCARD`. Inside MULTI a WATCH would fail without aborting, and any other
//! command would be queued and shift the replies. So everything else is sent with
//! [`RedisWriter::send`] or `ask`, which leave first.

use super::answers::{ledger_of, scores_of, time_of};
use super::commands::LEDGER_FIELDS;
use super::writer::{Ahead, RedisWriter};
use crate::store::{Append, Ledger, LedgerKey, Unavailable};
use redis::{FromRedisValue, Pipeline, Value};
use std::time::{Duration, Instant};

/// The times of so many looks are kept: Redis may be busy with others' transactions in
/// most of them.
const LOOKS: usize = 8;

/// What a look found.
#[derive(Default)]
pub(super) struct Looked {
    pub ledger: Option<Ledger>,
    /// For each requested replay, when it was marked.
    pub marked: Vec<Option<f64>>,
    /// For each requested key, its type.
    pub types: Vec<String>,
}

impl Looked {
    pub fn of(ledger: Option<Ledger>) -> Looked {
        Looked {
            ledger,
            ..Looked::default()
        }
    }
}

impl RedisWriter {
    /// Sends commands that are not part of a transaction.
    pub(super) fn send(&mut self, pipe: &Pipeline) -> Result<Vec<Value>, Unavailable> {
        self.leave();
        self.link.send(pipe)
    }

    /// Leaves the MULTI that a look has started, if any.
    pub(super) fn leave(&mut self) {
        self.ahead = None;
        if std::mem::take(&mut self.inside) {
            let mut pipe = redis::pipe();
            pipe.cmd("DISCARD");
            match self.link.send_on(&pipe).as_deref() {
                Ok([Value::Okay]) => {}
                // Closing the connection ends it.
                _ => self.link.close(),
            }
        }
    }

    /// Sends commands that change nothing, and leaves in the same round trip. If that
    /// fails, sends them on another connection.
    fn ask(&mut self, pipe: &Pipeline) -> Result<Vec<Value>, Unavailable> {
        self.ahead = None;
        if std::mem::take(&mut self.inside) {
            let mut all = redis::pipe();
            all.cmd("DISCARD");
            for command in pipe.cmd_iter() {
                all.add_command(command.clone());
            }
            match self.link.send_on(&all) {
                Ok(mut answers) if answers[0] == Value::Okay => {
                    answers.remove(0);
                    return Ok(answers);
                }
                // Nothing of it is executed: it is all inside the MULTI.
                Ok(_) | Err(_) => self.link.close(),
            }
        }
        self.link.send(pipe)
    }

    /// Watches and reads a ledger and the marks of these replays, and reads the types
    /// of these keys.
    pub(super) fn look(
        &mut self,
        key: &LedgerKey,
        replays: &[&str],
        keys: &[Vec<u8>],
    ) -> Result<Looked, Unavailable> {
        let mut pipe = redis::pipe();
        let watch = pipe.cmd("WATCH").arg(self.keys.ledger(key));
        let marks = self.keys.replayed(&key.group);
        if !replays.is_empty() {
            watch.arg(&marks);
        }
        self.read(&mut pipe, key);
        if !replays.is_empty() {
            pipe.cmd("ZMSCORE").arg(&marks).arg(replays);
        }
        for key in keys {
            pipe.cmd("TYPE").arg(key);
        }
        pipe.cmd("MULTI");
        self.link.open()?;
        let begun = Instant::now();
        let answers = self.ask(&pipe)?;
        self.note_look(begun.elapsed());
        let ledger = self.inside_after(&answers)?;
        let (scores, types) =
            answers[3..answers.len() - 1].split_at(usize::from(!replays.is_empty()));
        let marked = scores.first().map_or(Ok(Vec::new()), scores_of)?;
        let types = types.iter().map(String::from_redis_value_ref);
        match types.collect() {
            Ok(types) => Ok(Looked {
                ledger,
                marked,
                types,
            }),
            Err(_) => {
                self.leave();
                Err(refused(&answers))
            }
        }
    }

    fn note_look(&mut self, took: Duration) {
        self.looks.truncate(LOOKS - 1);
        self.looks.push_front(took);
    }

    /// The least time of the latest looks, if there were enough.
    pub(super) fn fastest_look(&self) -> Option<Duration> {
        let fastest = self.looks.iter().min().copied();
        fastest.filter(|_| self.looks.len() == LOOKS)
    }

    /// Adds a look at the next append's ledger after a transaction.
    pub(super) fn add_look_ahead(&self, pipe: &mut Pipeline, key: &LedgerKey) {
        pipe.cmd("WATCH").arg(self.keys.ledger(key));
        self.read(pipe, key);
        pipe.cmd("MULTI");
    }

    /// Parses the answers of [`RedisWriter::add_look_ahead`].
    pub(super) fn looked_ahead(&mut self, key: &LedgerKey, answers: &[Value]) {
        let ledger = self.inside_after(answers).ok();
        self.ahead = ledger.map(|ledger| Ahead {
            key: key.clone(),
            ledger,
        });
    }

    /// The look-ahead's ledger for this append, if the append needs nothing else.
    pub(super) fn take_ahead(&mut self, append: &Append) -> Option<Option<Ledger>> {
        let fits = |ahead: &mut Ahead| {
            let first = append.exchange.rest().is_none();
            let plain = append.values.is_empty() && append.replays().is_empty();
            ahead.key == *append.ledger && first && plain
        };
        self.ahead.take_if(fits).map(|ahead| ahead.ledger)
    }

    fn read(&self, pipe: &mut Pipeline, key: &LedgerKey) {
        let key = self.keys.ledger(key);
        pipe.cmd("HMGET").arg(&key).arg(&LEDGER_FIELDS[..]);
        pipe.cmd("TIME");
    }

    /// Parses a look's answers: WATCH's first, then the ledger and the time,
    /// MULTI's last.
    fn inside_after(&mut self, answers: &[Value]) -> Result<Option<Ledger>, Unavailable> {
        let read = match answers {
            [Value::Okay, fields, time, .., Value::Okay] => {
                self.note_time(time);
                ledger_of(fields)
            }
            _ => Err(refused(answers)),
        };
        self.inside = read.is_ok();
        read.inspect_err(|_| self.link.close())
    }

    /// Watches and reads an append's ledger and the streams of its unverified
    /// events, and tells the append which of its events are stored.
    pub(super) fn look_at_unverified(
        &mut self,
        append: &mut Append,
    ) -> Result<Looked, Unavailable> {
        let looked = self.look_for_events(append);
        self.inside = looked.is_ok();
        looked.inspect_err(|_| self.link.close())
    }

    fn look_for_events(&mut self, append: &mut Append) -> Result<Looked, Unavailable> {
        let streams = self.unverified_streams(append);
        let mut pipe = redis::pipe();
        let watch = pipe.cmd("WATCH").arg(self.keys.ledger(append.ledger));
        watch.arg(self.keys.replayed(&append.ledger.group));
        for stream in &streams {
            watch.arg(&stream.key);
        }
        self.read(&mut pipe, append.ledger);
        let answers = self.send(&pipe)?;
        let [Value::Okay, fields, time] = &answers[..] else {
            return Err(refused(&answers));
        };
        self.note_time(time);
        let ledger = ledger_of(fields)?;
        let moved = ledger.as_ref().map(|ledger| ledger.next) == Some(append.exchange.next);
        let found = self.find_events(append, &streams, moved)?;
        append.exchange.found(&found);
        let mut pipe = redis::pipe();
        pipe.cmd("MULTI");
        match self.link.send_on(&pipe)?.as_slice() {
            [Value::Okay] => Ok(Looked::of(ledger)),
            answers => Err(refused(answers)),
        }
    }

    pub(super) fn note_time(&mut self, time: &Value) {
        self.now = time_of(time);
        // Only Redis's clock can be compared with the ids of its entries.
        let known = <(u64, u64)>::from_redis_value_ref(time).is_ok();
        self.since = if known { self.now } else { 0 };
    }
}

/// The error in Redis's answers to a look.
pub(super) fn refused(answers: &[Value]) -> Unavailable {
    let error = answers.iter().find_map(|answer| match answer {
        Value::ServerError(error) => Some(error.to_string()),
        _ => None,
    });
    let said = error.unwrap_or_else(|| "unexpected answer".into());
    Unavailable(format!("Redis: {said}"))
}
