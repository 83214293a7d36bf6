//! Asks the store and Kafka where partitions begin, and whether those that run
//! are still what they were. On ingest's start thread, which may block.

use super::lane::LaneState;
use super::opening::{self, Facts, Opening, Policy};
use super::{Shared, Trouble};
use crate::ingest::Cluster;
use crate::record::TopicPartition;
use crate::store::{Ledger, LedgerKey, Unavailable, Writer};
use metrics::counter;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often all partitions are looked at, and for how long a topic's ID is
/// taken for known.
const LOOK: Duration = Duration::from_secs(5);
const FRESH: Duration = Duration::from_secs(3);

/// What the start thread uses, and no other.
pub(super) struct Finder {
    shared: Arc<Shared>,
    writer: Box<dyn Writer>,
    /// Topics' IDs, and when they were asked for.
    topics: HashMap<String, (Instant, String)>,
    /// When all partitions were looked at.
    looked: Instant,
}

impl Finder {
    pub fn new(shared: Arc<Shared>) -> Finder {
        Finder {
            writer: shared.store.writer(),
            shared,
            topics: HashMap::new(),
            looked: Instant::now(),
        }
    }

    /// Finds out where a partition begins, and writes its ledger where that
    /// must be another; `None` when the pipeline stops first.
    pub fn open(
        &mut self,
        partition: &TopicPartition,
        cluster: &Cluster,
    ) -> Option<Result<Ledger, String>> {
        let key = LedgerKey::new(&self.shared.settings.group, partition.clone());
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

    fn policy(&self) -> Policy {
        let settings = &self.shared.settings;
        Policy {
            start: settings.start,
            lost_records: settings.lost_records,
            remade_topic: settings.remade_topic,
        }
    }

    /// Looks now and then whether partitions turned strange, and marks them.
    pub fn look_at(&mut self, lanes: &[Arc<LaneState>], cluster: &Cluster) {
        if self.looked.elapsed() < LOOK {
            return;
        }
        for lane in lanes.iter().filter(|lane| lane.halted().is_none()) {
            match self.looks_strange(lane, cluster) {
                Ok(false) => {}
                Ok(true) => lane.mark_strange(),
                // What it needs is away, and that is said elsewhere.
                Err(error) => tracing::debug!(partition = %lane.ledger.partition, "{error:#}"),
            }
            if self.shared.draining() {
                break;
            }
        }
        self.looked = Instant::now();
    }

    /// Whether the topic is another, or Redis went back behind what is done: a
    /// quiet partition would not notice by itself.
    fn looks_strange(&mut self, lane: &LaneState, cluster: &Cluster) -> anyhow::Result<bool> {
        let now = self.topic_id(&lane.ledger.partition.topic, cluster)?;
        if opening::other(&lane.topic_id, &now) {
            return Ok(true);
        }
        stands_elsewhere(lane, || self.writer.ledger(&lane.ledger))
    }

    /// The topic's ID, asked for once in a while.
    fn topic_id(&mut self, topic: &str, cluster: &Cluster) -> anyhow::Result<String> {
        if let Some((at, id)) = self.topics.get(topic)
            && at.elapsed() < FRESH
        {
            return Ok(id.clone());
        }
        let id = cluster.topic_id(topic)?.unwrap_or_default();
        let known = (Instant::now(), id.clone());
        self.topics.insert(topic.into(), known);
        Ok(id)
    }

    /// Asks the store until it answers; `None` when the pipeline stops first.
    fn ask<T>(&mut self, ask: impl Fn(&mut dyn Writer) -> Result<T, Unavailable>) -> Option<T> {
        loop {
            match ask(&mut *self.writer) {
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

/// Whether the ledger is elsewhere than what is done, of a lane where nothing
/// is under way: one that its worker has not taken yet has done nothing, and
/// one that is to go on elsewhere has not begun to.
fn stands_elsewhere(
    lane: &LaneState,
    ledger: impl FnOnce() -> Result<Option<Ledger>, Unavailable>,
) -> anyhow::Result<bool> {
    let Some(before) = lane.settled_at() else {
        return Ok(false);
    };
    let next = ledger()?.map(|ledger| ledger.next);
    Ok(lane.settled_at() == Some(before) && next != Some(before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    /// A lane that its worker has taken, and where so much is done.
    fn lane(done: i64) -> LaneState {
        let partition = TopicPartition {
            topic: "t".into(),
            partition: 0,
        };
        let lane = LaneState::new(LedgerKey::new("g", partition), String::new());
        lane.done.store(done, Ordering::Release);
        lane
    }

    fn ledger(next: i64) -> Result<Option<Ledger>, Unavailable> {
        Ok(Some(Ledger {
            next,
            ..Ledger::default()
        }))
    }

    #[track_caller]
    fn check(lane: &LaneState, ledger: Result<Option<Ledger>, Unavailable>, expected: bool) {
        let told = stands_elsewhere(lane, || ledger);
        assert_eq!(told.unwrap(), expected);
    }

    #[test]
    fn a_quiet_lane_whose_ledger_is_elsewhere_or_gone_is_strange() {
        check(&lane(7), ledger(7), false);
        check(&lane(7), ledger(5), true);
        check(&lane(7), Ok(None), true);
    }

    #[test]
    fn one_that_its_worker_has_not_taken_is_not() {
        check(&lane(-1), ledger(7), false);
    }

    #[test]
    fn one_that_is_to_go_on_elsewhere_or_is_at_work_is_not() {
        let rewinding = lane(7);
        rewinding.rewind(5, 0);
        check(&rewinding, ledger(5), false);
        let busy = lane(7);
        busy.in_hand.store(1, Ordering::Release);
        check(&busy, ledger(9), false);
        // Also when that begins while the ledger is read.
        let beginning = lane(7);
        let read = || {
            beginning.rewind(5, 0);
            ledger(5)
        };
        assert!(!stands_elsewhere(&beginning, read).unwrap());
    }
}
