//! The commit worker: commits prepared batches one at a time, in order.
//!
//! A batch is done when Kafka has acknowledged its letters and the store has its
//! events and the ledger. A failing store is never a record's fault: the worker
//! waits and reports it. A record that Kafka refuses delays only its partition.

use super::parked::Parked;
use super::produces::{Refused, Status};
use crate::log::Short;
use crate::pipeline::partition::state::{PartitionState, Point, Waits};
use crate::pipeline::shared::{Shared, Trouble};
use crate::pipeline::signal::Signal;
use crate::pipeline::transform::prepared::PreparedBatch;
use crate::pipeline::turns::Turns;
use crate::store::{Append, Appended, Exchange, Ledger, LedgerKey, Unstored, Writer};
use metrics::{Counter, counter};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

/// How many batches are ready at once: one is stored while the next is looked up.
const READY: usize = 2;
/// The longest sleep, in case a wake-up is lost.
const NAP: Duration = Duration::from_millis(100);
/// How long the look-ahead for the next batch is kept while none comes.
const LINGER: Duration = Duration::from_secs(1);
/// After so many appends the next one's look is not ahead, which tells how long a round trip
/// takes.
const TIMED: u32 = 32;
/// The first and the longest pause between two tries of the store.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

/// The commit thread of a worker.
pub(in crate::pipeline) struct CommitWorker {
    pub shared: Arc<Shared>,
    batches: Receiver<Box<PreparedBatch>>,
    /// The transform worker is gone.
    ended: bool,
    /// Prepared batches that only wait for the store.
    ready: VecDeque<Box<PreparedBatch>>,
    /// Prepared batches that wait for Kafka.
    parked: Parked,
    /// Rung when a prepared batch or an answer of Kafka arrives.
    bell: Arc<Signal>,
    /// Wakes the transform worker when a partition must rewind, or may read more.
    signal: Arc<Signal>,
    turns: Arc<Turns>,
    writer: Box<dyn Writer>,
    pause: Duration,
    /// How many batches it tried to store.
    appends: u32,
    /// When a batch was last stored.
    stored: Instant,
    meters: Meters,
}

struct Meters {
    records: Counter,
    events: Counter,
    batches: Counter,
}

impl CommitWorker {
    pub fn new(
        shared: Arc<Shared>,
        batches: Receiver<Box<PreparedBatch>>,
        bell: Arc<Signal>,
        (signal, turns): (Arc<Signal>, Arc<Turns>),
    ) -> CommitWorker {
        let writer = shared.store.writer();
        let name = &shared.settings.name;
        let meters = Meters {
            records: counter!("millstream_records_total", "pipeline" => name.clone()),
            events: counter!("millstream_events_total", "pipeline" => name.clone()),
            batches: counter!("millstream_batches_total", "pipeline" => name.clone()),
        };
        CommitWorker {
            shared,
            batches,
            ended: false,
            ready: VecDeque::new(),
            parked: Parked::default(),
            bell,
            signal,
            turns,
            writer,
            pause: PAUSES.0,
            appends: 0,
            stored: Instant::now(),
            meters,
        }
    }

    pub fn run(mut self) {
        loop {
            self.turns.commit.beat();
            self.gather();
            match self.ready.pop_front() {
                Some(prepared) => self.carry_out(prepared),
                None if self.ended && self.parked.is_empty() => return,
                None => {
                    self.turns.commit.rest();
                    if self.stored.elapsed() >= LINGER {
                        self.writer.rest();
                    }
                    let nap = Instant::now() + NAP;
                    let look = self.parked.next_look();
                    self.bell.wait(look.map_or(nap, |look| look.min(nap)));
                }
            }
        }
    }

    /// Collects batches that only wait for the store. A batch that waits for Kafka is
    /// parked, with the later ones of its partition; other partitions pass it.
    fn gather(&mut self) {
        let mut parked = std::mem::take(&mut self.parked);
        let released = parked.release(|prepared| self.is_ready(prepared));
        self.ready.extend(released);
        while self.ready.len() < READY && parked.has_room() {
            match self.batches.try_recv() {
                Ok(mut prepared) => {
                    match parked.holds(&prepared.partition) || !self.is_ready(&mut prepared) {
                        true => parked.push(prepared),
                        false => self.ready.push_back(prepared),
                    }
                }
                Err(error) => {
                    self.ended = error == TryRecvError::Disconnected;
                    break;
                }
            }
        }
        self.parked = parked;
    }

