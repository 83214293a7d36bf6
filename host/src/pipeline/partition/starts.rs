//! Asks the store and Kafka where partitions start, and whether running partitions
//! must be reopened. Runs on the start thread, which may block.

use super::opening::{self, Facts, Opening, Policy};
use super::repair;
use super::state::PartitionState;
use crate::kafka::consumer::{Cluster, NotYet};
use crate::pipeline::settings::LostLedger;
use crate::pipeline::shared::{Partitions, Shared, Trouble};
use crate::record::TopicPartition;
use crate::store::{Identity, Ledger, LedgerKey, Unavailable, Writer};
use metrics::counter;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often all partitions are checked, for how long at a time, and for how long a
/// topic's ID is cached.
const LOOK: Duration = Duration::from_secs(5);
const LOOKING: Duration = Duration::from_millis(250);
const FRESH: Duration = Duration::from_secs(3);
/// How long a topic's ID is cached while its partitions are opened: the topic may have
/// been created again a moment before.
const AT_ONCE: Duration = Duration::from_millis(100);

/// A topic: its ID, empty if Kafka gave none, and its partitions, with whether
/// each has a leader.
#[derive(Clone)]
struct Topic {
    id: String,
    led: BTreeMap<i32, bool>,
}

/// The ledger that a partition starts with, or why it is halted.
type Opened = Result<Result<Ledger, String>, Trying>;

/// Why a partition can't be opened now.
enum Trying {
    Store(Unavailable),
    Kafka(anyhow::Error),
}

/// The state of the start thread.
pub(in crate::pipeline) struct StartResolver {
    shared: Arc<Shared>,
    writer: Box<dyn Writer>,
    /// Cached topics, and when they were read.
    topics: HashMap<String, (Instant, Topic)>,
    /// Partitions that Kafka can't answer for, and why.
    waiting: BTreeMap<TopicPartition, String>,
    /// When the last check of all partitions ended.
    looked: Instant,
    /// Partitions that are still to be checked in this round.
    to_look_at: Vec<TopicPartition>,
}

impl StartResolver {
    pub fn new(shared: Arc<Shared>) -> StartResolver {
        StartResolver {
            writer: shared.store.writer(),
            shared,
            topics: HashMap::new(),
            waiting: BTreeMap::new(),
            looked: Instant::now(),
            to_look_at: Vec::new(),
        }
    }

    /// Finds out where a partition starts, and writes its ledger if that
    /// changes.
    pub fn open(
        &mut self,
        partition: &TopicPartition,
        cluster: &Cluster,
    ) -> Result<Result<Ledger, String>, NotYet> {
        let opened = self.try_open(partition, cluster);
        match &opened {
            Err(Trying::Store(error)) => {
                self.shared.trouble(Trouble::Store, Some(error.to_string()));
            }
            Err(Trying::Kafka(error)) => self.note_waiting(partition, &format!("{error:#}")),
            Ok(_) => {
                self.shared.trouble(Trouble::Store, None);
                self.forget(partition);
            }
        }
        opened.map_err(|trying| match trying {
            Trying::Store(_) => NotYet::Any,
            Trying::Kafka(_) => NotYet::Partition,
        })
    }

    fn try_open(&mut self, partition: &TopicPartition, cluster: &Cluster) -> Opened {
        let key = LedgerKey::new(&self.shared.settings.group, partition.clone());
        let ledger = self.writer.ledger(&key).map_err(Trying::Store)?;
        let stands = ledger.as_ref().map(|ledger| ledger.next);
        let mut facts = self
            .facts(ledger, partition, cluster)
            .map_err(Trying::Kafka)?;
        let foreign = facts.is_of_another_cluster();
        let first = self
            .partitions_at_first(partition, &facts)
            .map_err(Trying::Store)?;
        facts.added = partition.partition >= first;
        if facts.added && facts.ledger.is_none() {
            self.say_added(partition, first);
        }
        match facts.judge(self.policy()) {
            Opening::GoOn(ledger) => Ok(Ok(ledger)),
            Opening::Write {
                ledger,
                forget,
                loss,
            } => {
                let there = self
                    .writer
                    .begin(&key, stands, &ledger, forget)
                    .map_err(Trying::Store)?;
                if let Some((said, records)) = loss {
                    let name = &self.shared.settings.name;
                    tracing::error!(pipeline = name, %partition, records, "{said}");
                    counter!("millstream_lost_records_total", "pipeline" => name.clone())
                        .increment(records);
                }
                Ok(Ok(there))
            }
            Opening::Halt { why, to } => {
                let how = (to, foreign);
                let command = repair::command(&self.shared.settings, &partition.topic, how);
                Ok(Err(format!(
                    "{why}; stop the pipeline and set its next offset: {command}"
                )))
            }
        }
    }

