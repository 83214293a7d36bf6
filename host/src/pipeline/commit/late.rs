//! Failures that occur while a batch is committed: the store refused an event, or a
//! record is too large for its topic.

use super::produces::{Kind, Unfit};
use super::worker::CommitWorker;
use crate::pipeline::partition::state::Until;
use crate::pipeline::transform::decide::{AGAIN, halted_by};
use crate::pipeline::transform::grants::Grants;
use crate::pipeline::transform::prepared::PreparedBatch;
use crate::pipeline::transform::verdicts::{Verdict, instead, judge_all, to_default_topic};
use crate::record::{Class, Failure, Stage};
use crate::store::Refusal;
use std::collections::BTreeMap;

/// What a halt waits for where the record is a dead letter already.
const AFTER_IT: &str = "the record is a dead letter; save another plugin to continue after it";

impl CommitWorker {
    /// Dead-letters records whose events the store refused inside the transaction. The
    /// rest of the batch is stored and the ledger is past it, so a crash before Kafka
    /// acknowledges the letter loses it. The docs name this window.
    pub(in crate::pipeline) fn dead_letter(
        &self,
        prepared: &mut PreparedBatch,
        refusals: &[Refusal],
    ) {
        let failures = refused(prepared, refusals);
        self.rule(prepared, failures.into_values().collect());
    }

    /// Handles events that the store would refuse, before anything is stored.
    pub(in crate::pipeline) fn refused_earlier(
        &self,
        prepared: &PreparedBatch,
        refusals: &[Refusal],
    ) {
        fail_earlier(prepared, refused(prepared, refusals));
    }

    /// Handles what is too large for its topic: an event fails its record, and a
    /// rerouted record becomes a dead letter.
    pub(in crate::pipeline) fn too_large(&self, prepared: &mut PreparedBatch, unfit: Vec<Unfit>) {
        let mut failures: BTreeMap<u32, Failure> = BTreeMap::new();
        for Unfit { kind, why } in unfit {
            match kind {
                Kind::Event(index) => {
                    let record = prepared.events.list[index as usize].record;
                    let failure = Failure::new(record, Stage::Route, Class::TooLarge, why);
                    failures.entry(record).or_insert(failure);
                }
                Kind::Reroute(mut failure) | Kind::DeadLetter(mut failure, _) => {
                    let before = (failure.class.name(), &failure.message);
                    let why = format!("{why}; original failure: {}: {}", before.0, before.1);
                    (failure.class, failure.message) = (Class::TooLarge, Failure::words(why));
                    let verdict = instead(&prepared.batch, &failure, &self.shared.settings);
                    self.carry_out_verdict(prepared, &failure, verdict);
                }
            }
        }
        if !failures.is_empty() && !prepared.values.is_empty() {
            return fail_earlier(prepared, failures);
        }
        failures
            .keys()
            .for_each(|record| prepared.leave_out(*record));
        self.rule(prepared, failures.into_values().collect());
    }

    /// Asks the policy of the batch's generation. A retry is not possible: the other
    /// records of the batch are decided.
    fn rule(&self, prepared: &mut PreparedBatch, mut failures: Vec<Failure>) {
        let settings = &self.shared.settings;
        failures
            .iter_mut()
            .for_each(|failure| failure.attempts = settings.max_attempts);
        let batch = prepared.batch.clone();
        let policy = &prepared.generation.dead_letter;
        let grants = Grants::of(settings, &prepared.generation);
        let verdicts = judge_all(policy, &batch, &failures, (settings, &grants));
        for (failure, verdict) in failures.iter().zip(verdicts) {
            self.carry_out_verdict(prepared, failure, verdict);
        }
    }

    fn carry_out_verdict(&self, prepared: &mut PreparedBatch, failure: &Failure, verdict: Verdict) {
        match verdict {
            Verdict::Letter(kind, outgoing) => {
                self.shared.topics.note(&kind, &outgoing.topic);
                prepared
                    .produces
                    .send(&self.shared.producer, kind, outgoing);
            }
            Verdict::Halt if prepared.stored => {
                // The ledger is past the record: a halt alone would lose it.
                let letter = to_default_topic(&prepared.batch, failure, &self.shared.settings);
                self.carry_out_verdict(prepared, failure, letter);
                let why = halted_by(&prepared.batch, failure, AFTER_IT);
                prepared.partition.halt(why, Until::Swapped);
            }
            Verdict::Halt => {
                let why = halted_by(&prepared.batch, failure, AGAIN);
                prepared.partition.halt(why, Until::Swapped);
                // Records that Kafka has already are sent again after the halt.
                prepared.partition.rewind(prepared.start());
            }
            Verdict::Drop | Verdict::Retry(_) => {}
        }
    }
}

/// Handles records that would fail and have written values, before anything is stored:
/// they fail in the transform worker, where that is undone.
fn fail_earlier(prepared: &PreparedBatch, failures: BTreeMap<u32, Failure>) {
    let offset = |record: u32| prepared.batch.records[record as usize].offset;
    let by_offset = { failures.into_iter() }.map(|(record, why)| (offset(record), why));
    prepared.partition.fail(by_offset);
    prepared.partition.rewind(prepared.start());
}

/// The failures of the records whose events the store refuses.
fn refused(prepared: &PreparedBatch, refusals: &[Refusal]) -> BTreeMap<u32, Failure> {
    let mut failures: BTreeMap<u32, Failure> = BTreeMap::new();
    for refusal in refusals {
        let event = prepared.events.list[prepared.destinations.streamed[refusal.event] as usize];
        failures.entry(event.record).or_insert_with(|| {
            let (stage, class) = (Stage::Store, Class::StoreRefused);
            let mut failure = Failure::new(event.record, stage, class, refusal.message.clone());
            let all = prepared.events.list.iter();
            failure.events = Some(all.filter(|of| of.record == event.record).count());
            failure
        });
    }
    failures
}
