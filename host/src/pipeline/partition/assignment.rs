//! The pipeline's answers to its consumer: where partitions start, which worker
//! processes them, and what is done.

use super::reader::Assigned;
use super::starts::StartResolver;
use super::state::PartitionState;
use crate::kafka::consumer::{Cluster, Commit, NotYet, PartitionConsumer, Partitions, Start};
use crate::pipeline::lock::lock;
use crate::pipeline::shared::Shared;
use crate::pipeline::signal::Signal;
use crate::record::{self, TopicPartition};
use crate::store::{Ledger, LedgerKey};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a revocation waits for batches in progress.
const FINISH: Duration = Duration::from_secs(3);

/// Newly assigned partitions for a worker. The thread that adds them polls the group
/// and must not wait for a busy worker. Holds at most the assigned partitions.
#[derive(Clone, Default)]
pub(in crate::pipeline) struct Inbox {
    assigned: Arc<Mutex<Vec<Assigned>>>,
    /// Rung when a partition is added.
    pub signal: Arc<Signal>,
}

impl Inbox {
    /// Takes all of them.
    pub fn take(&self) -> Vec<Assigned> {
        std::mem::take(&mut *lock(&self.assigned))
    }

    fn put(&self, assigned: Assigned) {
        lock(&self.assigned).push(assigned);
        self.signal.ring();
    }
}

/// A pipeline's answers to its consumer.
pub(in crate::pipeline) struct PipelinePartitions {
    shared: Arc<Shared>,
    inboxes: Vec<Inbox>,
    /// Only the start thread uses it, so the lock is always free.
    resolver: Mutex<StartResolver>,
    /// Ledgers of partitions that are being assigned.
    opened: Mutex<HashMap<TopicPartition, Ledger>>,
}

impl PipelinePartitions {
    pub fn new(shared: Arc<Shared>, inboxes: Vec<Inbox>) -> PipelinePartitions {
        PipelinePartitions {
            resolver: Mutex::new(StartResolver::new(shared.clone())),
            shared,
            inboxes,
            opened: Mutex::default(),
        }
    }

    /// Releases a partition for reopening, and waits for a limited time until its worker
    /// has released it.
    fn release(&self, partition: &Arc<PartitionState>) -> TopicPartition {
        let name = partition.ledger.partition.clone();
        self.shared.partitions().remove(&name);
        partition.abandon();
        self.inboxes.iter().for_each(|inbox| inbox.signal.ring());
        partition.released_by(Instant::now() + FINISH);
        name
    }
}

impl Partitions for PipelinePartitions {
    fn stopping(&self) -> bool {
        self.shared.draining()
    }

    fn start(&self, partition: &TopicPartition, cluster: &Cluster) -> Result<Start, NotYet> {
        let opened = lock(&self.resolver).open(partition, cluster)?;
        let start = match &opened {
            Ok(ledger) => Start::At(ledger.next),
            Err(why) => Start::Halted(why.clone()),
        };
        lock(&self.opened).insert(partition.clone(), opened.unwrap_or_default());
        Ok(start)
    }

    fn forget(&self, partition: &TopicPartition) {
        lock(&self.resolver).forget(partition);
    }

    fn begin(&self, mut records: PartitionConsumer, start: Start) {
        let partition = records.origin().clone();
        let mut hash = DefaultHasher::new();
        partition.topic.hash(&mut hash);
        let worker = hash
            .finish()
            .wrapping_add(partition.partition.unsigned_abs().into());
        let inbox = &self.inboxes[(worker % self.inboxes.len() as u64) as usize];
        let signal = inbox.signal.clone();
        records.on_records(move || signal.ring());
        tracing::info!(pipeline = self.shared.settings.name, %partition, %start, "partition assigned");
        let ledger = lock(&self.opened).remove(&partition).unwrap_or_default();
        let key = LedgerKey::new(&self.shared.settings.group, partition.clone());
        let state = Arc::new(PartitionState::new(key, ledger.identity()));
        self.shared.partitions().insert(partition, state.clone());
        inbox.put(Assigned {
            held: state.hold(),
            state,
            records,
            start,
            attempts: ledger.attempts,
            clock: ledger.clock,
        });
    }

    fn revoked(&self, partitions: &[TopicPartition], lost: bool) -> Vec<Commit> {
        let mut assigned = self.shared.partitions();
        let going: Vec<_> = { partitions.iter() }
            .filter_map(|partition| assigned.remove(partition))
            .collect();
        drop(assigned);
        going.iter().for_each(|partition| partition.close());
        // A lost partition has another owner already: the ledger would refuse our batches.
        if !lost {
            let deadline = Instant::now() + FINISH;
            for partition in &going {
                partition.finished_by(deadline);
            }
        }
        going.iter().for_each(|partition| partition.abandon());
        self.inboxes.iter().for_each(|inbox| inbox.signal.ring());
        if !going.is_empty() {
            tracing::info!(
                pipeline = self.shared.settings.name,
                partitions = record::partitions(partitions),
                lost,
                "partitions revoked"
            );
        }
        let stored = going.iter().filter_map(|partition| partition.commit());
        stored.collect()
    }

    fn done(&self) -> Vec<Commit> {
        let partitions = self.shared.partitions();
        let stored = partitions
            .values()
            .filter_map(|partition| partition.commit());
        let mut stored: Vec<_> = stored.collect();
        stored.sort();
        stored
    }

    fn look_after(&self, cluster: &Cluster) -> Vec<TopicPartition> {
        let partitions = self.shared.partitions().clone();
        lock(&self.resolver).look_at(&partitions, cluster);
        let reopened = { partitions.values() }.filter(|partition| partition.needs_reopening());
        reopened.map(|partition| self.release(partition)).collect()
    }
}