    /// Warns that keys may have moved to a partition that was added.
    fn say_added(&self, partition: &TopicPartition, first: i32) {
        if self.shared.generation.load().transform.is_stateful() {
            let pipeline = &self.shared.settings.name;
            tracing::warn!(
                pipeline, %partition, first,
                "the topic has more partitions than at first: producers write some keys to other \
                 partitions now, where the transform begins without their values"
            );
        }
    }

    fn facts(
        &mut self,
        ledger: Option<Ledger>,
        partition: &TopicPartition,
        cluster: &Cluster,
    ) -> anyhow::Result<Facts> {
        let topic = self.topic(&partition.topic, cluster, AT_ONCE)?;
        // Without a leader the next calls would time out and delay other partitions.
        anyhow::ensure!(
            topic.led.get(&partition.partition) == Some(&true),
            "{partition} has no leader"
        );
        let identity = Identity {
            topic_id: topic.id,
            cluster_id: cluster.id().unwrap_or_default(),
        };
        let ends = cluster.watermarks(partition)?;
        let committed = match ledger {
            Some(_) => None,
            None => cluster.committed(partition)?,
        };
        Ok(Facts::new(ledger, ends, committed.as_ref(), identity))
    }

    /// How many partitions the topic had when its first ledger was written.
    fn partitions_at_first(
        &mut self,
        partition: &TopicPartition,
        facts: &Facts,
    ) -> Result<i32, Unavailable> {
        let TopicPartition { topic, .. } = partition;
        let known = self
            .topics
            .get(&**topic)
            .map_or(0, |(_, topic)| topic.led.len());
        let now = i32::try_from(known).unwrap_or(i32::MAX);
        let group = &self.shared.settings.group;
        self.writer
            .partitions_at_first(group, topic, &facts.topic_id, now)
    }

    /// Notes that Kafka can't answer for a partition, and logs it once.
    fn note_waiting(&mut self, partition: &TopicPartition, why: &str) {
        let name = &self.shared.settings.name;
        let counted = "millstream_waits_total";
        counter!(counted, "pipeline" => name.clone(), "on" => Trouble::Opening.name()).increment(1);
        if self
            .waiting
            .insert(partition.clone(), why.to_owned())
            .is_none()
        {
            tracing::warn!(pipeline = name, %partition, why, "can't start reading a partition; retrying");
        }
        self.say_waiting();
    }

    /// Forgets a partition that has started or was revoked.
    pub fn forget(&mut self, partition: &TopicPartition) {
        if self.waiting.remove(partition).is_some() {
            self.say_waiting();
        }
    }

    fn say_waiting(&self) {
        let others = match self.waiting.len() {
            0 | 1 => String::new(),
            all => format!(" ({all} partitions wait)"),
        };
        let first = self.waiting.iter().next();
        let said =
            first.map(|(partition, why)| format!("can't start reading {partition}: {why}{others}"));
        self.shared.note(Trouble::Opening, said);
    }

    fn policy(&self) -> Policy {
        let settings = &self.shared.settings;
        let keeps_state = self.shared.generation.load().transform.is_stateful();
        Policy {
            start: settings.start,
            lost_records: settings.lost_records,
            remade_topic: settings.remade_topic,
            keeps_state,
            lost_ledger: match settings.lost_ledger {
                // A reload granted it.
                LostLedger::Committed if keeps_state => LostLedger::Halt,
                configured => configured,
            },
        }
    }

