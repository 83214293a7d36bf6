//! The pipeline's member of its consumer group, and the thread that polls for it.

use super::context::Context;
use super::member_id::MemberId;
use super::options::GroupConsumerOptions;
use super::partition_counts::{most_partitions, partition_counts};
use super::poller::{End, Poller};
use super::shared::Shared;
use super::start_thread::StartThread;
use super::{Cluster, Partitions};
use crate::kafka::native::cluster_calls as admin;
use crate::process::{self, Pulse};
use crate::record::TopicPartition;
use anyhow::Context as _;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

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
    thread: JoinHandle<()>,
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
        let counts = partition_counts(options);
        let joining = Joining {
            member: Arc::new(MemberId::of(options, counts.as_deref())),
            most_partitions: most_partitions(counts.as_deref()),
            options: options.clone(),
            partitions,
        };
        let consumer = joining.join()?;
        let shared = Arc::new(Shared {
            consumer: Mutex::new(consumer),
            stopping: AtomicBool::new(false),
            polls: Pulse::default(),
            starts: Arc::default(),
        });
        let first = joining.poller(&shared)?;
        // A pipeline that stops does not join again after it was fenced.
        let pipeline = joining.partitions.clone();
        let may_end = move || pipeline.stopping();
        let name = format!("ingest-{}", options.name);
        let polling = shared.clone();
        let thread = process::thread(name, may_end, move || joining.run(first, &polling))?;
        Ok(GroupConsumer { shared, thread })
    }

    /// Which of its threads gave no sign of life for so long.
    pub fn silent(&self, most: Duration) -> Option<String> {
        let polls = self.shared.polls.silent_for(most);
        // It rests for as long as nothing is asked, and its turns are long where Kafka is slow.
        let starts = || self.shared.starts.stuck_for(most.max(STARTING) * 2);
        let (what, long) = match polls {
            Some(long) => ("ingest", long),
            None => ("start", starts()?),
        };
        let seconds = long.as_secs();
        Some(format!("the {what} thread has not turned for {seconds} s"))
    }

    /// Why this pipeline is not ready; `None` if it is.
    pub fn not_ready(&self) -> Option<String> {
        if let Some(long) = self.shared.polls.stuck_for(STUCK) {
            return Some(format!(
                "the ingest thread has not polled Kafka for {} s",
                long.as_secs()
            ));
        }
        if let Some(long) = self.shared.starts.stuck_for(STARTING) {
            let seconds = long.as_secs();
            return Some(format!(
                "the start thread has been looking up where one partition starts for {seconds} s"
            ));
        }
        let consumer = self.shared.consumer();
        let group = consumer.context().group();
        match (group.joined, group.trouble()) {
            (true, _) => None,
            (false, Some(trouble)) => Some(format!("not in the consumer group yet: {trouble}")),
            (false, None) => Some("not in the consumer group yet".into()),
        }
    }

    /// The partition's end as of the last fetch, without a query to the cluster.
    pub fn end(&self, partition: &TopicPartition) -> Option<i64> {
        let TopicPartition { topic, partition } = partition;
        let consumer = self.shared.consumer();
        // SAFETY: the consumer lives.
        unsafe { admin::cached_end(consumer.client().native_ptr(), topic, *partition) }
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

/// What it takes to join the group.
struct Joining {
    options: GroupConsumerOptions,
    member: Arc<MemberId>,
    /// The most partitions that this member may get.
    most_partitions: usize,
    partitions: Arc<dyn Partitions>,
}

impl Joining {
    /// Polls until the pipeline stops. A fenced consumer is replaced by one with another ID:
    /// librdkafka's fatal errors last as long as the consumer.
    fn run(self, first: Poller, shared: &Arc<Shared>) {
        let mut poller = first;
        while poller.run() == End::Fenced && !self.partitions.stopping() {
            let renewed = self.renew(shared);
            poller = renewed.unwrap_or_else(|error| {
                let name = &self.options.name;
                process::fail(&format!(
                    "pipeline {name}: can't join its group again: {error:#}"
                ))
            });
        }
    }

    fn renew(&self, shared: &Arc<Shared>) -> anyhow::Result<Poller> {
        self.member.renew(&self.options.name)?;
        let consumer = self.join()?;
        *shared
            .consumer
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = consumer;
        self.poller(shared)
    }

    fn join(&self) -> anyhow::Result<Arc<BaseConsumer<Context>>> {
        let GroupConsumerOptions { kafka, group, .. } = &self.options;
        let id = self.member.get();
        let config = kafka.member(group, id.as_deref(), self.most_partitions);
        let context = Context::new(self.partitions.clone(), self.member.slot());
        let consumer: BaseConsumer<Context> = config
            .create_with_context(context)
            .context("librdkafka rejected the Kafka properties")?;
        let topics: Vec<&str> = self.options.topics.iter().map(String::as_str).collect();
        consumer
            .subscribe(&topics)
            .context("can't subscribe to the topics")?;
        Ok(Arc::new(consumer))
    }

    /// The poller of the present consumer.
    fn poller(&self, shared: &Arc<Shared>) -> anyhow::Result<Poller> {
        let GroupConsumerOptions {
            name, kafka, group, ..
        } = &self.options;
        let consumer = shared.consumer();
        let cluster = Cluster::for_starts(kafka, group)?;
        let partitions = self.partitions.clone();
        let starts = (consumer.clone(), cluster);
        let starts = StartThread::start(name, starts, partitions.clone(), &shared.starts)?;
        Ok(Poller {
            name: name.clone(),
            member: self.member.clone(),
            shared: shared.clone(),
            consumer,
            partitions,
            starts,
            committed: Vec::new(),
        })
    }
}
