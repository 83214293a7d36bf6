//! Batches that can't be made true yet: each waits in its own partition, and what
//! comes after it in the same partition waits behind it.

use crate::pipeline::partition::state::PartitionState;
use crate::pipeline::transform::prepared::PreparedBatch;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// How much a worker's waiting batches may hold. Beyond, the worker takes no more
/// batches until one of them is done, so its other partitions wait as well. A
/// partition has few batches in hand (`transform::worker::IN_HAND`), so it takes many of them.
const BYTES: usize = 64 << 20;

/// A worker's waiting batches.
#[derive(Default)]
pub(in crate::pipeline) struct Parked {
    /// Each partition's, in order; none is empty.
    partitions: Vec<VecDeque<Box<PreparedBatch>>>,
    bytes: usize,
}

impl Parked {
    /// Adds a batch behind its partition's.
    pub fn push(&mut self, batch: Box<PreparedBatch>) {
        self.bytes += batch.size();
        match self.of(&batch.partition) {
            Some(partition) => partition.push_back(batch),
            None => self.partitions.push(VecDeque::from([batch])),
        }
    }

    /// Adds a batch before its partition's.
    pub fn push_first(&mut self, batch: Box<PreparedBatch>) {
        self.bytes += batch.size();
        match self.of(&batch.partition) {
            Some(partition) => partition.push_front(batch),
            None => self.partitions.push(VecDeque::from([batch])),
        }
    }

    fn of(&mut self, partition: &Arc<PartitionState>) -> Option<&mut VecDeque<Box<PreparedBatch>>> {
        let mut partitions = self.partitions.iter_mut();
        partitions.find(|batches| {
            batches
                .front()
                .is_some_and(|batch| Arc::ptr_eq(&batch.partition, partition))
        })
    }

    /// Whether batches of this partition wait.
    pub fn holds(&mut self, partition: &Arc<PartitionState>) -> bool {
        self.of(partition).is_some()
    }

    pub fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    pub fn has_room(&self) -> bool {
        self.bytes < BYTES
    }

    /// Takes those out that wait no longer, each partition's in order.
    pub fn release(
        &mut self,
        mut is_ready: impl FnMut(&mut PreparedBatch) -> bool,
    ) -> VecDeque<Box<PreparedBatch>> {
        let mut released = VecDeque::new();
        for partition in &mut self.partitions {
            while partition.front_mut().is_some_and(|batch| is_ready(batch)) {
                released.extend(partition.pop_front());
            }
        }
        self.partitions.retain(|partition| !partition.is_empty());
        let size: usize = released.iter().map(|batch| batch.size()).sum();
        self.bytes -= size;
        released
    }

    /// When to look at them again, though nothing has come.
    pub fn next_look(&self) -> Option<Instant> {
        let first = self.partitions.iter().filter_map(VecDeque::front);
        first.filter_map(|batch| batch.produces.next_look()).min()
    }
}