    /// Whether a batch is still to be committed. Called before each try.
    fn wanted(&self, prepared: &PreparedBatch) -> bool {
        self.turns.commit.beat();
        let current = || prepared.partition.wants(prepared.session);
        // The ledger is past a stored batch, so only this worker can send its letters.
        !self.shared.abandoning() && (prepared.stored || current())
    }

    /// Whether Kafka has all records of a batch, or the batch is not wanted.
    fn is_ready(&self, prepared: &mut PreparedBatch) -> bool {
        while self.wanted(prepared) {
            let settings = &self.shared.settings;
            let producer = &self.shared.producer;
            match prepared.produces.look(producer, &prepared.batch, settings) {
                Status::All => break,
                Status::Unfit(unfit) => self.too_large(prepared, unfit),
                Status::Refused(refused) => {
                    self.note_refusal(prepared, &refused);
                    return false;
                }
                Status::Waiting => {
                    self.note_waiting(prepared);
                    return false;
                }
            }
        }
        prepared.partition.waits_for(Waits::Kafka, None);
        true
    }

    fn note_refusal(&self, prepared: &PreparedBatch, refused: &Refused) {
        let Refused { topic, why, .. } = refused;
        if refused.no_letter_topic {
            self.shared.topics.miss(topic);
        }
        let missing = self.shared.topics.missing(topic);
        let also = missing.map_or(String::new(), |missing| format!("; {missing}"));
        let topic = Short(topic);
        let what = format!("Kafka does not accept a record for topic {topic}: {why}{also}");
        let pipeline = self.shared.settings.name.clone();
        counter!("millstream_waits_total", "pipeline" => pipeline, "on" => "kafka").increment(1);
        prepared.partition.waits_for(Waits::Kafka, Some(what));
    }

    /// Reports what the partition waits for: at once if a topic is missing, otherwise
    /// when Kafka is late. A reported refusal stays.
    fn note_waiting(&self, prepared: &PreparedBatch) {
        let topics = &self.shared.topics;
        let missing = prepared
            .produces
            .topics()
            .find_map(|topic| topics.missing(topic));
        let late = || {
            let topic = prepared
                .produces
                .topics()
                .next()
                .filter(|_| prepared.produces.are_late())?;
            let topic = Short(topic);
            Some(format!(
                "Kafka has not acknowledged a record for topic {topic}"
            ))
        };
        if !prepared.produces.were_refused()
            && let Some(why) = missing.or_else(late)
        {
            prepared.partition.waits_for(Waits::Kafka, Some(why));
        }
    }

    fn carry_out(&mut self, mut prepared: Box<PreparedBatch>) {
        let wanted = self.wanted(&prepared);
        if wanted && !prepared.stored && self.store(&mut prepared) {
            return self.parked.push_first(prepared);
        }
        drop(prepared);
        // Its partition may have been at its limit, and can take another batch now.
        self.signal.ring();
    }

    /// Stores a batch's events with its ledger; true if letters for refused events are
    /// still on their way.
    fn store(&mut self, prepared: &mut PreparedBatch) -> bool {
        // If none is ready, the next one is probably of the same partition: then it needs
        // no round trip for its look.
        let following = self.ready.front().map_or(&*prepared, |next| next);
        // A batch with replays or values needs more than a look ahead tells.
        let is_plain = following.replays.is_empty() && following.values.is_empty();
        let is_plain = is_plain && !following.stored;
        self.appends = self.appends.wrapping_add(1);
        let is_timed = self.writer.round_trip().is_none() || self.appends.is_multiple_of(TIMED);
        let following = (is_plain && !is_timed).then(|| following.partition.ledger.clone());
        match self.append(prepared, following.as_ref()) {
            Some(unstored) => self.stored(prepared, &unstored),
            None => false,
        }
    }