    /// Checks periodically whether partitions must be reopened, and marks them. Only
    /// some at a time: if Redis or Kafka hangs on each check, new partitions must not
    /// wait for all of them.
    pub fn look_at(&mut self, partitions: &Partitions, cluster: &Cluster) {
        if self.to_look_at.is_empty() {
            if self.looked.elapsed() < LOOK {
                return;
            }
            self.to_look_at = partitions.keys().cloned().collect();
        }
        let began = Instant::now();
        while began.elapsed() < LOOKING
            && let Some(name) = self.to_look_at.pop()
        {
            let partition = partitions.get(&name);
            if let Some(partition) = partition.filter(|partition| partition.halted().is_none()) {
                self.look_at_one(partition, cluster);
            }
        }
        if self.to_look_at.is_empty() {
            self.looked = Instant::now();
        }
    }

    fn look_at_one(&mut self, partition: &PartitionState, cluster: &Cluster) {
        match self.must_reopen(partition, cluster) {
            Ok(false) => {}
            Ok(true) => partition.reopen(),
            // Redis or Kafka is away, which is reported elsewhere.
            Err(error) => tracing::debug!(partition = %partition.ledger.partition, "{error:#}"),
        }
    }

    /// Whether the topic was created again, or the ledger in Redis went back. An idle
    /// partition would not notice either.
    fn must_reopen(
        &mut self,
        partition: &PartitionState,
        cluster: &Cluster,
    ) -> anyhow::Result<bool> {
        let now = self.topic(&partition.ledger.partition.topic, cluster, FRESH)?;
        if opening::other(&partition.identity.topic_id, &now.id) {
            return Ok(true);
        }
        has_moved(partition, || self.writer.ledger(&partition.ledger))
    }

    /// Reads a topic, or takes it from the cache if it is fresh enough.
    fn topic(&mut self, name: &str, cluster: &Cluster, fresh: Duration) -> anyhow::Result<Topic> {
        if let Some((at, topic)) = self.topics.get(name)
            && at.elapsed() < fresh
        {
            return Ok(topic.clone());
        }
        let topic = Topic {
            led: cluster.led(name)?,
            id: cluster.topic_id(name)?.unwrap_or_default(),
        };
        let known = (Instant::now(), topic.clone());
        self.topics.insert(name.into(), known);
        Ok(topic)
    }
}

/// Whether the ledger of an idle partition differs from what was stored last.
fn has_moved(
    partition: &PartitionState,
    ledger: impl FnOnce() -> Result<Option<Ledger>, Unavailable>,
) -> anyhow::Result<bool> {
    let Some(before) = partition.settled_at() else {
        return Ok(false);
    };
    let ledger = ledger()?.filter(|ledger| ledger.is_of(&partition.identity));
    let next = ledger.map(|ledger| ledger.next);
    Ok(partition.settled_at() == Some(before) && next != Some(before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::partition::state::Point;
    use crate::record::NO_TIME;

    /// A partition that its worker has taken, stored up to `done`.
    fn partition(done: i64) -> Arc<PartitionState> {
        let partition = TopicPartition {
            topic: "t".into(),
            partition: 0,
        };
        let key = LedgerKey::new("g", partition);
        let partition = PartitionState::new(key, Identity::default());
        partition.set_done(done);
        Arc::new(partition)
    }

    fn point(next: i64) -> Point {
        Point {
            next,
            attempts: 0,
            clock: NO_TIME,
        }
    }

    fn ledger(next: i64) -> Result<Option<Ledger>, Unavailable> {
        Ok(Some(Ledger {
            next,
            ..Ledger::default()
        }))
    }

    #[track_caller]
    fn check(
        partition: &PartitionState,
        ledger: Result<Option<Ledger>, Unavailable>,
        expected: bool,
    ) {
        assert_eq!(has_moved(partition, || ledger).unwrap(), expected);
    }

    #[test]
    fn an_idle_partition_whose_ledger_moved_or_is_missing_is_reopened() {
        check(&partition(7), ledger(7), false);
        check(&partition(7), ledger(5), true);
        check(&partition(7), Ok(None), true);
    }

    #[test]
    fn a_partition_that_rewinds_or_has_batches_in_progress_is_not_reopened() {
        let rewinding = partition(7);
        rewinding.rewind(point(5));
        check(&rewinding, ledger(5), false);
        let busy = partition(7);
        let _batch = busy.take_in_hand(1);
        check(&busy, ledger(9), false);
        // Also if work starts while the ledger is read.
        let beginning = partition(7);
        let read = || {
            beginning.rewind(point(5));
            ledger(5)
        };
        assert!(!has_moved(&beginning, read).unwrap());
    }
}
