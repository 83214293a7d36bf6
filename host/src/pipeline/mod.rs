//! A pipeline: its partitions' records through its three plugins into the
//! store.
//!
//! Promises: a batch is processed by one generation of plugins; a record is
//! passed by the ledger only when its events are stored or its dead letter is
//! acknowledged; a partition's batches are stored in order, one at a time; a
//! stage that is full makes the one before it wait. This folder composes
//! ingest, plugins and store, which don't know of each other, and knows none
//! of the libraries behind them.
//!
//! ```text
//! ingest ─feeds→ front (a thread a worker: transform, route, dead-letter)
//!                  ─plans, bounded→ back (a thread a worker: receipts, store)
//! ```

mod back;
mod breaker;
mod decide;
mod front;
pub mod gauges;
mod generations;
mod lane;
mod letters;
pub mod offsets;
mod opening;
mod partitions;
mod plan;
mod signal;
mod streams;
mod swap;

pub use streams::StoreStreams;
pub use swap::Swapper;

use crate::config::{BreakerAction, PipelineSettings};
use crate::ingest::{Ingest, IngestOptions, KafkaSettings, Outbox};
use crate::plugin::{Generation, Loader};
use crate::record::TopicPartition;
use crate::store::Store;
use arc_swap::ArcSwap;
use breaker::Breaker;
use front::Front;
use lane::LaneState;
use metrics::counter;
use partitions::PipelinePartitions;
use signal::Signal;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How a pipeline is going, from [`Shared::stage`].
const RUNNING: u8 = 0;
/// No new batches; what is in hand is finished.
const DRAINING: u8 = 1;
/// What is in hand is left to the next start.
const ABANDONING: u8 = 2;

/// How long a worker may still be at it after that.
const LAST: Duration = Duration::from_secs(5);

/// Plans between a worker's two threads: with one in each thread that is all a
/// worker holds. When it is full the front waits, and Kafka's small queues
/// fill behind it.
const PLANS: usize = 2;

/// What a pipeline's threads share.
pub(crate) struct Shared {
    pub settings: PipelineSettings,
    pub generation: ArcSwap<Generation>,
    live: Mutex<Live>,
    breaker: Breaker,
    pub store: Arc<Store>,
    pub outbox: Outbox,
    /// Topics that were made for dead letters.
    made_topics: Mutex<Vec<String>>,
    lanes: Mutex<HashMap<TopicPartition, Arc<LaneState>>>,
    stage: AtomicU8,
    /// What the pipeline waits for, by [`Trouble`].
    troubles: [Mutex<Option<String>>; 4],
}

/// What a swap or its breaker may go back to, and must not take again.
#[derive(Default)]
struct Live {
    before: Option<Arc<Generation>>,
    /// The fingerprint of plugins that were refused: not tried again until
    /// they change.
    refused: Option<String>,
}

impl Shared {
    fn lanes(&self) -> MutexGuard<'_, HashMap<TopicPartition, Arc<LaneState>>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a generation live that a swap loaded.
    fn publish(&self, mut generation: Generation) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        // The breaker may have stepped back while it was loaded.
        let number = self.generation.load().number + 1;
        generation.number = number;
        generations::announce(&self.settings.name, &generation);
        // Before anyone can have it.
        if self.settings.breaker.action != BreakerAction::Off {
            self.breaker.arm(number);
        }
        live.before = Some(self.generation.swap(Arc::new(generation)));
        live.refused = None;
        drop(live);
        self.note(Trouble::Breaker, None);
    }

    /// Plugins of this fingerprint are not to be tried again.
    fn refuse(&self, fingerprint: Option<String>) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.refused = fingerprint;
    }

    fn refuses(&self, fingerprint: &str) -> bool {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.refused.as_deref() == Some(fingerprint)
    }

    /// The breaker opened for `bad`: the one before it is live again, or the
    /// pipeline waits for another.
    fn step_back(&self, bad: &Generation, why: &str) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if self.generation.load().number != bad.number {
            return;
        }
        let (pipeline, generation) = (&self.settings.name, bad.number);
        live.refused = Some(generations::live_fingerprint(bad));
        generations::count_swap(pipeline, "undone");
        let before = live.before.take();
        match before.filter(|_| self.settings.breaker.action == BreakerAction::Previous) {
            Some(before) => {
                tracing::error!(
                    pipeline,
                    generation,
                    "{why}; the plugins before it are live again"
                );
                let again = before.renumbered(bad.number + 1);
                generations::announce(pipeline, &again);
                self.generation.store(Arc::new(again));
            }
            None => {
                tracing::error!(pipeline, generation, "{why}; the pipeline is halted");
                let said = format!("{why}: it is halted until other plugins are saved");
                self.note(Trouble::Breaker, Some(said));
            }
        }
    }

    fn draining(&self) -> bool {
        self.stage.load(Ordering::Acquire) >= DRAINING
    }

    fn abandoning(&self) -> bool {
        self.stage.load(Ordering::Acquire) >= ABANDONING
    }

    /// Notes what the pipeline waits for, and says it once.
    fn trouble(&self, of: Trouble, now: Option<String>) {
        let pipeline = &self.settings.name;
        let Some(trouble) = now else {
            if let Some(over) = self.note(of, None) {
                tracing::info!(pipeline, over, "going on");
            }
            return;
        };
        let on = of.name();
        counter!("millstream_waits_total", "pipeline" => pipeline.clone(), "on" => on).increment(1);
        if self.note(of, Some(trouble.clone())).is_none() {
            tracing::warn!(pipeline, trouble, "waiting");
        }
    }

    /// Notes what the pipeline waits for, and answers what was noted.
    fn note(&self, of: Trouble, now: Option<String>) -> Option<String> {
        let noted = &self.troubles[of as usize];
        std::mem::replace(
            &mut noted.lock().unwrap_or_else(PoisonError::into_inner),
            now,
        )
    }
}

