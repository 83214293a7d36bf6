//! A worker's second thread: makes plans true, one at a time, in order.
//!
//! A plan is done when Kafka has acknowledged its letters and the store its
//! events with the ledger. Trouble of the store is never the record's fault:
//! it waits, and says so. What Kafka does not take holds its own partition.

use super::lane::LaneState;
use super::parked::Parked;
use super::plan::Plan;
use super::sending::{Arrival, Refused};
use super::signal::Signal;
use super::turns::Turns;
use super::{Shared, Trouble};
use crate::log::Short;
use crate::store::{Append, Appended, Exchange, Ledger, LedgerKey, Unstored, Writer};
use metrics::{Counter, counter};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

/// Plans that are ready at once: one is stored while the next is looked up.
const READY: usize = 2;
/// How long it sleeps at most: a lost wake-up costs no more.
const NAP: Duration = Duration::from_millis(100);
/// The first and the longest pause between two tries of the store.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

/// A worker's second thread.
pub(super) struct Back {
    pub shared: Arc<Shared>,
    plans: Receiver<Box<Plan>>,
    /// The front is gone.
    ended: bool,
    /// Plans that wait for nothing but the store.
    ready: VecDeque<Box<Plan>>,
    /// Plans that wait for Kafka.
    parked: Parked,
    /// Rung when there is a plan, or an answer of Kafka.
    bell: Arc<Signal>,
    /// Wakes the front when a lane must rewind, or may take more.
    signal: Arc<Signal>,
    turns: Arc<Turns>,
    writer: Box<dyn Writer>,
    pause: Duration,
    meters: Meters,
}

struct Meters {
    records: Counter,
    events: Counter,
    batches: Counter,
}

impl Back {
    pub fn new(
        shared: Arc<Shared>,
        plans: Receiver<Box<Plan>>,
        bell: Arc<Signal>,
        (signal, turns): (Arc<Signal>, Arc<Turns>),
    ) -> Back {
        let writer = shared.store.writer();
        let name = &shared.settings.name;
        let meters = Meters {
            records: counter!("millstream_records_total", "pipeline" => name.clone()),
            events: counter!("millstream_events_total", "pipeline" => name.clone()),
            batches: counter!("millstream_batches_total", "pipeline" => name.clone()),
        };
        Back {
            shared,
            plans,
            ended: false,
            ready: VecDeque::new(),
            parked: Parked::default(),
            bell,
            signal,
            turns,
            writer,
            pause: PAUSES.0,
            meters,
        }
    }

    pub fn run(mut self) {
        loop {
            self.turns.back.beat();
            self.gather();
            match self.ready.pop_front() {
                Some(plan) => self.carry_out(plan),
                None if self.ended && self.parked.is_empty() => return,
                None => {
                    self.turns.back.rest();
                    // What was looked up ahead would be old by then.
                    self.writer.rest();
                    let nap = Instant::now() + NAP;
                    let look = self.parked.next_look();
                    self.bell.wait(look.map_or(nap, |look| look.min(nap)));
                }
            }
        }
    }

    /// Finds plans that wait for nothing but the store. One that waits for
    /// Kafka is parked, with those after it in its partition; the others pass.
    fn gather(&mut self) {
        let mut parked = std::mem::take(&mut self.parked);
        let released = parked.release(|plan| self.is_ready(plan));
        self.ready.extend(released);
        while self.ready.len() < READY && parked.has_room() {
            match self.plans.try_recv() {
                Ok(mut plan) => match parked.holds(&plan.lane) || !self.is_ready(&mut plan) {
                    true => parked.push(plan),
                    false => self.ready.push_back(plan),
                },
                Err(error) => {
                    self.ended = error == TryRecvError::Disconnected;
                    break;
                }
            }
        }
        self.parked = parked;
    }

    /// Asked before each try, of which each takes a bounded time.
    fn wanted(&self, plan: &Plan) -> bool {
        self.turns.back.beat();
        let lane = &plan.lane;
        let current = || {
            !lane.abandoned.load(Ordering::Acquire)
                && lane.session.load(Ordering::Acquire) == plan.session
        };
        // The ledger has passed what is stored: nobody else sends its letters.
        !self.shared.abandoning() && (plan.stored || current())
    }

    /// Whether Kafka has all that a plan sends there, or nobody wants it.
    fn is_ready(&self, plan: &mut Plan) -> bool {
        while self.wanted(plan) {
            let settings = &self.shared.settings;
            let outbox = &self.shared.outbox;
            match plan.letters.look(outbox, &plan.batch, settings) {
                Arrival::All => break,
                Arrival::Unfit(unfit) => self.too_large(plan, unfit),
                Arrival::Refused(refused) => {
                    self.note_refusal(plan, &refused);
                    return false;
                }
                Arrival::Waiting => {
                    self.note_waiting(plan);
                    return false;
                }
            }
        }
        plan.lane.waits_for(None);
        true
    }

    fn note_refusal(&self, plan: &Plan, refused: &Refused) {
        let Refused { topic, why, .. } = refused;
        if refused.no_letter_topic {
            self.shared.topics.miss(topic);
        }
        let missing = self.shared.topics.missing(topic);
        let also = missing.map_or(String::new(), |missing| format!("; {missing}"));
        let topic = Short(topic);
        let what = format!("Kafka does not take a record for the topic {topic}: {why}{also}");
        let pipeline = self.shared.settings.name.clone();
        counter!("millstream_waits_total", "pipeline" => pipeline, "on" => "kafka").increment(1);
        plan.lane.waits_for(Some(what));
    }

