//! Polls one consumer, until it stops or is fenced.

use super::context::{Context, log_error, offsets};
use super::leave::leave;
use super::member_id::MemberId;
use super::shared::Shared;
use super::start_thread::StartThread;
use super::{Commit, PartitionConsumer, Partitions, Start};
use crate::process;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How often offsets are committed: by time, not by batch, since committing by
/// batch costs the broker a fifth.
const COMMIT_EVERY: Duration = Duration::from_secs(2);

/// Why a poller ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The pipeline stops. The consumer has left its group.
    Stopped,
    /// Kafka refuses the consumer's static ID. Its partitions are given up.
    Fenced,
}

/// What to do when another member has taken a configured ID.
const FENCED: &str = "; another member joined with the same group.instance.id: give each daemon a \
    unique one, such as \"${HOSTNAME}\"";

pub(super) struct Poller {
    /// The pipeline's name.
    pub name: String,
    pub member: Arc<MemberId>,
    pub shared: Arc<Shared>,
    pub consumer: Arc<BaseConsumer<Context>>,
    pub partitions: Arc<dyn Partitions>,
    pub starts: StartThread,
    pub committed: Vec<Commit>,
}

impl Poller {
    /// Returns when the pipeline stops, or the consumer was fenced.
    pub fn run(mut self) -> End {
        let mut last_commit = Instant::now();
        while !self.shared.stopping.load(Ordering::Relaxed) {
            self.shared.polls.beat();
            match self.consumer.poll(Duration::from_millis(50)) {
                None => {}
                Some(Ok(stray)) => {
                    // Queues are split before partitions are assigned, so this
                    // never happens; ignoring the record would lose it.
                    let (topic, offset) = (
                        rdkafka::Message::topic(&stray),
                        rdkafka::Message::offset(&stray),
                    );
                    tracing::error!(
                        topic,
                        offset,
                        "received a record outside its partition's queue; aborting"
                    );
                    std::process::abort();
                }
                Some(Err(error)) => self.note(&error),
            }
            if self.is_fenced() {
                self.give_up();
                return End::Fenced;
            }
            self.reopen();
            self.ask_for_starts();
            self.begin_found();
            if last_commit.elapsed() >= COMMIT_EVERY {
                last_commit = Instant::now();
                self.commit(CommitMode::Async);
            }
        }
        self.commit(CommitMode::Sync);
        self.close();
        End::Stopped
    }

    fn note(&self, error: &KafkaError) {
        if self.consumer.context().group().complain(error, None) {
            tracing::warn!(%error, "Kafka consumer error");
        }
    }

    /// Whether Kafka refuses the ID that we have from a slot. Another fatal error ends the process,
    /// except while the pipeline is stopping: batches in hand are finished first.
    ///
    /// A static member fences itself, too: Kafka's connection breaks, the session times out, the
    /// member joins again and gets a new ID from Kafka, and then librdkafka repeats a commit or
    /// heartbeat from before, with the old one.
    fn is_fenced(&self) -> bool {
        let fatal = self.consumer.client().fatal_error();
        let Some((error, why)) = fatal.filter(|_| !self.partitions.stopping()) else {
            return false;
        };
        let fenced = error == RDKafkaErrorCode::FencedInstanceId;
        if fenced && self.member.slot().is_some() {
            return true;
        }
        let todo = if fenced { FENCED } else { "" };
        let name = &self.name;
        process::fail(&format!(
            "pipeline {name}: the Kafka consumer can't continue: {why}{todo}"
        ));
    }

    /// Gives up the partitions of a fenced consumer: as with lost ones, another member may have them
    /// already.
    fn give_up(self) {
        tracing::warn!(
            pipeline = self.name,
            "fenced: Kafka refuses this static member's ID; joining the group again with another"
        );
        let owned = self.consumer.context().fence();
        self.partitions.revoked(&owned, true);
        // The next start thread must not meet this one at a partition.
        let starting = self.starts.end();
        while !starting.is_finished() && !self.shared.stopping.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        owned
            .iter()
            .for_each(|partition| self.partitions.forget(partition));
        // librdkafka closes no consumer after a fatal error; dropping it ends its threads.
    }

    /// Unassigns the partitions to reopen: a partition whose fetching ended with
    /// an error can't be sought to another offset.
    fn reopen(&self) {
        let consumer = &self.consumer;
        let mut group = consumer.context().group();
        let mut list = TopicPartitionList::new();
        for partition in std::mem::take(&mut group.reopen) {
            // One that was revoked meanwhile no longer belongs to us.
            if group.assigned.remove(&partition) {
                list.add_partition(&partition.topic, partition.partition);
                group.waiting.get_or_insert_default().push(partition);
            }
        }
        drop(group);
        if list.count() > 0 {
            log_error("reopening partitions", consumer.incremental_unassign(&list));
        }
    }

    fn ask_for_starts(&self) {
        let mut group = self.consumer.context().group();
        group.waiting = group.waiting.take().and_then(|w| self.starts.ask(w));
    }

    /// Assigns the partitions whose start is known. Halted ones are assigned,
    /// too: they are fetched into their small queue, but never read.
    fn begin_found(&self) {
        let Some(found) = self.starts.found() else {
            return;
        };
        let consumer = &self.consumer;
        let mut list = TopicPartitionList::new();
        let mut started = Vec::with_capacity(found.len());
        for (partition, start) in found {
            let group = consumer.context().group();
            if !group.owned.contains(&partition) || group.assigned.contains(&partition) {
                continue;
            }
            drop(group);
            let Some(records) = PartitionConsumer::split(consumer, &partition) else {
                tracing::error!(%partition, "librdkafka has no queue for this partition; retrying");
                let mut group = consumer.context().group();
                group.waiting.get_or_insert_default().push(partition);
                continue;
            };
            let at = match start {
                Start::At(offset) => Offset::Offset(offset),
                Start::Halted(_) => Offset::Beginning,
            };
            let _ = list.add_partition_offset(&partition.topic, partition.partition, at);
            started.push((records, start));
        }
        // Stored first, so that a revocation finds them.
        let context = consumer.context();
        let origins = started.iter().map(|(records, _)| records.origin().clone());
        context.group().assigned.extend(origins);
        if let Err(error) = consumer.incremental_assign(&list) {
            if context.complaints.is_news(&error) {
                tracing::warn!(%error, "the assignment changed before it was applied; retrying");
            }
            let origins = started.iter().map(|(records, _)| records.origin());
            context.group().not_assigned(origins);
            return;
        }
        started
            .into_iter()
            .for_each(|(records, start)| self.partitions.begin(records, start));
    }

    fn commit(&mut self, mode: CommitMode) {
        let done = self.partitions.done();
        if done.is_empty() || done == self.committed {
            return;
        }
        log_error(
            "committing offsets",
            self.consumer.commit(&offsets(&done), mode),
        );
        self.committed = done;
    }

    /// Leaves the group, which waits for the coordinator.
    fn close(self) {
        let Poller {
            consumer,
            partitions,
            starts,
            member,
            ..
        } = self;
        consumer.context().group().closing = true;
        drop((partitions, starts));
        if member.slot().is_some() {
            leave(&consumer);
        }
        log_error("leaving the group", consumer.close_queue());
        while !consumer.closed() {
            let _ = consumer.poll(Duration::from_millis(100));
        }
    }
}
