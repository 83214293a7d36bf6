//! The callbacks of librdkafka.

use super::member_slot::MemberSlot;
use super::{Commit, Partitions};
use crate::record;
use crate::record::TopicPartition;
use metrics::counter;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Shared by the consumer's callbacks and the thread that polls it.
pub(in crate::kafka) struct Context {
    partitions: Arc<dyn Partitions>,
    /// The slot that the member's ID comes from.
    slot: Option<&'static MemberSlot>,
    group: Mutex<Group>,
    pub complaints: Complaints,
}

/// librdkafka repeats an error many times a second while a broker is away; each
/// kind of error is passed on once per period.
#[derive(Default)]
pub(in crate::kafka) struct Complaints(Mutex<HashMap<String, Instant>>);

impl Complaints {
    const EVERY: Duration = Duration::from_secs(30);

    pub fn is_news(&self, error: &KafkaError) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let last = said.insert(error.to_string(), now);
        let silent = last.is_some_and(|last| now.duration_since(last) < Self::EVERY);
        if let (true, Some(last)) = (silent, last) {
            said.insert(error.to_string(), last);
        }
        !silent
    }

    /// Handles an error of a producer's client.
    pub fn of_producer(&self, error: &KafkaError, reason: &str) {
        counter!("millstream_kafka_errors_total", "client" => "producer").increment(1);
        if self.is_news(error) {
            tracing::warn!(%error, reason, "Kafka producer error");
        }
    }
}

/// The state of the group membership.
#[derive(Default)]
pub(in crate::kafka) struct Group {
    /// The coordinator has sent an assignment, and the session has not timed out
    /// since.
    pub joined: bool,
    /// Assigned by the group, but not yet by us, since their start is being
    /// looked up. The group waits for us meanwhile, so no other rebalance
    /// interferes.
    pub waiting: Option<Vec<TopicPartition>>,
    /// All partitions that the group assigned to us, fetched or not.
    pub owned: HashSet<TopicPartition>,
    /// Partitions to reopen.
    pub reopen: Vec<TopicPartition>,
    /// Partitions that are assigned and fetched.
    pub assigned: HashSet<TopicPartition>,
    /// The last error from Kafka: its code and its message.
    trouble: Option<(RDKafkaErrorCode, String)>,
    /// How many more assignments come until the member has joined again after it gave up
    /// partitions; 0 if it has.
    unsettled: u8,
    /// The consumer is closing: partitions assigned now are released at once.
    pub closing: bool,
    /// The consumer was fenced, and its partitions are given up already.
    fenced: bool,
}

impl Group {
    /// Why it has not joined, as far as known.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_ref().map(|(_, words)| words.as_str())
    }

    /// Stores an error from Kafka, unless the stored one says more: "all brokers
    /// are down" comes after the reason, and a poll repeats without a reason what
    /// a callback reported with one. Returns whether the error is new.
    pub fn complain(&mut self, error: &KafkaError, reason: Option<&str>) -> bool {
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
        let words = match reason {
            Some(reason) => format!("{error}: {reason}"),
            None => error.to_string(),
        };
        let known = self.trouble.as_ref().is_some_and(|(known, told)| {
            let repeats = *known == code && (reason.is_none() || *told == words);
            code == RDKafkaErrorCode::AllBrokersDown || repeats
        });
        if !known {
            self.trouble = Some((code, words));
        }
        !known
    }

    /// Marks partitions as not assigned after all: they wait again, except for
    /// those that were revoked meanwhile.
    pub fn not_assigned<'a>(&mut self, partitions: impl Iterator<Item = &'a TopicPartition>) {
        for partition in partitions {
            if self.assigned.remove(partition) && self.owned.contains(partition) {
                let waiting = self.waiting.get_or_insert_default();
                waiting.push(partition.clone());
            }
        }
    }
}

impl Context {
    pub fn new(partitions: Arc<dyn Partitions>, slot: Option<&'static MemberSlot>) -> Context {
        Context {
            partitions,
            slot,
            group: Mutex::default(),
            complaints: Complaints::default(),
        }
    }

    pub fn group(&self) -> MutexGuard<'_, Group> {
        self.group.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks the consumer as fenced, and returns the partitions that it owned.
    pub fn fence(&self) -> Vec<TopicPartition> {
        let mut group = self.group();
        (group.joined, group.closing, group.fenced) = (false, true, true);
        group.assigned.clear();
        group.owned.drain().collect()
    }