    /// Says what is waited for: at once where a topic is missing, else when
    /// Kafka takes long. A refusal that was said stays.
    fn note_waiting(&self, plan: &Plan) {
        let topics = &self.shared.topics;
        let missing = plan
            .letters
            .topics()
            .find_map(|topic| topics.missing(topic));
        let late = || {
            let topic = plan
                .letters
                .topics()
                .next()
                .filter(|_| plan.letters.are_late())?;
            let topic = Short(topic);
            Some(format!(
                "Kafka has not acknowledged a record for the topic {topic}"
            ))
        };
        if !plan.letters.were_refused()
            && let Some(why) = missing.or_else(late)
        {
            plan.lane.waits_for(Some(why));
        }
    }

    fn carry_out(&mut self, mut plan: Box<Plan>) {
        let wanted = self.wanted(&plan);
        if wanted && !plan.stored && self.store(&mut plan) {
            return self.parked.push_first(plan);
        }
        let lane = plan.lane.clone();
        drop(plan);
        lane.in_hand.fetch_sub(1, Ordering::AcqRel);
        // It may take more, if it had as many as it may.
        self.signal.ring();
    }

    /// Stores a plan's events with its ledger; true if letters of what the store
    /// refused are still under way.
    fn store(&mut self, plan: &mut Plan) -> bool {
        // One with replays has marks to be looked at, too.
        let following = self.ready.front();
        let plain = following.filter(|next| !next.stored && next.replays.is_empty());
        let following = plain.map(|next| next.lane.ledger.clone());
        match self.append(plan, following.as_ref()) {
            Some(unstored) => self.stored(plan, &unstored),
            None => false,
        }
    }

    /// Appends until the store answers; `None` if the plan is not wanted.
    fn append(&mut self, plan: &Plan, following: Option<&LedgerKey>) -> Option<Unstored> {
        let events = plan.stream_events(&plan.streamed);
        let reports = plan.stream_events(&plan.reported);
        let mut append = Append {
            ledger: &plan.lane.ledger,
            identity: &plan.lane.identity,
            exchange: Exchange::new(plan.expected, plan.next),
            digests: &plan.generation.digests,
            attempts: plan.attempts,
            events: &events,
            withheld: &plan.withheld_from(),
            reports: &reports,
        };
        while self.wanted(plan) {
            let error = match self.writer.append(&mut append, following) {
                Appended::Stored(unstored) => return Some(unstored),
                Appended::Moved(ledger) => {
                    self.moved(&plan.lane, ledger);
                    return None;
                }
                Appended::Unavailable(error) => error,
                Appended::Unknown(error) => {
                    tracing::warn!(%error, "an answer of the store was lost; the ledger will tell");
                    counter!("millstream_store_unknown_total").increment(1);
                    error
                }
            };
            self.shared.trouble(Trouble::Store, Some(error.to_string()));
            self.wait();
        }
        self.writer.rest();
        say_given_up(&append);
        None
    }

    /// Pauses, longer each time, never two workers in step.
    fn wait(&mut self) {
        let jitter = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), ());
        let part = self.pause / 2 + self.pause.mul_f64((jitter % 1000) as f64 / 2000.0);
        std::thread::sleep(part);
        self.pause = (self.pause * 2).min(PAUSES.1);
    }

    /// Counts what is stored; true if letters of what was refused are under way.
    fn stored(&mut self, plan: &mut Plan, unstored: &Unstored) -> bool {
        self.pause = PAUSES.0;
        self.shared.trouble(Trouble::Store, None);
        plan.lane.done.store(plan.next, Ordering::Release);
        let events = plan.streamed.len() - unstored.indices().count();
        self.meters.records.increment(plan.records as u64);
        self.meters.events.increment(events as u64);
        self.meters.batches.increment(1);
        if unstored.refused.is_empty() {
            return false;
        }
        plan.stored = true;
        self.bury(plan, &unstored.refused);
        true
    }

    /// The ledger stands elsewhere: another owner went on, or the store lost
    /// its last writes. The ledger is right.
    fn moved(&self, lane: &LaneState, ledger: Option<Ledger>) {
        let partition = &lane.ledger.partition;
        match ledger {
            Some(ledger) if !ledger.is_of(&lane.identity) => {
                tracing::error!(%partition, "its ledger is another topic's or cluster's");
                lane.mark_strange();
            }
            Some(ledger) => {
                tracing::warn!(%partition, next = ledger.next, "the ledger moved; going on from there");
                lane.rewind(ledger.next, ledger.attempts);
            }
            None => {
                tracing::error!(%partition, "its ledger is gone from the store");
                lane.mark_strange();
            }
        }
        self.signal.ring();
    }
}

/// Says what is lost where a batch is given up that Redis stored in part: its
/// permissions changed meanwhile, and the ledger could not be taken back.
fn say_given_up(append: &Append) {
    let events = append.exchange.passed_over();
    if events > 0 {
        let (partition, from) = (&append.ledger.partition, append.exchange.expected);
        tracing::error!(
            %partition, from, events,
            "Redis' permissions changed while it stored these events; they are in no stream, and the \
             ledger has passed them"
        );
    }
}
