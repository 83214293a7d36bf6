//! A batch after the plugins, on its way to the commit worker.

use crate::pipeline::commit::produces::PendingProduces;
use crate::pipeline::partition::reader::Partition;
use crate::pipeline::partition::state::{InHand, PartitionState, Point};
use crate::plugin::Generation;
use crate::record::{Batch, Events, StateValue, TaskNews};
use crate::store::{NewValue, StreamEvent, TaskReport};
use std::collections::HashMap;
use std::sync::Arc;

/// A processed part of a batch. Nothing of it is stored yet.
pub(in crate::pipeline) struct PreparedBatch {
    pub partition: Arc<PartitionState>,
    /// A revocation of the partition waits until this is dropped.
    pub _in_hand: InHand,
    pub session: u64,
    /// The ledger's offset before the commit, and (`next`) after it.
    pub expected: i64,
    pub next: i64,
    /// The partition's time before the first record, and after the last one.
    pub clocks: [i64; 2],
    /// What a stateful transform wrote, each key once.
    pub values: Vec<NewValue>,
    /// How often the record at `next` was tried.
    pub attempts: u32,
    /// The plugins that processed it.
    pub generation: Arc<Generation>,
    pub batch: Arc<Batch>,
    /// The number of the batch's records that it covers.
    pub records: usize,
    pub events: Events,
    /// For replays, where the record was first, by its index.
    pub replays: HashMap<u32, String>,
    /// Where its events go.
    pub destinations: Destinations,
    /// Records for Kafka, already sent.
    pub produces: PendingProduces,
    /// The batch is stored, and only letters for refused events are still on their way.
    pub stored: bool,
}

/// Indices of a batch's events, by where they go.
#[derive(Default)]
pub(in crate::pipeline) struct Destinations {
    /// Events that go to streams.
    pub streamed: Vec<u32>,
    /// Events that are not stored, since their clients are not connected.
    pub suppressed: Vec<u32>,
    /// Events that go to no stream, but report on a task.
    pub reported: Vec<u32>,
}

impl Destinations {
    /// Keeps only the events for which `keep` is true.
    pub fn retain(&mut self, mut keep: impl FnMut(&u32) -> bool) {
        for indices in [&mut self.streamed, &mut self.suppressed, &mut self.reported] {
            indices.retain(&mut keep);
        }
    }
}

impl PreparedBatch {
    /// A batch without records that only moves the ledger.
    pub fn pass(
        partition: &mut Partition,
        next: i64,
        generation: Arc<Generation>,
        in_hand: InHand,
    ) -> PreparedBatch {
        let expected = std::mem::replace(&mut partition.next, next);
        PreparedBatch {
            partition: partition.state.clone(),
            _in_hand: in_hand,
            session: partition.session,
            expected,
            next,
            clocks: [partition.clock; 2],
            values: Vec::new(),
            attempts: 0,
            generation,
            batch: Arc::new(Batch::new(partition.state.ledger.partition.clone())),
            records: 0,
            replays: HashMap::new(),
            events: Events::default(),
            destinations: Destinations::default(),
            produces: PendingProduces::default(),
            stored: false,
        }
    }

    /// Its approximate size in bytes.
    pub fn size(&self) -> usize {
        let value = |new: &NewValue| {
            let of = |value: &Option<StateValue>| value.as_ref().map_or(0, |v| v.bytes.len());
            new.key.len() + of(&new.value) + of(&new.before)
        };
        let values: usize = self.values.iter().map(value).sum();
        size_of::<PreparedBatch>() + self.batch.arena.len() + self.events.arena.len() + values
    }

    /// Where it begins.
    pub fn start(&self) -> Point {
        Point {
            next: self.expected,
            attempts: 0,
            clock: self.clocks[0],
        }
    }

    /// Removes the events of a record.
    pub fn leave_out(&mut self, record: u32) {
        let list = &self.events.list;
        let of_others = |index: &u32| list[*index as usize].record != record;
        self.destinations.retain(of_others);
    }

    /// The clients of suppressed events, each once.
    pub fn suppressed_from(&self) -> Vec<&[u8]> {
        let name = |index: &u32| self.events.bytes(self.events.list[*index as usize].name);
        let mut names: Vec<_> = self.destinations.suppressed.iter().map(name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Converts the events with these indices for the store.
    pub fn stream_events(&self, of: &[u32]) -> Vec<StreamEvent<'_>> {
        let event = |index: &u32| {
            let record = self.events.list[*index as usize].record;
            let replay = self.replays.get(&record).map(String::as_str);
            stream_event(&self.events, &self.batch, *index, replay)
        };
        of.iter().map(event).collect()
    }
}

/// Converts an event for the store.
pub(in crate::pipeline) fn stream_event<'a>(
    events: &'a Events,
    batch: &Batch,
    index: u32,
    replay: Option<&'a str>,
) -> StreamEvent<'a> {
    let event = &events.list[index as usize];
    let report = |task: TaskNews| TaskReport {
        id: events.bytes(task.id),
        status: events.bytes(task.status),
        ends: task.ends,
    };
    StreamEvent {
        to: event.to,
        name: events.bytes(event.name),
        kind: events.bytes(event.kind),
        data: events.bytes(event.payload),
        offset: batch.records[event.record as usize].offset,
        n: event.n,
        replay,
        task: event.task.map(report),
    }
}
