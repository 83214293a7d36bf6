//! The consumer and the thread that polls it.

use super::context::{Context, log_error, offsets};
use super::leave::leave;
use super::member_id::MemberId;
use super::options::GroupConsumerOptions;
use super::partition_counts::{most_partitions, partition_counts};
use super::start_thread::StartThread;
use super::{Cluster, Commit, PartitionConsumer, Partitions, Start};
use crate::kafka::native::cluster_calls as admin;
use crate::process::{self, Pulse};
use crate::record::TopicPartition;
use anyhow::Context as _;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often offsets are committed: by time, not by batch, since committing by
/// batch costs the broker a fifth.
const COMMIT_EVERY: Duration = Duration::from_secs(2);
/// The time limit for the last commit and for leaving the group; a coordinator
/// that is down would block us for minutes.
const CLOSE: Duration = Duration::from_secs(5);
/// How long the polling thread may be stuck before it counts as not ready: a
/// revocation waits some seconds for batches in hand.
const STUCK: Duration = Duration::from_secs(15);
/// The same for looking up where one partition starts: Redis and Kafka are
/// queried one after another, each with its own time-out.
const STARTING: Duration = Duration::from_secs(60);

/// A running consumer.
pub struct GroupConsumer {
    shared: Arc<Shared>,
    /// The pulse of the start thread.
    starts: Arc<Pulse>,
    thread: JoinHandle<()>,
}

struct Shared {
    consumer: Arc<BaseConsumer<Context>>,
    stopping: AtomicBool,
    /// The pulse of the polling thread.
    polls: Pulse,
}

impl GroupConsumer {
    /// Joins the group and hands its partitions to `partitions`.
    ///
    /// # Errors
    /// When librdkafka rejects the properties.
    pub fn start(
        options: &GroupConsumerOptions,
        partitions: Arc<dyn Partitions>,
    ) -> anyhow::Result<GroupConsumer> {
        let GroupConsumerOptions { kafka, group, .. } = options;
        let counts = partition_counts(options);
        let member = MemberId::of(options, counts.as_deref());
        let config = kafka.member(group, member.as_str(), most_partitions(counts.as_deref()));
        let consumer: BaseConsumer<Context> = config
            .create_with_context(Context::new(partitions.clone(), member.slot()))
            .context("librdkafka rejected the Kafka properties")?;
        let topics: Vec<&str> = options.topics.iter().map(String::as_str).collect();
        consumer
            .subscribe(&topics)
            .context("can't subscribe to the topics")?;
        let consumer = Arc::new(consumer);
        let shared = Arc::new(Shared {
            consumer,
            stopping: AtomicBool::new(false),
            polls: Pulse::default(),
        });
        let consumer = shared.consumer.clone();
        let cluster = Cluster::for_starts(kafka, group)?;
        let starts = StartThread::start(&options.name, (consumer, cluster), partitions.clone())?;
        let pulse = starts.turns.clone();
        let poller = Poller {
            name: options.name.clone(),
            member,
            shared: shared.clone(),
            partitions,
            starts,
            committed: Vec::new(),
        };
        let stopping = shared.clone();
        let may_end = move || stopping.stopping.load(Ordering::Relaxed);
        let name = format!("ingest-{}", options.name);
        let thread = process::thread(name, may_end, || poller.run())?;
        Ok(GroupConsumer {
            shared,
            starts: pulse,
            thread,
        })
    }

    /// Why this pipeline is not ready; `None` if it is.
    pub fn not_ready(&self) -> Option<String> {
        if let Some(long) = self.shared.polls.stuck_for(STUCK) {
            return Some(format!(
                "the ingest thread has not polled Kafka for {} s",
                long.as_secs()
            ));
        }
        if let Some(long) = self.starts.stuck_for(STARTING) {
            let seconds = long.as_secs();
            return Some(format!(
                "the start thread has been looking up where one partition starts for {seconds} s"
            ));
        }
        let group = self.shared.consumer.context().group();
        match (group.joined, group.trouble()) {
            (true, _) => None,
            (false, Some(trouble)) => Some(format!("not in the consumer group yet: {trouble}")),
            (false, None) => Some("not in the consumer group yet".into()),
        }
    }

    /// The partition's end as of the last fetch, without a query to the cluster.
    pub fn end(&self, partition: &TopicPartition) -> Option<i64> {
        let TopicPartition { topic, partition } = partition;
        // SAFETY: the consumer lives as long as `self`.
        unsafe {
            admin::cached_end(
                self.shared.consumer.client().native_ptr(),
                topic,
                *partition,
            )
        }
    }

    /// Commits the offsets and leaves the group, in bounded time. The partition consumers must not
    /// be used afterwards.
    pub fn stop(self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        let deadline = Instant::now() + CLOSE;
        while !self.thread.is_finished() {
            if Instant::now() >= deadline {
                tracing::warn!(
                    "the group coordinator does not answer; stopping without leaving the consumer group"
                );
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

struct Poller {
    /// The pipeline's name.
    name: String,
    member: MemberId,
    shared: Arc<Shared>,
    partitions: Arc<dyn Partitions>,
    starts: StartThread,
    committed: Vec<Commit>,
}

impl Poller {
    fn run(mut self) {
        let mut last_commit = Instant::now();
        while !self.shared.stopping.load(Ordering::Relaxed) {
            self.shared.polls.beat();
            match self.shared.consumer.poll(Duration::from_millis(50)) {
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
            self.end_if_broken();
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
    }

    fn note(&self, error: &KafkaError) {
        if self.shared.consumer.context().group().complain(error, None) {
            tracing::warn!(%error, "Kafka consumer error");
        }
    }

    /// librdkafka's fatal errors last as long as the consumer. The consumer is
    /// not replaced: a fenced static member that took its ID back would fence the
    /// new owner, and be fenced again. While the pipeline is stopping, batches in
    /// hand are finished first.
    fn end_if_broken(&self) {
        let fatal = self.shared.consumer.client().fatal_error();
        let Some((error, why)) = fatal.filter(|_| !self.partitions.stopping()) else {
            return;
        };
        let todo = match error {
            RDKafkaErrorCode::FencedInstanceId => self.member.if_fenced(),
            _ => "",
        };
        let name = &self.name;
        process::fail(&format!(
            "pipeline {name}: the Kafka consumer can't continue: {why}{todo}"
        ));
    }

    /// Unassigns the partitions to reopen: a partition whose fetching ended with
    /// an error can't be sought to another offset.
    fn reopen(&self) {
        let consumer = &self.shared.consumer;
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
        let mut group = self.shared.consumer.context().group();
        group.waiting = group.waiting.take().and_then(|w| self.starts.ask(w));
    }

    /// Assigns the partitions whose start is known. Halted ones are assigned,
    /// too: they are fetched into their small queue, but never read.
    fn begin_found(&self) {
        let Some(found) = self.starts.found() else {
            return;
        };
        let consumer = &self.shared.consumer;
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
            self.shared.consumer.commit(&offsets(&done), mode),
        );
        self.committed = done;
    }

    /// Leaves the group, which waits for the coordinator.
    fn close(self) {
        let Poller {
            shared,
            partitions,
            starts,
            member,
            ..
        } = self;
        shared.consumer.context().group().closing = true;
        drop((partitions, starts));
        if let MemberId::Slot(_) = member {
            leave(&shared.consumer);
        }
        log_error("leaving the group", shared.consumer.close_queue());
        while !shared.consumer.closed() {
            let _ = shared.consumer.poll(Duration::from_millis(100));
        }
    }
}
