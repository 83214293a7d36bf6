//! Failures that come up when their plan is being made true: the store refused
//! an event, or a topic takes none of that size.

use super::back::Back;
use super::grants::Grants;
use super::lane::Until;
use super::letters::{Verdict, instead, judge_all};
use super::plan::Plan;
use super::sending::{Kind, Unfit};
use crate::record::{Class, Failure, Stage};
use crate::store::Refusal;
use std::collections::BTreeMap;

impl Back {
    /// Events that the store refused inside the transaction: their batch is
    /// stored and the ledger has passed. A crash before the letter is
    /// acknowledged loses it; the docs name this window.
    pub(super) fn bury(&self, plan: &mut Plan, refusals: &[Refusal]) {
        let mut failures: BTreeMap<u32, Failure> = BTreeMap::new();
        for refusal in refusals {
            let event = plan.events.list[plan.streamed[refusal.event] as usize];
            failures.entry(event.record).or_insert_with(|| {
                let (stage, class) = (Stage::Store, Class::StoreRefused);
                let mut failure = Failure::new(event.record, stage, class, refusal.message.clone());
                let all = plan.events.list.iter();
                failure.events = Some(all.filter(|of| of.record == event.record).count());
                failure
            });
        }
        self.rule(plan, failures.into_values().collect());
    }

    /// What is larger than its topic takes: an event fails its record, and a
    /// rerouted record is a dead letter instead.
    pub(super) fn too_large(&self, plan: &mut Plan, unfit: Vec<Unfit>) {
        let mut failures: BTreeMap<u32, Failure> = BTreeMap::new();
        for Unfit { kind, why } in unfit {
            match kind {
                Kind::Event(index) => {
                    let record = plan.events.list[index as usize].record;
                    let failure = Failure::new(record, Stage::Route, Class::TooLarge, why);
                    failures.entry(record).or_insert(failure);
                }
                Kind::Reroute(mut failure) | Kind::DeadLetter(mut failure, _) => {
                    let before = (failure.class.name(), &failure.message);
                    let why = format!("{why}; it failed before: {}: {}", before.0, before.1);
                    (failure.class, failure.message) = (Class::TooLarge, Failure::words(why));
                    let verdict = instead(&plan.batch, &failure, &self.shared.settings);
                    self.carry_out_verdict(plan, &failure, verdict);
                }
            }
        }
        failures.keys().for_each(|record| plan.leave_out(*record));
        self.rule(plan, failures.into_values().collect());
    }

    /// Has the plan's own policy rule. Nothing is tried again: the plan's other
    /// records are decided.
    fn rule(&self, plan: &mut Plan, mut failures: Vec<Failure>) {
        let settings = &self.shared.settings;
        failures
            .iter_mut()
            .for_each(|failure| failure.attempts = settings.max_attempts);
        let batch = plan.batch.clone();
        let policy = &plan.generation.dead_letter;
        let grants = Grants::of(settings, &plan.generation);
        let verdicts = judge_all(policy, &batch, &failures, (settings, &grants));
        for (failure, verdict) in failures.iter().zip(verdicts) {
            self.carry_out_verdict(plan, failure, verdict);
        }
    }

    fn carry_out_verdict(&self, plan: &mut Plan, failure: &Failure, verdict: Verdict) {
        match verdict {
            Verdict::Letter(kind, outgoing) => {
                self.shared.topics.note(&kind, &outgoing.topic);
                plan.letters.send(&self.shared.outbox, kind, outgoing);
            }
            Verdict::Halt => {
                let offset = plan.batch.records[failure.record as usize].offset;
                let (class, why) = (failure.class.name(), &failure.message);
                let why =
                    format!("its dead-letter policy says so, at offset {offset} ({class}: {why})");
                plan.lane.halt(why, Until::Swapped);
                if !plan.stored {
                    // What Kafka has of the plan is sent once more after that.
                    plan.lane.rewind(plan.expected, 0);
                }
            }
            Verdict::Drop | Verdict::Retry(_) => {}
        }
    }
}
