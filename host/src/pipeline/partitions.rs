//! What the pipeline answers ingest: where partitions begin, who processes
//! them, what is done.

use super::front::Arrival;
use super::lane::LaneState;
use super::signal::Signal;
use super::{Shared, Trouble};
use crate::config::StartAt;
use crate::ingest::{Cluster, Feed, Partitions, Start};
use crate::record::TopicPartition;
use crate::store::{Ledger, LedgerKey, Unavailable, Writer};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
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
    /// Used by ingest's start finder alone.
    writer: Mutex<Box<dyn Writer>>,
}

impl PipelinePartitions {
    pub fn new(shared: Arc<Shared>, doors: Vec<Door>) -> PipelinePartitions {
        let writer = Mutex::new(shared.store.writer());
        PipelinePartitions {
            shared,
            doors,
            writer,
        }
    }

    fn key(&self, partition: &TopicPartition) -> LedgerKey {
        LedgerKey {
            group: self.shared.settings.group.as_str().into(),
            partition: partition.clone(),
        }
    }

    /// Asks the store until it answers; `None` when the pipeline stops first.
    fn ask<T>(&self, ask: impl Fn(&mut dyn Writer) -> Result<T, Unavailable>) -> Option<T> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match ask(&mut **writer) {
                Ok(answer) => {
                    self.shared.trouble(Trouble::Store, None);
                    return Some(answer);
                }
                Err(error) => self.shared.trouble(Trouble::Store, Some(error.to_string())),
            }
            if self.shared.draining() {
                return None;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn watermarks(&self, partition: &TopicPartition, cluster: &Cluster) -> Option<(i64, i64)> {
        loop {
            match cluster.watermarks(partition) {
                Ok(watermarks) => return Some(watermarks),
                Err(error) => tracing::warn!("{error:#}"),
            }
            if self.shared.draining() {
                return None;
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

impl Partitions for PipelinePartitions {
    fn start(&self, partition: &TopicPartition, cluster: &Cluster) -> Option<Start> {
        let key = self.key(partition);
        let ledger = self.ask(|writer| writer.ledger(&key))?;
        let (low, high) = self.watermarks(partition, cluster)?;
        let cluster_id = cluster.id().unwrap_or_default();
        let ledger = match ledger {
            Some(ledger) => ledger,
            None => {
                let next = match self.shared.settings.start {
                    StartAt::Earliest => low,
                    StartAt::Latest => high,
                };
                let cluster_id = cluster_id.clone();
                let first = Ledger {
                    next,
                    cluster_id,
                    ..Ledger::default()
                };
                self.ask(|writer| writer.begin(&key, None, &first))?
            }
        };
        Some(judge_start(&ledger, low, high, &cluster_id))
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
        tracing::info!(pipeline = self.shared.settings.name, %partition, ?start, "assigned");
        let state = Arc::new(LaneState::new(self.key(&partition)));
        self.shared.lanes().insert(partition, state.clone());
        // Fails only when the worker has stopped, and then nothing is processed.
        let _ = door.arrivals.send((state, feed, start));
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
                ?partitions,
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
}

/// Whether the partition is still the one that the ledger knows.
fn judge_start(ledger: &Ledger, low: i64, high: i64, cluster_id: &str) -> Start {
    let next = ledger.next;
    let other = |known: &str, now: &str| !known.is_empty() && !now.is_empty() && known != now;
    if other(&ledger.cluster_id, cluster_id) {
        let known = &ledger.cluster_id;
        return Start::Halted(format!(
            "its ledger is of the Kafka cluster {known}, and this is {cluster_id}"
        ));
    }
    if next > high {
        return Start::Halted(format!(
            "its ledger is at offset {next}, past the partition's end at {high}: the topic was \
             made anew, or lost records"
        ));
    }
    if next < low {
        return Start::Halted(format!(
            "its ledger is at offset {next}, and retention has removed everything before {low}"
        ));
    }
    Start::At(next)
}
