//! What the pipeline answers ingest: where partitions begin, who processes
//! them, what is done.

use super::Shared;
use super::finder::Finder;
use super::front::{Arrival, Arrivals};
use super::lane::LaneState;
use super::mark;
use super::shared::lock;
use super::signal::Signal;
use crate::ingest::{Cluster, Commit, Feed, NotYet, Partitions, Start};
use crate::record::{self, TopicPartition};
use crate::store::{Ledger, LedgerKey};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a revocation waits for batches in hand.
const FINISH: Duration = Duration::from_secs(3);

/// How a partition gets to its worker.
pub(super) struct Door {
    pub arrivals: Arrivals,
    pub signal: Arc<Signal>,
}

/// A pipeline's answers to ingest.
pub(super) struct PipelinePartitions {
    shared: Arc<Shared>,
    doors: Vec<Door>,
    /// Used by ingest's start thread alone, so it never waits for the lock.
    finder: Mutex<Finder>,
    /// Ledgers of partitions that are being assigned.
    opened: Mutex<HashMap<TopicPartition, Ledger>>,
}

impl PipelinePartitions {
    pub fn new(shared: Arc<Shared>, doors: Vec<Door>) -> PipelinePartitions {
        PipelinePartitions {
            finder: Mutex::new(Finder::new(shared.clone())),
            shared,
            doors,
            opened: Mutex::default(),
        }
    }

    /// Lets go of a lane that is to be begun anew, and waits for a while until
    /// its worker has as well.
    fn let_go(&self, lane: &Arc<LaneState>) -> TopicPartition {
        let partition = lane.ledger.partition.clone();
        self.shared.lanes().remove(&partition);
        lane.closing.store(true, Ordering::Release);
        lane.abandoned.store(true, Ordering::Release);
        self.doors.iter().for_each(|door| door.signal.ring());
        let deadline = Instant::now() + FINISH;
        while Arc::strong_count(lane) > 1 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        partition
    }
}

/// What is done of a partition, once any of it is known.
fn commit_of(lane: &LaneState) -> Option<Commit> {
    let next = lane.done.load(Ordering::Acquire);
    (next >= 0).then(|| Commit {
        partition: lane.ledger.partition.clone(),
        next,
        metadata: mark::of(&lane.identity),
    })
}

impl Partitions for PipelinePartitions {
    fn stopping(&self) -> bool {
        self.shared.draining()
    }

    fn start(&self, partition: &TopicPartition, cluster: &Cluster) -> Result<Start, NotYet> {
        let opened = lock(&self.finder).open(partition, cluster)?;
        let start = match &opened {
            Ok(ledger) => Start::At(ledger.next),
            Err(why) => Start::Halted(why.clone()),
        };
        lock(&self.opened).insert(partition.clone(), opened.unwrap_or_default());
        Ok(start)
    }

    fn forget(&self, partition: &TopicPartition) {
        lock(&self.finder).forget(partition);
    }

    fn begin(&self, mut feed: Feed, start: Start) {
        let partition = feed.origin().clone();
        let mut hash = DefaultHasher::new();
        partition.topic.hash(&mut hash);
        let worker = hash
            .finish()
            .wrapping_add(partition.partition.unsigned_abs().into());
        let door = &self.doors[(worker % self.doors.len() as u64) as usize];
        let signal = door.signal.clone();
        feed.on_records(move || signal.ring());
        tracing::info!(pipeline = self.shared.settings.name, %partition, %start, "assigned");
        let ledger = lock(&self.opened).remove(&partition).unwrap_or_default();
        let key = LedgerKey::new(&self.shared.settings.group, partition.clone());
        let state = Arc::new(LaneState::new(key, ledger.identity()));
        self.shared.lanes().insert(partition, state.clone());
        lock(&door.arrivals).push(Arrival {
            state,
            feed,
            start,
            attempts: ledger.attempts,
        });
        door.signal.ring();
    }

    fn revoked(&self, partitions: &[TopicPartition], lost: bool) -> Vec<Commit> {
        let mut lanes = self.shared.lanes();
        let going: Vec<_> = partitions
            .iter()
            .filter_map(|p| lanes.remove_entry(p))
            .collect();
        drop(lanes);
        going
            .iter()
            .for_each(|(_, lane)| lane.closing.store(true, Ordering::Release));
        // What was lost is another's already: its ledger would refuse us.
        let deadline = Instant::now() + if lost { Duration::ZERO } else { FINISH };
        let busy = |lane: &LaneState| lane.in_hand.load(Ordering::Acquire) > 0;
        while going.iter().any(|(_, lane)| busy(lane)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        going
            .iter()
            .for_each(|(_, lane)| lane.abandoned.store(true, Ordering::Release));
        self.doors.iter().for_each(|door| door.signal.ring());
        if !going.is_empty() {
            tracing::info!(
                pipeline = self.shared.settings.name,
                partitions = record::partitions(partitions),
                lost,
                "revoked"
            );
        }
        going
            .iter()
            .filter_map(|(_, lane)| commit_of(lane))
            .collect()
    }

    fn done(&self) -> Vec<Commit> {
        let lanes = self.shared.lanes();
        let mut done: Vec<_> = { lanes.values() }
            .filter_map(|lane| commit_of(lane))
            .collect();
        done.sort();
        done
    }

    fn look_after(&self, cluster: &Cluster) -> Vec<TopicPartition> {
        let lanes = self.shared.lanes().clone();
        lock(&self.finder).look_at(&lanes, cluster);
        let strange = lanes.values().filter(|lane| lane.is_strange());
        strange.map(|lane| self.let_go(lane)).collect()
    }
}