/// What a pipeline may wait for.
#[derive(Clone, Copy)]
enum Trouble {
    /// The store to answer.
    Store,
    /// Kafka to take dead letters and routed events.
    Outbox,
    /// Other plugins: too many records failed in the new ones.
    Breaker,
    /// Kafka to say where partitions begin and end.
    Opening,
}

impl Trouble {
    fn name(self) -> &'static str {
        match self {
            Trouble::Store => "store",
            Trouble::Outbox | Trouble::Opening => "kafka",
            Trouble::Breaker => "plugins",
        }
    }
}

/// A running pipeline.
pub struct Pipeline {
    shared: Arc<Shared>,
    ingest: Ingest,
    workers: Vec<Worker>,
}

/// A worker's threads, and how the front is woken.
struct Worker {
    signal: Arc<Signal>,
    threads: [JoinHandle<()>; 2],
}

impl Pipeline {
    /// Loads the plugins, joins the group and begins.
    ///
    /// # Errors
    /// When a plugin may not go live, or Kafka's properties are refused.
    pub fn start(
        settings: PipelineSettings,
        kafka: &KafkaSettings,
        loader: &Loader,
        store: Arc<Store>,
    ) -> anyhow::Result<Pipeline> {
        let generation = generations::load(loader, &settings.plugins, 1, None)
            .map_err(|e| anyhow::anyhow!("pipeline `{}`: {e}", settings.name))?;
        generations::announce(&settings.name, &generation);
        let options = IngestOptions {
            name: settings.name.clone(),
            kafka: kafka.clone(),
            group: settings.group.clone(),
            topics: settings.topics.clone(),
        };
        let shared = Arc::new(Shared {
            generation: ArcSwap::from_pointee(generation),
            live: Mutex::default(),
            breaker: Breaker::new(settings.breaker),
            store,
            outbox: Outbox::new(kafka)?,
            made_topics: Mutex::default(),
            lanes: Mutex::default(),
            stage: AtomicU8::new(RUNNING),
            troubles: Default::default(),
            settings,
        });
        let mut workers = Vec::new();
        let mut doors = Vec::new();
        for index in 0..shared.settings.workers {
            let (worker, door) = start_worker(&shared, index)?;
            workers.push(worker);
            doors.push(door);
        }
        let partitions = Arc::new(PipelinePartitions::new(shared.clone(), doors));
        let ingest = Ingest::start(&options, partitions)?;
        Ok(Pipeline {
            shared,
            ingest,
            workers,
        })
    }

    /// The pipeline's name.
    pub fn name(&self) -> &str {
        &self.shared.settings.name
    }

    /// What a swap needs of it.
    pub(crate) fn shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    /// Why it can't be called ready; empty when it can.
    pub fn not_ready(&self) -> Vec<String> {
        let mut reasons: Vec<String> = self.ingest.not_ready().into_iter().collect();
        for noted in &self.shared.troubles {
            reasons.extend(noted.lock().unwrap_or_else(PoisonError::into_inner).clone());
        }
        for (partition, lane) in &*self.shared.lanes() {
            reasons.extend(
                lane.halted()
                    .map(|why| format!("{partition} is halted: {why}")),
            );
        }
        let name = self.name();
        reasons
            .into_iter()
            .map(|reason| format!("pipeline {name}: {reason}"))
            .collect()
    }

    /// Finishes what is in hand, for at most `patience`, commits and leaves
    /// the group.
    pub fn stop(self, patience: Duration) {
        let deadline = Instant::now() + patience;
        self.shared.stage.store(DRAINING, Ordering::Release);
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
                "not drained in time; the next start goes on from the ledger"
            );
            self.shared.stage.store(ABANDONING, Ordering::Release);
        }
        // A plugin that breaks on one record after another may be at it for
        // minutes. What it is at is not stored, and ends with this process.
        let deadline = Instant::now() + LAST;
        while running(&self.workers) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let threads = self.workers.into_iter().flat_map(|worker| worker.threads);
        for thread in threads.filter(JoinHandle::is_finished) {
            let _ = thread.join();
        }
        self.ingest.stop();
    }
}

fn start_worker(shared: &Arc<Shared>, index: usize) -> anyhow::Result<(Worker, partitions::Door)> {
    let name = &shared.settings.name;
    let signal = Arc::new(Signal::default());
    let (plans, planned) = mpsc::sync_channel(PLANS);
    // A feed for each partition of an assignment; ingest waits when it is full.
    let (door, arrivals) = mpsc::sync_channel(64);
    let front = Front::new(shared.clone(), signal.clone(), arrivals, plans)?;
    let back = back::Back::new(shared.clone(), planned, signal.clone());
    let thread = std::thread::Builder::new().name(format!("front-{index}-{name}"));
    let front = thread.spawn(move || front.run())?;
    let thread = std::thread::Builder::new().name(format!("back-{index}-{name}"));
    let back = thread.spawn(move || back.run())?;
    let door = partitions::Door {
        arrivals: door,
        signal: signal.clone(),
    };
    Ok((
        Worker {
            signal,
            threads: [front, back],
        },
        door,
    ))
}
