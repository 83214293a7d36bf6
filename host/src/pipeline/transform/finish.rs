//! Turns the plugins' answers into a prepared batch: asks the policy, sends what it
//! decided, and leaves the rest of the records to the partition.

use super::decide::{Decision, Next, decide};
use super::destinations::destinations;
use super::prepared::PreparedBatch;
use super::replays::replays;
use super::verdicts::judge;
use super::worker::TransformWorker;
use crate::pipeline::commit::produces::{Kind, PendingProduces};
use crate::pipeline::partition::reader::Partition;
use crate::pipeline::partition::remaining::Remaining;
use crate::pipeline::partition::state::{InHand, Until};
use crate::plugin::{End, Made, Routed, Turn};
use crate::record::{Failure, StateValue};
use crate::store::NewValue;
use bytes::Bytes;
use std::collections::HashMap;
use std::time::Instant;

/// A batch after its plugins.
pub(in crate::pipeline) struct Processed {
    pub remaining: Remaining,
    pub made: Made,
    pub routed: Routed,
    pub connected: Vec<bool>,
    pub failures: Vec<Failure>,
}

impl TransformWorker {
    /// Makes the prepared batch; `None` if nothing is decided.
    pub(in crate::pipeline) fn finish(
        &mut self,
        index: usize,
        work: Processed,
        in_hand: InHand,
    ) -> Option<PreparedBatch> {
        let decision = self.ask_policy(index, &work)?;
        let Processed {
            remaining,
            made,
            routed,
            connected,
            ..
        } = work;
        let (batch, from, end) = (remaining.batch, remaining.from, decision.end);
        let settings = &self.shared.settings;
        let partition = &mut self.partitions[index];
        proceed(partition, decision.next);
        // The ledger keeps how often a record was tried, so that a restart
        // continues to count.
        let next = match batch.records[from..end].last() {
            Some(last) => last.offset + 1,
            None if decision.attempts > 0 => partition.next,
            None => return None,
        };
        let deliver = settings.deliver;
        let (destinations, outgoing) =
            destinations(&batch, end, &made, &routed, &connected, deliver);
        let mut produces = PendingProduces::ringing(&self.commit);
        for (kind, outgoing) in decision.letters {
            self.shared.topics.note(&kind, &outgoing.topic);
            produces.send(&self.shared.producer, kind, outgoing);
        }
        for (index, outgoing) in outgoing {
            produces.send(&self.shared.producer, Kind::Event(index), outgoing);
        }
        let expected = std::mem::replace(&mut partition.next, next);
        let clock = batch.clock_after(end);
        let before = std::mem::replace(&mut partition.clock, clock);
        let values = new_values(&made, end);
        partition.values.add(next, &values);
        Some(PreparedBatch {
            partition: partition.state.clone(),
            _in_hand: in_hand,
            session: partition.session,
            expected,
            next,
            clocks: [before, clock],
            values,
            attempts: decision.attempts,
            generation: self.instances.generation.clone(),
            records: end - from,
            replays: match settings.replays {
                true => replays(&batch, from..end),
                false => HashMap::new(),
            },
            batch,
            events: made.events,
            destinations,
            produces,
            stored: false,
        })
    }

    /// Asks the policy about the failures, as far as its turn goes; `None` if the records
    /// are processed again instead.
    fn ask_policy(&mut self, index: usize, work: &Processed) -> Option<Decision> {
        let Processed {
            remaining,
            made,
            failures,
            ..
        } = work;
        let shared = &self.shared;
        let generation = self.instances.generation.number;
        let turn = Turn {
            pace: remaining.pace,
            wanted: &|| shared.wants(generation),
        };
        let policy = &mut self.instances.dead_letter;
        let rules = (&shared.settings, &self.instances.grants);
        let (verdicts, ended) = judge(policy, &remaining.batch, failures, rules, &turn);
        match &ended {
            End::Dropped => {
                self.partitions[index].retry(remaining.anew());
                None
            }
            End::NoInstance(error) if verdicts.len() == 0 => {
                drop(verdicts);
                self.no_instance(index, remaining, error);
                None
            }
            ended => {
                let made = (made.end, &made.ended);
                Some(decide(remaining, made, failures, verdicts, ended))
            }
        }
    }
}

/// The last value of each key that the records before index `end` wrote.
fn new_values(made: &Made, end: usize) -> Vec<NewValue> {
    let mut last: HashMap<&Bytes, &Option<StateValue>> = HashMap::new();
    let written = made.writes.iter();
    for write in written.take_while(|write| (write.record as usize) < end) {
        last.insert(&write.key, &write.value);
    }
    let new = |(key, value): (&Bytes, &Option<StateValue>)| NewValue {
        key: key.clone(),
        value: value.clone(),
        before: made.before.get(key).cloned().flatten(),
    };
    last.into_iter().map(new).collect()
}

/// Makes the partition do what comes next. A halt applies at once, so that no later
/// record is read.
fn proceed(partition: &mut Partition, next: Next) {
    match next {
        Next::Read => {}
        Next::Retry(delay, remaining) => partition.retry_at(Instant::now() + delay, remaining),
        Next::Halt(why) => partition.state.halt(why, Until::Swapped),
    }
}