    fn assign(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) {
        let mut group = self.group();
        group.joined = true;
        group.trouble = None;
        if group.unsettled > 0 {
            group.unsettled -= 1;
            if let (Some(slot), 0) = (self.slot, group.unsettled) {
                slot.settle();
            }
        }
        if group.closing {
            log_error(
                "assigning partitions while closing",
                consumer.incremental_assign(list),
            );
            return;
        }
        // The polling thread answers once the ledgers are read. Blocking here
        // would stop polling, and the group would remove us.
        let partitions = partitions_of(list);
        group.owned.extend(partitions.iter().cloned());
        group.waiting.get_or_insert_default().extend(partitions);
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) {
        if self.group().fenced {
            log_error(
                "unassigning partitions of a fenced consumer",
                consumer.incremental_unassign(list),
            );
            return;
        }
        let lost = consumer.assignment_lost();
        if let Some(slot) = self.slot {
            slot.unsettle();
            // librdkafka assigns once more before it joins again, unless the partitions
            // are lost.
            self.group().unsettled = if lost { 1 } else { 2 };
        }
        let partitions = partitions_of(list);
        if lost {
            let partitions = record::partitions(&partitions);
            tracing::warn!(
                partitions,
                "lost partitions: the consumer group reassigned them"
            );
        }
        let done = self.partitions.revoked(&partitions, lost);
        if !lost && !done.is_empty() {
            log_error(
                "committing offsets",
                consumer.commit(&offsets(&done), CommitMode::Sync),
            );
        }
        let mut group = self.group();
        group.joined &= !lost;
        let mut ours = TopicPartitionList::new();
        for partition in &partitions {
            group.owned.remove(partition);
            if group.assigned.remove(partition) {
                ours.add_partition(&partition.topic, partition.partition);
            }
        }
        drop(group);
        log_error(
            "unassigning partitions",
            consumer.incremental_unassign(&ours),
        );
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        counter!("millstream_kafka_errors_total", "client" => "consumer").increment(1);
        if self.complaints.is_news(&error) {
            tracing::warn!(%error, reason, "Kafka consumer error");
        }
        self.group().complain(&error, Some(reason));
    }
}

impl ConsumerContext for Context {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assign(consumer, list),
            _ => self.revoke(consumer, list),
        }
    }

    fn commit_callback(&self, result: Result<(), KafkaError>, _offsets: &TopicPartitionList) {
        // Commits only serve lag tools; the ledger is the truth.
        if let Err(error) = result
            && error.rdkafka_error_code() != Some(RDKafkaErrorCode::NoOffset)
        {
            tracing::debug!(%error, "committing offsets failed; the next commit includes them");
        }
    }
}

pub(in crate::kafka) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    // The error callback reports these, too, and less often.
    if matches!(facility, "FAIL" | "ERROR") {
        tracing::debug!(target: "librdkafka", facility, "{message}");
        return;
    }
    match level {
        RDKafkaLogLevel::Debug | RDKafkaLogLevel::Info => {
            tracing::debug!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Notice => tracing::info!(target: "librdkafka", facility, "{message}"),
        _ => tracing::warn!(target: "librdkafka", facility, "{message}"),
    }
}

pub(in crate::kafka) fn log_error(what: &str, result: Result<(), KafkaError>) {
    if let Err(error) = result {
        tracing::warn!(%error, "{what} failed");
    }
}

fn partitions_of(list: &TopicPartitionList) -> Vec<TopicPartition> {
    let of = |e: rdkafka::topic_partition_list::TopicPartitionListElem<'_>| TopicPartition {
        topic: e.topic().into(),
        partition: e.partition(),
    };
    list.elements().into_iter().map(of).collect()
}

pub(in crate::kafka) fn offsets(done: &[Commit]) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for commit in done {
        let TopicPartition { topic, partition } = &commit.partition;
        let mut element = list.add_partition(topic, *partition);
        // Fails only for negative offsets, which have special meanings in
        // librdkafka.
        let _ = element.set_offset(Offset::Offset(commit.next));
        element.set_metadata(&commit.metadata);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_that_could_not_be_assigned_wait_again_unless_revoked() {
        let of = |partition| TopicPartition {
            topic: "t".into(),
            partition,
        };
        // 0 is fetched; 1, 2 and 3 were about to be; 2 and 3 were revoked
        // meanwhile, and 3 was assigned again, so it waits already.
        let mut group = Group {
            owned: [of(0), of(1), of(3)].into(),
            assigned: [of(0), of(1), of(2)].into(),
            waiting: Some(vec![of(3)]),
            ..Group::default()
        };
        group.not_assigned([of(1), of(2), of(3)].iter());
        assert_eq!(group.assigned, [of(0)].into());
        assert_eq!(group.waiting, Some(vec![of(3), of(1)]));
    }
}
