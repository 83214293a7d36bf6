//! Replayed records in Redis.
//!
//! The protocol is the ledger's (`append.rs`), with the set of marks in place of
//! the ledger: the set is watched and read, and the transaction that stores the
//! events of unmarked records also marks them. If another client marks anything
//! meanwhile, the transaction fails and the look is repeated. So a replay needs
//! no ledger, and commands and daemons can replay concurrently.

mod to_store;

use super::answers::{Done, Outcome, scores_of, time_of};
use super::commands;
use super::look::refused;
use super::places::CommandPlaces;
use super::resp::Commands;
use super::task_commands;
use super::task_commands::End;
use super::transaction::trouble;
use super::upkeep::KeptUp;
use super::writer::RedisWriter;
use crate::record::{NO_TIME, TopicPartition};
use crate::store::{Append, Exchange, Identity, LedgerKey, Mark, Replay, Replayed, Unavailable};
use metrics::counter;
use redis::{FromRedisValue, Pipeline, Value};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use to_store::ToStore;

/// How many times a pipeline tries to remove marks before it continues, and the
/// pause between tries.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(200);

/// Redis's error for a key that is not a stream.
const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";

impl RedisWriter {
    pub(super) fn marked_in(
        &mut self,
        group: &str,
        mark: Mark,
        names: &[&str],
    ) -> Result<Vec<bool>, Unavailable> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipe = redis::pipe();
        pipe.cmd("ZMSCORE")
            .arg(self.keys.marks(group, mark))
            .arg(names);
        let answers = self.send(&pipe)?;
        let scores = scores_of(&answers[0])?;
        Ok(scores.into_iter().map(|score| score.is_some()).collect())
    }

    pub(super) fn mark_as_sent(&mut self, group: &str, names: &[&str]) -> Result<(), Unavailable> {
        if names.is_empty() {
            return Ok(());
        }
        let mut pipe = redis::pipe();
        pipe.cmd("TIME");
        self.now = time_of(&self.send(&pipe)?[0]);
        let mut pipe = redis::pipe();
        let key = self.keys.marks(group, Mark::Sent);
        commands::mark(&mut pipe, &key, names, self.now);
        self.command(&pipe)
    }

    pub(super) fn replay_once(
        &mut self,
        replay: &mut Replay,
        write: bool,
    ) -> Result<Vec<Replayed>, Unavailable> {
        if replay.sources.is_empty() {
            return Ok(Vec::new());
        }
        self.settle(replay)?;
        loop {
            let told = self.look_at(replay, write)?;
            if !write || !told.contains(&Replayed::Stored) {
                self.leave();
                return Ok(replay.with_ours(told));
            }
            let fresh = ToStore::of(replay, &told);
            let (commands, places, kept_up) = self.replay_transaction(replay, &fresh);
            let sent = self.finish_with(commands, places);
            match sent.inspect_err(|_| replay.note_ours(&told, &told))? {
                Outcome::Done(done) => {
                    self.upkeep.done(&kept_up);
                    return self.replayed(replay, &fresh, &told, &done);
                }
                Outcome::Conflict => counter!("millstream_store_conflicts_total").increment(1),
                Outcome::Refused(error) => return Err(error),
            }
        }
    }

    /// The results of a transaction's records; an error if Redis did not store
    /// all of them now, and then the next try stores the rest.
    fn replayed(
        &mut self,
        replay: &mut Replay,
        fresh: &ToStore,
        told: &[Replayed],
        done: &Done,
    ) -> Result<Vec<Replayed>, Unavailable> {
        let outcome = fresh.outcome(told, done);
        replay.note_ours(told, &outcome.told);
        for at in &outcome.again {
            replay.ours[*at] = None;
        }
        replay.marked_in_vain = outcome.in_vain;
        replay.unmarked = outcome.unmarked;
        let dropped = done.unstored.dropped.iter().map(|event| fresh.at[*event]);
        replay.dropped.extend(dropped);
        self.settle(replay)?;
        match outcome.again.is_empty() {
            true => Ok(replay.with_ours(outcome.told)),
            false => Err(trouble(done)),
        }
    }

    /// Watches the marks and determines the result of each record now. A key that
    /// is not a stream would refuse its event inside the transaction while the
    /// rest is executed, so types are checked before.
    fn look_at(&mut self, replay: &mut Replay, write: bool) -> Result<Vec<Replayed>, Unavailable> {
        let marks = self.keys.marks(replay.group, Mark::Stored);
        let streams: BTreeSet<Vec<u8>> = replay
            .events
            .iter()
            .map(|event| self.keys.stream(event.to, event.name))
            .collect();
        let mut pipe = redis::pipe();
        pipe.cmd("WATCH").arg(&marks);
        pipe.cmd("TIME");
        pipe.cmd("ZMSCORE").arg(&marks).arg(&replay.sources);
        streams.iter().for_each(|key| _ = pipe.cmd("TYPE").arg(key));
        // When storing, the task scripts check it themselves.
        let tasks = if write { Vec::new() } else { replay.tasks() };
        task_commands::ask_ends(&mut pipe, &self.keys, &tasks);
        pipe.cmd(if write { "MULTI" } else { "UNWATCH" });
        let answers = self.send(&pipe)?;
        let [Value::Okay, time, scores, rest @ .., Value::Okay] = &answers[..] else {
            self.link.close();
            return Err(refused(&answers));
        };
        self.inside = write;
        self.note_time(time);
        let scores = scores_of(scores)?;
        let told = |(score, source): (Option<f64>, &&str)| match score {
            Some(_) if write || !replay.is_forced(source) => Replayed::Before,
            _ => Replayed::Stored,
        };
        let mut told: Vec<_> = scores.into_iter().zip(&replay.sources).map(told).collect();
        let ends = &rest[streams.len()..];
        let types: HashMap<_, _> = streams.into_iter().zip(rest).collect();
        for (event, place) in replay.events.iter().zip(replay.places()) {
            let holds = types.get(&self.keys.stream(event.to, event.name));
            if let (Some(at), false) = (place, holds.is_none_or(|of| is_stream(of)))
                && told[at] == Replayed::Stored
            {
                told[at] = Replayed::Refused(WRONG_TYPE.into());
            }
        }
        if !write {
            let ends = tasks
                .into_iter()
                .zip(ends.iter().map(task_commands::end_of));
            drop_some(replay, &told, &ends.collect());
        }
        Ok(told)
    }

    fn replay_transaction(
        &mut self,
        replay: &Replay,
        fresh: &ToStore,
    ) -> (Commands, CommandPlaces, KeptUp) {
        // No command contains the partition: each event has its replay's name.
        let nowhere = TopicPartition {
            topic: "".into(),
            partition: 0,
        };
        let append = Append {
            ledger: &LedgerKey::new(replay.group, nowhere),
            identity: &Identity::default(),
            exchange: Exchange::new(0, 0),
            clock: NO_TIME,
            keeps_state: false,
            values: &[],
            digests: "",
            attempts: 0,
            events: &fresh.events,
            suppressed: &fresh.suppressed,
            reports: &fresh.reports,
        };
        let (mut commands, streams, kept_up) = self.event_commands(&append);
        let before = commands.len();
        let mut pipe = redis::pipe();
        commands::add_reports(&mut pipe, &self.keys, &append);
        commands::mark_replays(&mut pipe, &self.keys, &append, &fresh.sources, self.now);
        // The marks take the place of the ledger.
        let ledger = before + pipe.len() - 1;
        commands::note_suppressed(&mut pipe, &self.keys, &append, self.now);
        let places = CommandPlaces {
            spare: None,
            events: fresh.events.len(),
            ledger,
            rung: commands::ring(&mut pipe, before, &self.keys, &self.ringer, &streams),
        };
        commands.add(&pipe);
        (commands, places, kept_up)
    }

    /// Removes the marks of records whose events were all refused inside the
    /// transaction: nothing of them is stored. A record with some stored events
    /// keeps its mark, or gets it if Redis did not set it.
    fn settle(&mut self, replay: &mut Replay) -> Result<(), Unavailable> {
        let names = |of: &[usize]| of.iter().map(|at| replay.sources[*at]).collect::<Vec<_>>();
        self.unmark_in(replay.group, &names(&replay.marked_in_vain))?;
        let unmarked = names(&replay.unmarked);
        if !unmarked.is_empty() {
            let mut pipe = redis::pipe();
            let key = self.keys.marks(replay.group, Mark::Stored);
            commands::mark(&mut pipe, &key, &unmarked, self.now);
            self.command(&pipe)?;
        }
        replay.marked_in_vain.clear();
        replay.unmarked.clear();
        Ok(())
    }

    pub(super) fn unmark_in(&mut self, group: &str, sources: &[&str]) -> Result<(), Unavailable> {
        if sources.is_empty() {
            return Ok(());
        }
        let mut pipe = redis::pipe();
        let marks = self.keys.marks(group, Mark::Stored);
        pipe.cmd("ZREM").arg(marks).arg(sources);
        self.command(&pipe)
    }

    /// The same for a pipeline, which has stored the rest and continues: a record
    /// that wrongly keeps its mark needs a replay with `--force`.
    pub(super) fn unmark_in_vain(&mut self, group: &str, sources: &[&str]) {
        for _ in 0..TRIES {
            match self.unmark_in(group, sources) {
                Ok(()) => return,
                Err(error) => tracing::debug!(%error, "can't remove replay marks; retrying"),
            }
            std::thread::sleep(PAUSE);
        }
        tracing::error!(
            group,
            records = sources.join(" "),
            "Redis refused these records, and their replay marks can't be removed: replay their \
             dead letters with `millstream dlq replay --force`"
        );
    }

    /// Sends commands whose answers only say whether they succeeded.
    fn command(&mut self, pipe: &Pipeline) -> Result<(), Unavailable> {
        let answers = self.send(pipe)?.into_iter();
        let refused = answers.filter_map(|answer| answer.extract_error().err());
        match refused.into_iter().next() {
            Some(error) => Err(Unavailable(format!("Redis: {error}"))),
            None => Ok(()),
        }
    }
}

/// Determines the events whose task will have ended before them, and the tasks
/// that they end.
fn drop_some(replay: &mut Replay, told: &[Replayed], ends: &HashMap<&[u8], End>) {
    let (places, mut dropped) = (replay.places(), BTreeSet::new());
    for (n, (event, place)) in replay.events.iter().zip(places).enumerate() {
        let is_new = place.is_some_and(|at| told[at] == Replayed::Stored);
        let Some(task) = event.task.filter(|_| is_new) else {
            continue;
        };
        let Some(end) = ends.get(task.id) else {
            continue;
        };
        if *end == End::Ended || replay.ended.contains(task.id) {
            dropped.insert(n);
        } else if task.ends && *end == End::Open {
            replay.ended.insert(task.id.to_vec());
        }
    }
    replay.dropped = dropped;
}

fn is_stream(answer: &Value) -> bool {
    // If TYPE is not permitted, XADD reports a wrong type.
    String::from_redis_value_ref(answer).map_or(true, |of| of == "stream" || of == "none")
}
