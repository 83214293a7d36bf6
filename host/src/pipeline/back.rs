//! A worker's second thread: makes plans true, one at a time, in order.
//!
//! A plan is done when Kafka has acknowledged its letters and the store its
//! events with the ledger. Trouble of the store is never the record's fault:
//! it waits, and says so.

use super::lane::{LaneState, Until};
use super::letters::{Arrival, Kind, Letters, Refused, Verdict, judge};
use super::plan::Plan;
use super::shared::lock;
use super::signal::Signal;
use super::{Shared, Trouble};
use crate::record::{Class, Failure, Stage};
use crate::store::{Append, Appended, Exchange, Ledger, LedgerKey, Refusal, Unstored, Writer};
use metrics::{Counter, counter};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// How many topics a pipeline makes for dead letters.
const TOPICS_MADE: usize = 16;
/// How often a wait looks whether the plan is still wanted.
const LOOK: Duration = Duration::from_millis(200);
/// The first and the longest pause between two tries of the store.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

/// A worker's second thread.
pub(super) struct Back {
    shared: Arc<Shared>,
    plans: Receiver<Box<Plan>>,
    /// Wakes the front when a lane must rewind.
    signal: Arc<Signal>,
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
    pub fn new(shared: Arc<Shared>, plans: Receiver<Box<Plan>>, signal: Arc<Signal>) -> Back {
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
            signal,
            writer,
            pause: PAUSES.0,
            meters,
        }
    }

    pub fn run(mut self) {
        let mut ahead: Option<Box<Plan>> = None;
        while let Some(plan) = ahead.take().or_else(|| self.plans.recv().ok()) {
            ahead = self.plans.try_recv().ok();
            let following = ahead.as_ref().map(|plan| plan.lane.ledger.clone());
            self.carry_out(&plan, following.as_ref());
            plan.lane.in_hand.fetch_sub(1, Ordering::AcqRel);
        }
    }

    fn wanted(&self, plan: &Plan) -> bool {
        !self.shared.abandoning()
            && !plan.lane.abandoned.load(Ordering::Acquire)
            && plan.lane.session.load(Ordering::Acquire) == plan.session
    }

    fn carry_out(&mut self, plan: &Plan, following: Option<&LedgerKey>) {
        let events = plan.stream_events(&plan.streamed);
        let reports = plan.stream_events(&plan.reported);
        let mut append = Append {
            ledger: &plan.lane.ledger,
            exchange: Exchange::new(plan.expected, plan.next),
            digests: &plan.generation.digests,
            attempts: plan.attempts,
            events: &events,
            withheld: &plan.withheld_from(),
            reports: &reports,
        };
        if !self.delivered(plan, &plan.letters) {
            return;
        }
        while self.wanted(plan) {
            let error = match self.writer.append(&mut append, following) {
                Appended::Stored(unstored) => return self.stored(plan, &unstored),
                Appended::Moved(ledger) => return self.moved(&plan.lane, ledger),
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
    }

    /// Waits until Kafka has the letters; false if the plan is not wanted any
    /// more.
    fn delivered(&mut self, plan: &Plan, letters: &Letters) -> bool {
        while self.wanted(plan) {
            if self.have_arrived(letters) {
                return true;
            }
        }
        false
    }

    /// One look at the letters; after a refusal a pause, and readiness says so.
    fn have_arrived(&mut self, letters: &Letters) -> bool {
        match letters.arrived(&self.shared.outbox, LOOK) {
            Arrival::All => {
                self.shared.trouble(Trouble::Outbox, None);
                return true;
            }
            Arrival::Refused(refused) => {
                let made = self.make_topic(&refused);
                let Refused { topic, why, .. } = refused;
                let what = format!("Kafka does not take a record for the topic {topic}: {why}");
                let what = match made {
                    Err(error) => format!("{what}; it can't be made: {error:#}"),
                    Ok(()) => what,
                };
                self.shared.trouble(Trouble::Outbox, Some(what));
                self.wait();
            }
            Arrival::Waiting => {}
        }
        false
    }

    /// Makes a topic for dead letters that is not there; one that a route names
    /// is someone's to make. A plugin names topics, so there is a limit to how
    /// many.
    fn make_topic(&self, refused: &Refused) -> anyhow::Result<()> {
        if !refused.no_letter_topic || !self.shared.settings.create_dead_letter_topics {
            return Ok(());
        }
        let mut made = lock(&self.shared.made_topics);
        let known = made.contains(&refused.topic);
        anyhow::ensure!(
            known || made.len() < TOPICS_MADE,
            "{TOPICS_MADE} were made already"
        );
        self.shared.outbox.create_topic(&refused.topic)?;
        if !known {
            tracing::warn!(topic = refused.topic, "made a topic for dead letters");
            made.push(refused.topic.clone());
        }
        Ok(())
    }

    /// Pauses, longer each time, never two workers in step.
    fn wait(&mut self) {
        let jitter = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), ());
        let part = self.pause / 2 + self.pause.mul_f64((jitter % 1000) as f64 / 2000.0);
        std::thread::sleep(part);
        self.pause = (self.pause * 2).min(PAUSES.1);
    }

    fn stored(&mut self, plan: &Plan, unstored: &Unstored) {
        self.pause = PAUSES.0;
        self.shared.trouble(Trouble::Store, None);
        plan.lane.done.store(plan.next, Ordering::Release);
        let events = plan.streamed.len() - unstored.indices().count();
        self.meters.records.increment(plan.records as u64);
        self.meters.events.increment(events as u64);
        self.meters.batches.increment(1);
        if !unstored.refused.is_empty() {
            self.bury(plan, &unstored.refused);
        }
    }

    /// Events that the store refused inside the transaction: their batch is
    /// stored and the ledger has passed. A crash before the letter is
    /// acknowledged loses it; the docs name this window.
    fn bury(&mut self, plan: &Plan, refusals: &[Refusal]) {
        let mut failures: Vec<Failure> = Vec::new();
        for refusal in refusals {
            let event = plan.events.list[plan.streamed[refusal.event] as usize];
            if failures
                .last()
                .is_none_or(|last| last.record != event.record)
            {
                let message = refusal.message.clone();
                let (stage, class) = (Stage::Store, Class::StoreRefused);
                let mut failure = Failure::new(event.record, stage, class, message);
                let all = plan.events.list.iter();
                failure.events = Some(all.filter(|of| of.record == event.record).count());
                failures.push(failure);
            }
        }
        let mut policy = match plan.generation.dead_letter.instance() {
            Ok(policy) => policy,
            Err(error) => {
                plan.lane.halt(
                    format!("the dead-letter plugin can't be started: {}", error.message),
                    Until::Swapped,
                );
                return;
            }
        };
        let mut letters = Letters::default();
        let settings = &self.shared.settings;
        // Its batch is stored: nothing is tried again.
        failures
            .iter_mut()
            .for_each(|failure| failure.attempts = settings.max_attempts);
        for verdict in judge(&mut policy, &plan.batch, &failures, settings) {
            match verdict {
                Verdict::Letter(outgoing) => {
                    letters.send(&self.shared.outbox, Kind::DeadLetter, outgoing);
                }
                Verdict::Halt => {
                    plan.lane
                        .halt("its dead-letter policy says so".into(), Until::Swapped);
                }
                Verdict::Drop | Verdict::Retry(_) => {}
            }
        }
        while !self.have_arrived(&letters) && !self.shared.abandoning() {}
    }

    /// The ledger stands elsewhere: another owner went on, or the store lost
    /// its last writes. The ledger is right.
    fn moved(&self, lane: &LaneState, ledger: Option<Ledger>) {
        let partition = &lane.ledger.partition;
        match ledger {
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
