//! Prepared batches that wait for Kafka. Each holds back only the later batches of
//! its partition.

use crate::pipeline::partition::state::PartitionState;
use crate::pipeline::transform::prepared::PreparedBatch;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// The most bytes in a worker's parked batches. Beyond that the worker takes no more
/// batches until one is done, so its other partitions wait as well. A partition has
/// few batches in progress (`transform::worker::IN_HAND`), so that takes many partitions.
const BYTES: usize = 64 << 20;

/// A worker's parked batches.
#[derive(Default)]
pub(in crate::pipeline) struct Parked {
    /// One queue for each partition, in order. None is empty.
    partitions: Vec<VecDeque<Box<PreparedBatch>>>,
    bytes: usize,
}

impl Parked {
    /// Adds a batch after those of its partition.
    pub fn push(&mut self, batch: Box<PreparedBatch>) {
        self.bytes += batch.size();
        match self.of(&batch.partition) {
            Some(partition) => partition.push_back(batch),
            None => self.partitions.push(VecDeque::from([batch])),
        }
    }

    /// Adds a batch before those of its partition.
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

    /// Whether batches of this partition are parked.
    pub fn holds(&mut self, partition: &Arc<PartitionState>) -> bool {
        self.of(partition).is_some()
    }

    pub fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    pub fn has_room(&self) -> bool {
        self.bytes < BYTES
    }

    /// Removes the batches that are ready, in order within each partition.
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

    /// When to check them again if no answer arrives.
    pub fn next_look(&self) -> Option<Instant> {
        let first = self.partitions.iter().filter_map(VecDeque::front);
        first.filter_map(|batch| batch.produces.next_look()).min()
    }
}
