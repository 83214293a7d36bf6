//! What the pipeline answers ingest: where partitions begin, who processes
//! them, what is done.

use super::Shared;
use super::finder::Finder;
use super::front::Arrival;
use super::lane::LaneState;
use super::shared::lock;
use super::signal::Signal;
use crate::ingest::{Cluster, Feed, Partitions, Start};
use crate::record::{self, TopicPartition};
use crate::store::{Ledger, LedgerKey};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a revocation waits for batches in hand.
const FINISH: Duration = Duration::from_secs(3);

/// How a partition gets to its worker.
pub(super) struct Door {
    pub arrivals: SyncSender<Arrival>,
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

impl Partitions for PipelinePartitions {
    fn stopping(&self) -> bool {
        self.shared.draining()
    }

    fn start(&self, partition: &TopicPartition, cluster: &Cluster) -> Option<Start> {
        let opened = lock(&self.finder).open(partition, cluster)?;
        let start = match &opened {
            Ok(ledger) => Start::At(ledger.next),
            Err(why) => Start::Halted(why.clone()),
        };
        lock(&self.opened).insert(partition.clone(), opened.unwrap_or_default());
        Some(start)
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
        let state = Arc::new(LaneState::new(key, ledger.topic_id));
        self.shared.lanes().insert(partition, state.clone());
        // Fails only when the worker has stopped, and then nothing is processed.
        let _ = door.arrivals.send(Arrival {
            state,
            feed,
            start,
            attempts: ledger.attempts,
        });
        door.signal.ring();
    }

    fn revoked(&self, partitions: &[TopicPartition], lost: bool) -> Vec<(TopicPartition, i64)> {
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
        let done = |(partition, lane): (TopicPartition, Arc<LaneState>)| {
            let next = lane.done.load(Ordering::Acquire);
            (next >= 0).then_some((partition, next))
        };
        going.into_iter().filter_map(done).collect()
    }

    fn done(&self) -> Vec<(TopicPartition, i64)> {
        let lanes = self.shared.lanes();
        let next = |lane: &LaneState| lane.done.load(Ordering::Acquire);
        let mut done: Vec<_> = lanes
            .iter()
            .map(|(p, lane)| (p.clone(), next(lane)))
            .collect();
        done.retain(|(_, next)| *next >= 0);
        done.sort();
        done
    }

    fn look_after(&self, cluster: &Cluster) -> Vec<TopicPartition> {
        let lanes: Vec<_> = self.shared.lanes().values().cloned().collect();
        lock(&self.finder).look_at(&lanes, cluster);
        let strange = lanes.iter().filter(|lane| lane.is_strange());
        strange.map(|lane| self.let_go(lane)).collect()
    }
}
