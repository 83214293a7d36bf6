//! What is to be done with a batch, from the front to the back.

use super::lane::{Lane, LaneState};
use super::sending::Letters;
use crate::plugin::Generation;
use crate::record::{Batch, Events, TaskNews};
use crate::store::{StreamEvent, TaskReport};
use std::collections::HashMap;
use std::sync::Arc;

/// A processed part of a batch. Nothing of it is stored yet.
pub(super) struct Plan {
    pub lane: Arc<LaneState>,
    pub session: u64,
    /// Where the ledger must stand, and where it then stands.
    pub expected: i64,
    pub next: i64,
    /// How often the record at `next` was tried.
    pub attempts: u32,
    /// The plugins that made it.
    pub generation: Arc<Generation>,
    pub batch: Arc<Batch>,
    /// How many of the batch's records it covers.
    pub records: usize,
    pub events: Events,
    /// Where records were at first that are replays: by their index.
    pub replays: HashMap<u32, String>,
    /// Indices of the events that go to their clients' streams.
    pub streamed: Vec<u32>,
    /// Indices of those that their clients would get if they were connected.
    pub withheld: Vec<u32>,
    /// Indices of those that go to no stream, and say something of a task.
    pub reported: Vec<u32>,
    /// What goes to Kafka; already under way.
    pub letters: Letters,
    /// The store has it, and only letters of what it refused are under way.
    pub stored: bool,
}

impl Plan {
    /// A plan that moves the ledger over offsets without records, and nothing
    /// else.
    pub fn pass(lane: &mut Lane, next: i64, generation: Arc<Generation>) -> Plan {
        let expected = std::mem::replace(&mut lane.next, next);
        Plan {
            lane: lane.state.clone(),
            session: lane.session,
            expected,
            next,
            attempts: 0,
            generation,
            batch: Arc::new(Batch::new(lane.state.ledger.partition.clone())),
            records: 0,
            replays: HashMap::new(),
            events: Events::default(),
            streamed: Vec::new(),
            withheld: Vec::new(),
            reported: Vec::new(),
            letters: Letters::default(),
            stored: false,
        }
    }

    /// About how many bytes it holds.
    pub fn size(&self) -> usize {
        size_of::<Plan>() + self.batch.arena.len() + self.events.arena.len()
    }

    /// Takes a record's events back that go to streams.
    pub fn leave_out(&mut self, record: u32) {
        let list = &self.events.list;
        let of_others = |index: &u32| list[*index as usize].record != record;
        self.streamed.retain(of_others);
        self.withheld.retain(of_others);
        self.reported.retain(of_others);
    }

    /// The clients of what is withheld, each once.
    pub fn withheld_from(&self) -> Vec<&[u8]> {
        let name = |index: &u32| self.events.bytes(self.events.list[*index as usize].name);
        let mut names: Vec<_> = self.withheld.iter().map(name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The events of these indices as the store takes them.
    pub fn stream_events(&self, of: &[u32]) -> Vec<StreamEvent<'_>> {
        let event = |index: &u32| {
            let record = self.events.list[*index as usize].record;
            let replay = self.replays.get(&record).map(String::as_str);
            stream_event(&self.events, &self.batch, *index, replay)
        };
        of.iter().map(event).collect()
    }
}

/// An event as the store takes it.
pub(super) fn stream_event<'a>(
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
