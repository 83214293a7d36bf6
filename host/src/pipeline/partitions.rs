//! What the pipeline answers ingest: where partitions begin, who processes
//! them, what is done.

use super::front::Arrival;
use super::lane::LaneState;
use super::opening::{self, Facts, Opening, Policy};
use super::signal::Signal;
use super::{Shared, Trouble};
use crate::ingest::{Cluster, Feed, Partitions, Start};
use crate::record::TopicPartition;
use crate::store::{Ledger, LedgerKey, Unavailable, Writer};
use metrics::counter;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a revocation waits for batches in hand.
const FINISH: Duration = Duration::from_secs(3);

/// How often all partitions are looked at, and for how long a topic's ID is
/// taken for known.
const LOOK: Duration = Duration::from_secs(5);
const FRESH: Duration = Duration::from_secs(3);

/// How a partition gets to its worker.
pub(super) struct Door {
    pub arrivals: SyncSender<Arrival>,
    pub signal: Arc<Signal>,
}

/// A pipeline's answers to ingest.
pub(super) struct PipelinePartitions {
    shared: Arc<Shared>,
    doors: Vec<Door>,
    /// These are used by ingest's start finder alone.
    writer: Mutex<Box<dyn Writer>>,
    /// Ledgers of partitions that are being assigned.
    opened: Mutex<HashMap<TopicPartition, Ledger>>,
    /// Topics' IDs, and when they were asked for.
    topics: Mutex<HashMap<String, (Instant, String)>>,
    /// When all partitions were looked at.
    looked: Mutex<Instant>,
}

impl PipelinePartitions {
    pub fn new(shared: Arc<Shared>, doors: Vec<Door>) -> PipelinePartitions {
        let writer = Mutex::new(shared.store.writer());
        PipelinePartitions {
            shared,
            doors,
            writer,
            opened: Mutex::default(),
            topics: Mutex::default(),
            looked: Mutex::new(Instant::now()),
        }
    }

    fn key(&self, partition: &TopicPartition) -> LedgerKey {
        LedgerKey {
            group: self.shared.settings.group.as_str().into(),
            partition: partition.clone(),
        }
    }

    fn policy(&self) -> Policy {
        let settings = &self.shared.settings;
        Policy {
            start: settings.start,
            lost_records: settings.lost_records,
            remade_topic: settings.remade_topic,
        }
    }

    /// Finds out where a partition begins, and writes its ledger where that
    /// must be another; `None` when the pipeline stops first.
    fn open(
        &self,
        partition: &TopicPartition,
        cluster: &Cluster,
    ) -> Option<Result<Ledger, String>> {
        let key = self.key(partition);
        let ledger = self.ask(|writer| writer.ledger(&key))?;
        let stands = ledger.as_ref().map(|ledger| ledger.next);
        let (low, high) = self.ask_kafka(|| cluster.watermarks(partition))?;
        let committed = match ledger {
            Some(_) => None,
            None => self.ask_kafka(|| cluster.committed(partition))?,
        };
        let facts = Facts {
            ledger,
            low,
            high,
            committed,
            topic_id: self
                .ask_kafka(|| cluster.topic_id(&partition.topic))?
                .unwrap_or_default(),
            cluster_id: cluster.id().unwrap_or_default(),
        };
        match facts.judge(self.policy()) {
            Opening::GoOn(ledger) => Some(Ok(ledger)),
            Opening::Write { ledger, loss } => {
                if let Some((said, records)) = loss {
                    let name = &self.shared.settings.name;
                    tracing::error!(pipeline = name, %partition, records, "{said}");
                    counter!("millstream_lost_records_total", "pipeline" => name.clone())
                        .increment(records);
                }
                let there = self.ask(|writer| writer.begin(&key, stands, &ledger))?;
                Some(Ok(there))
            }
            Opening::Halt(why) => {
                let TopicPartition { topic, partition } = partition;
                Some(Err(format!(
                    "{why}; stop the pipeline and say where it goes on: millstream offsets set \
                     --pipeline {} --topic {topic} --partition {partition} --to earliest",
                    self.shared.settings.name
                )))
            }
        }
    }

    /// The topic's ID, asked for once in a while.
    fn topic_id(&self, topic: &str, cluster: &Cluster) -> anyhow::Result<String> {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, id)) = topics.get(topic)
            && at.elapsed() < FRESH
        {
            return Ok(id.clone());
        }
        let id = cluster.topic_id(topic)?.unwrap_or_default();
        topics.insert(topic.into(), (Instant::now(), id.clone()));
        Ok(id)
    }

    /// Lets go of a lane that is to be begun anew, and waits for a while until
    /// its worker has as well.
    fn drop_lane(&self, lane: &Arc<LaneState>) -> TopicPartition {
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

    /// Whether the topic is another, or Redis went back behind what is done: a
    /// quiet partition would not notice by itself.
    fn looks_strange(&self, lane: &LaneState, cluster: &Cluster) -> anyhow::Result<bool> {
        let now = self.topic_id(&lane.ledger.partition.topic, cluster)?;
        if opening::other(&lane.topic_id, &now) {
            return Ok(true);
        }
        let quiet = || lane.in_hand.load(Ordering::Acquire) == 0;
        let done = || lane.done.load(Ordering::Acquire);
        let (was_quiet, before) = (quiet(), done());
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let ledger = writer.ledger(&lane.ledger)?.map(|ledger| ledger.next);
        Ok(was_quiet && quiet() && before == done() && ledger != Some(before))
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

    /// Asks Kafka until it answers; `None` when the pipeline stops first.
    fn ask_kafka<T>(&self, ask: impl Fn() -> anyhow::Result<T>) -> Option<T> {
        loop {
            match ask() {
                Ok(answer) => {
                    self.shared.trouble(Trouble::Opening, None);
                    return Some(answer);
                }
                Err(error) => {
                    let why = format!("{error:#}");
                    self.shared.trouble(Trouble::Opening, Some(why));
                }
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
        let opened = self.open(partition, cluster)?;
        let start = match &opened {
            Ok(ledger) => Start::At(ledger.next),
            Err(why) => Start::Halted(why.clone()),
        };
        let mut found = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        found.insert(partition.clone(), opened.unwrap_or_default());
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
        tracing::info!(pipeline = self.shared.settings.name, %partition, ?start, "assigned");
        let mut found = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let ledger = found.remove(&partition).unwrap_or_default();
        drop(found);
        let state = Arc::new(LaneState::new(self.key(&partition), ledger.topic_id));
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

    fn look_after(&self, cluster: &Cluster) -> Vec<TopicPartition> {
        let lanes: Vec<_> = self.shared.lanes().values().cloned().collect();
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.elapsed() >= LOOK {
            for lane in lanes.iter().filter(|lane| lane.halted().is_none()) {
                match self.looks_strange(lane, cluster) {
                    Ok(false) => {}
                    Ok(true) => lane.is_strange(),
                    // What it needs is away, and that is said elsewhere.
                    Err(error) => tracing::debug!(partition = %lane.ledger.partition, "{error:#}"),
                }
                if self.shared.draining() {
                    break;
                }
            }
            *looked = Instant::now();
        }
        let strange = |lane: &Arc<LaneState>| lane.strange.load(Ordering::Acquire);
        lanes
            .iter()
            .filter(|lane| strange(lane))
            .map(|lane| self.drop_lane(lane))
            .collect()
    }
}
