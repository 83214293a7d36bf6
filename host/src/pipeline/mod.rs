//! A pipeline: takes the records of its partitions through three plugins into the
//! store.
//!
//! Promises: one generation of plugins processes a batch. The ledger passes a
//! record only when its events are stored or its dead letter is acknowledged. A
//! partition's batches are stored in order, one at a time. A full stage makes the
//! one before it wait (back-pressure). This folder composes Kafka, plugins and
//! store, which don't know of each other, and uses none of the libraries behind
//! them.
//!
//! ```text
//! group consumer ─partitions' records→ transform worker (transform, route, dead-letter)
//!                  ─prepared batches, bounded→ commit worker (receipts, store)
//! ```

mod commit;
mod decode;
mod depth;
pub mod gauges;
mod headers;
mod letter_topics;
mod lock;
mod meters;
pub mod offsets;
mod partition;
pub mod replay;
mod settings;
mod shared;
mod signal;
pub mod sources;
mod swap;
mod transform;
mod turns;

pub use letter_topics::expected as letter_topics;
pub use settings::{
    BreakerAction, BreakerSettings, DecodeBy, DecodeSettings, Deliver, LostLedger, OnLoss,
    PipelineSettings, PluginSettings, Resources, StartAt,
};
pub use swap::swapper::{Reload, Reloaded, Swapper};

use crate::kafka::KafkaSettings;
use crate::kafka::consumer::{GroupConsumer, GroupConsumerOptions};
use crate::kafka::producer::Producer;
use crate::plugin::Loader;
use crate::process::thread;
use crate::schema::Registry;
use crate::store::Store;
use commit::worker::CommitWorker;
use partition::assignment::{Inbox, PipelinePartitions};
use shared::{Progress, Shared};
use signal::Signal;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
pub use swap::generations::PluginRefused;
use swap::generations::{Candidate, first as first_generation};
use transform::worker::TransformWorker;
use turns::Turns;

/// How long workers may still run after their batches were given up.
const LAST: Duration = Duration::from_secs(5);

/// Prepared batches between the two threads of a worker, beside one in each thread.
/// When the channel is full, the transform worker waits, and librdkafka's small
/// queues fill behind it.
const PREPARED: usize = 2;
/// How much longer than its CPU time a call may take before its thread counts as hanging.
const STRETCH: u32 = 4;

/// A running pipeline.
pub struct Pipeline {
    shared: Arc<Shared>,
    consumer: GroupConsumer,
    workers: Vec<Worker>,
}

/// A worker's threads, and the signals that wake them.
struct Worker {
    signal: Arc<Signal>,
    /// Wakes the commit worker.
    bell: Arc<Signal>,
    turns: Arc<Turns>,
    threads: [JoinHandle<()>; 2],
}

impl Pipeline {
    /// Loads the plugins, joins the group and starts.
    ///
    /// # Errors
    /// If a plugin may not go live, or Kafka's properties are refused.
    pub fn start(
        settings: PipelineSettings,
        kafka: &KafkaSettings,
        loader: &Loader,
        store: Arc<Store>,
        registry: Option<&Registry>,
    ) -> anyhow::Result<Pipeline> {
        let first = first_generation(loader, &settings)?;
        let options = GroupConsumerOptions {
            name: settings.name.clone(),
            kafka: kafka.clone(),
            group: settings.group.clone(),
            topics: settings.topics.clone(),
        };
        let producer = Producer::new(kafka)?;
        let shared = Arc::new(Shared::new(settings, first, store, producer, registry)?);
        let mut workers = Vec::new();
        let mut inboxes = Vec::new();
        for index in 0..shared.settings.workers {
            let (worker, inbox) = start_worker(&shared, index)?;
            workers.push(worker);
            inboxes.push(inbox);
        }
        start_maker(&shared, &workers)?;
        let partitions = Arc::new(PipelinePartitions::new(shared.clone(), inboxes));
        let consumer = GroupConsumer::start(&options, partitions)?;
        Ok(Pipeline {
            shared,
            consumer,
            workers,
        })
    }

    /// The pipeline's name.
    pub fn name(&self) -> &str {
        &self.shared.settings.name
    }

    /// The topics that it reads.
    pub fn topics(&self) -> &[String] {
        &self.shared.settings.topics
    }