    /// Appends until the store answers; `None` if the batch is not wanted.
    fn append(
        &mut self,
        prepared: &PreparedBatch,
        following: Option<&LedgerKey>,
    ) -> Option<Unstored> {
        let events = prepared.stream_events(&prepared.destinations.streamed);
        let reports = prepared.stream_events(&prepared.destinations.reported);
        let mut append = Append {
            ledger: &prepared.partition.ledger,
            identity: &prepared.partition.identity,
            exchange: Exchange::new(prepared.expected, prepared.next)
                .with_values(!prepared.values.is_empty()),
            digests: &prepared.generation.digests,
            attempts: prepared.attempts,
            events: &events,
            suppressed: &prepared.suppressed_from(),
            reports: &reports,
            clock: prepared.clocks[1],
            keeps_state: prepared.generation.transform.is_stateful(),
            values: &prepared.values,
        };
        while self.wanted(prepared) {
            let begun = Instant::now();
            let error = match self.writer.append(&mut append, following) {
                Appended::Stored(unstored) => {
                    if let Some(round_trip) = self.writer.round_trip() {
                        let (depth, took) = (&self.shared.depth, begun.elapsed());
                        depth.stored(prepared.records, took, round_trip);
                    }
                    return Some(unstored);
                }
                Appended::Moved(ledger) => {
                    self.moved(&prepared.partition, ledger);
                    return None;
                }
                Appended::Refused(refusals) => {
                    self.refused_earlier(prepared, &refusals);
                    self.signal.ring();
                    return None;
                }
                Appended::Unavailable(error) => error,
                Appended::Unknown(error) => {
                    tracing::warn!(%error, "lost an answer of the store; checking the ledger");
                    counter!("millstream_store_unknown_total").increment(1);
                    error
                }
            };
            self.shared.trouble(Trouble::Store, Some(error.to_string()));
            self.wait();
        }
        self.writer.rest();
        // Whoever still waits for the store notes it again.
        self.shared.trouble(Trouble::Store, None);
        say_given_up(&append);
        None
    }

    /// Pauses, with back-off and jitter.
    fn wait(&mut self) {
        let jitter = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), ());
        let part = self.pause / 2 + self.pause.mul_f64((jitter % 1000) as f64 / 2000.0);
        std::thread::sleep(part);
        self.pause = (self.pause * 2).min(PAUSES.1);
    }

    /// Counts a stored batch; true if letters for refused events are on their way.
    fn stored(&mut self, prepared: &mut PreparedBatch, unstored: &Unstored) -> bool {
        self.pause = PAUSES.0;
        self.stored = Instant::now();
        self.shared.trouble(Trouble::Store, None);
        prepared.partition.set_done(prepared.next);
        let events = prepared.destinations.streamed.len() - unstored.indices().count();
        self.meters.records.increment(prepared.records as u64);
        self.meters.events.increment(events as u64);
        self.meters.batches.increment(1);
        if unstored.refused.is_empty() {
            return false;
        }
        prepared.stored = true;
        self.dead_letter(prepared, &unstored.refused);
        true
    }

    /// Handles a ledger at another offset: another owner continued, or the store lost
    /// its last writes. The ledger is right.
    fn moved(&self, partition: &PartitionState, ledger: Option<Ledger>) {
        let name = &partition.ledger.partition;
        match ledger {
            Some(ledger) if !ledger.is_of(&partition.identity) => {
                tracing::error!(partition = %name, "the ledger belongs to another topic or cluster; reopening the partition");
                partition.reopen();
            }
            Some(ledger) => {
                tracing::warn!(partition = %name, next = ledger.next, "the ledger moved; continuing from there");
                partition.rewind(Point {
                    next: ledger.next,
                    attempts: ledger.attempts,
                    clock: ledger.clock,
                });
            }
            None => {
                tracing::error!(partition = %name, "the ledger is missing from the store; reopening the partition");
                partition.reopen();
            }
        }
        self.signal.ring();
    }
}

/// Logs the loss if a batch is given up that Redis stored in part: its permissions
/// changed meanwhile, and the ledger could not be set back.
fn say_given_up(append: &Append) {
    let events = append.exchange.passed_over();
    if events > 0 {
        let (partition, from) = (&append.ledger.partition, append.exchange.expected);
        tracing::error!(
            %partition, from, events,
            "events lost: the permissions in Redis changed while they were stored; they are in no \
             stream, and the ledger is past them"
        );
    }
}