    /// Asks Kafka whether a topic exists; `None` if it does not answer. May block.
    pub fn has_topic(&self) -> impl Fn(&str) -> Option<bool> + Clone + Send + Sync + 'static {
        let producer = self.shared.producer.clone();
        move |topic| producer.has_topic(topic)
    }

    /// The state that a swap needs.
    fn shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    /// A problem that does not affect readiness: the configured plugins were refused, so
    /// the next start would fail.
    pub fn warning(&self) -> Option<String> {
        let why = self.shared.refused()?.why;
        let name = self.name();
        // Where none are live, it is a reason of readiness and no warning.
        (!self.shared.is_halted()).then(|| {
            format!(
                "pipeline {name}: the configured plugins were refused and others are live: {why}"
            )
        })
    }

    /// Why the pipeline is not ready; empty if it is.
    pub fn not_ready(&self) -> Vec<String> {
        let name = self.name();
        let reasons = self.consumer.not_ready().into_iter();
        let reasons = reasons.chain(self.shared.waits_for());
        let turns = self.workers.iter().map(|worker| &worker.turns).enumerate();
        let reasons = reasons.chain(turns.filter_map(|(index, turns)| turns.stuck(index)));
        reasons
            .map(|reason| format!("pipeline {name}: {reason}"))
            .collect()
    }

    /// Which thread gave no sign of life for so long. A wait for Kafka, the store or a schema is
    /// none such.
    pub fn silent(&self, most: Duration) -> Option<String> {
        // A call of a plugin is one turn. Its CPU time is limited, and a busy machine stretches it.
        let most = most.saturating_add(self.longest_call().saturating_mul(STRETCH));
        let turns = self.workers.iter().map(|worker| &worker.turns).enumerate();
        let silent = { turns }.find_map(|(index, turns)| turns.silent(index, most));
        let silent = silent.or_else(|| self.consumer.silent(most));
        let name = self.name();
        silent.map(|what| format!("pipeline {name}: {what}"))
    }

    fn longest_call(&self) -> Duration {
        let settings = &self.shared.settings;
        let calls = { settings.plugins.all() }
            .into_iter()
            .map(|spec| spec.limits.budget(settings.batch_records));
        calls.fold(Duration::ZERO, Duration::saturating_add)
    }

    /// Finishes batches in progress, for at most `patience`, commits and leaves
    /// the group.
    pub fn stop(self, patience: Duration) {
        let deadline = Instant::now() + patience;
        self.shared.go_to(Progress::Draining);
        self.workers.iter().for_each(|worker| worker.signal.ring());
        let running = |workers: &[Worker]| {
            workers
                .iter()
                .any(|worker| worker.threads.iter().any(|t| !t.is_finished()))
        };
        while running(&self.workers) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        if running(&self.workers) {
            let name = self.name();
            tracing::warn!(
                pipeline = name,
                "batches in progress were not finished in time; the next start continues from the ledger"
            );
            self.shared.go_to(Progress::Abandoning);
        }
        // A plugin that fails on one record after another may run for minutes. Its
        // batch is not stored, and its thread ends with this process.
        let deadline = Instant::now() + LAST;
        while running(&self.workers) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let threads = self.workers.into_iter().flat_map(|worker| worker.threads);
        for thread in threads.filter(JoinHandle::is_finished) {
            let _ = thread.join();
        }
        self.shared.topics.close();
        self.consumer.stop();
    }
}

/// Starts the thread that creates dead-letter topics. It ends with the pipeline.
fn start_maker(shared: &Shared, workers: &[Worker]) -> anyhow::Result<()> {
    let bells = workers.iter().map(|worker| worker.bell.clone()).collect();
    let (settings, producer) = (shared.settings.clone(), shared.producer.clone());
    let maker = letter_topics::Maker::new(shared.topics.clone(), settings, producer, bells);
    let name = format!("topics-{}", shared.settings.name);
    std::thread::Builder::new()
        .name(name)
        .spawn(|| maker.run())?;
    Ok(())
}

/// Loads a pipeline's plugins as its start does, and drops them.
///
/// # Errors
/// The plugin that may not go live, and why.
pub fn check_plugins(loader: &Loader, settings: &PipelineSettings) -> Result<(), PluginRefused> {
    let loaded = Candidate::read(&settings.plugins).load(loader, 1, None);
    loaded.map(drop).map_err(|refusal| PluginRefused {
        pipeline: settings.name.clone(),
        why: refusal.why,
    })
}

fn start_worker(shared: &Arc<Shared>, index: usize) -> anyhow::Result<(Worker, Inbox)> {
    let name = &shared.settings.name;
    let (batches, prepared) = mpsc::sync_channel(PREPARED);
    let (inbox, bell) = (Inbox::default(), Arc::new(Signal::default()));
    let turns = Arc::new(Turns::default());
    let arrivals = (inbox.clone(), turns.clone());
    let transform = TransformWorker::new(shared.clone(), arrivals, batches, bell.clone())?;
    let signals = (inbox.signal.clone(), turns.clone());
    let commit = CommitWorker::new(shared.clone(), prepared, bell.clone(), signals);
    let may_end = || {
        let shared = shared.clone();
        move || shared.draining()
    };
    let name = |thread: &str| format!("{thread}-{index}-{name}");
    let transform = thread(name("transform"), may_end(), || transform.run())?;
    let commit = thread(name("commit"), may_end(), || commit.run())?;
    let worker = Worker {
        signal: inbox.signal.clone(),
        bell,
        turns,
        threads: [transform, commit],
    };
    Ok((worker, inbox))
}
