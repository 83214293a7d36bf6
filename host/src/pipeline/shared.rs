//! The state that a pipeline's threads share.

use super::decode::Decoder;
use super::depth::Depth;
use super::letter_topics::Topics;
use super::lock::lock;
use super::partition::state::PartitionState;
use super::swap::generations;
use super::transform::encode::Encodings;
use crate::kafka::producer::Producer;
use crate::pipeline::settings::{BreakerAction, PipelineSettings};
use crate::pipeline::swap::breaker::Breaker;
use crate::pipeline::swap::generations::{First, Refusal};
use crate::pipeline::swap::instances::Instances;
use crate::plugin::Generation;
use crate::record::TopicPartition;
use crate::schema::Registry;
use crate::store::Store;
use arc_swap::ArcSwap;
use metrics::counter;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// Whether a pipeline runs or stops.
#[derive(Clone, Copy)]
pub(super) enum Progress {
    Running,
    /// No new batches; batches in progress are finished.
    Draining,
    /// Batches in progress are dropped; the next start processes them again.
    Abandoning,
}

/// The assigned partitions.
pub(super) type Partitions = HashMap<TopicPartition, Arc<PartitionState>>;

/// The state that a pipeline's threads share.
pub(super) struct Shared {
    pub settings: PipelineSettings,
    pub generation: ArcSwap<Generation>,
    live: Mutex<Live>,
    pub breaker: Breaker,
    pub store: Arc<Store>,
    pub producer: Producer,
    pub depth: Depth,
    pub decoder: Option<Decoder>,
    /// What routed events are encoded by; each worker has a copy.
    pub encodings: Option<Encodings>,
    /// The dead-letter topics.
    pub topics: Arc<Topics>,
    partitions: Mutex<Partitions>,
    /// A [`Progress`].
    progress: AtomicU8,
    /// What the pipeline waits for, by [`Trouble`].
    troubles: [Mutex<Option<String>>; 4],
}

/// What the breaker may revert to, and which plugins must not be loaded again.
#[derive(Default)]
struct Live {
    before: Option<Arc<Generation>>,
    /// Plugins that were refused. They are not tried again until they change, unless
    /// the machine was the cause.
    refused: Option<Refusal>,
    /// Instances for workers that have not taken up the live generation yet.
    instances: Vec<Instances>,
}

impl Shared {
    /// # Errors
    /// If the instances of a worker can't be made.
    pub fn new(
        settings: PipelineSettings,
        first: First,
        store: Arc<Store>,
        producer: Producer,
        registry: Option<&Registry>,
    ) -> anyhow::Result<Shared> {
        let limits = (settings.record_bytes, settings.batch_bytes);
        let decoder = Decoder::new(&settings.decode, registry, limits)?;
        let encodings = Encodings::new(&settings, registry)?;
        let generation = Arc::new(first.generation);
        let live = Live {
            before: None,
            refused: first.refused,
            instances: Instances::for_workers(&generation, &settings)?,
        };
        generations::announce(&settings.name, &generation);
        Ok(Shared {
            generation: ArcSwap::new(generation),
            live: Mutex::new(live),
            breaker: Breaker::new(settings.breaker),
            store,
            producer,
            decoder,
            encodings,
            depth: Depth::new(settings.batch_records),
            topics: Arc::default(),
            partitions: Mutex::default(),
            progress: AtomicU8::new(Progress::Running as u8),
            troubles: Default::default(),
            settings,
        })
    }

    /// The instances of the live generation for one worker. Each worker takes them
    /// once.
    pub fn take_instances(&self) -> Option<Instances> {
        lock(&self.live).instances.pop()
    }

    /// The assigned partitions.
    pub fn partitions(&self) -> MutexGuard<'_, Partitions> {
        lock(&self.partitions)
    }

    /// Makes the instances of every worker for a loaded generation, then makes it live.
    ///
    /// # Errors
    /// If an instance can't be made. The machine is the cause, since the plugins have
    /// just passed their tests.
    pub fn publish(&self, mut generation: Generation) -> anyhow::Result<()> {
        let mut live = lock(&self.live);
        // The breaker may have reverted while it was loaded.
        let number = self.generation.load().number + 1;
        generation.number = number;
        let generation = Arc::new(generation);
        live.instances = Instances::for_workers(&generation, &self.settings)?;
        generations::announce(&self.settings.name, &generation);
        // Before a worker can use it.
        if self.settings.breaker.action != BreakerAction::Off {
            self.breaker.arm(number);
        }
        live.before = Some(self.generation.swap(generation));
        live.refused = None;
        drop(live);
        self.note(Trouble::Breaker, None);
        Ok(())
    }

    /// Whether this generation is live.
    pub fn is_live(&self, generation: u64) -> bool {
        self.generation.load().number == generation
    }

    /// Whether the results of this generation are still wanted.
    pub fn wants(&self, generation: u64) -> bool {
        !self.draining() && self.is_live(generation) && !self.breaker.open_for(generation)
    }

    /// Notes that the configured plugins are refused, or not any more.
    pub fn refuse(&self, refusal: Option<Refusal>) {
        lock(&self.live).refused = refusal;
    }

    /// The refusal of the configured plugins, if they are not live.
    pub fn refused(&self) -> Option<Refusal> {
        lock(&self.live).refused.clone()
    }

    /// After the breaker opened for `bad`: reverts to the previous generation, or halts
    /// the pipeline until another is live.
    pub fn step_back(&self, bad: &Generation, why: &str) {
        let mut live = lock(&self.live);
        if self.generation.load().number != bad.number {
            return;
        }
        let (pipeline, generation) = (&self.settings.name, bad.number);
        live.refused = Some(Refusal {
            fingerprint: generations::live_fingerprint(bad),
            why: why.to_owned(),
            again: false,
        });
        generations::count_swap(pipeline, "undone");
        let before = live.before.take();
        let before = before.filter(|_| self.settings.breaker.action == BreakerAction::Previous);
        let again = before.map(|before| Arc::new(before.renumbered(bad.number + 1)));
        let instances = again.as_ref().map(|again| {
            let made = Instances::for_workers(again, &self.settings);
            made.inspect_err(|error| {
                tracing::error!(pipeline, "can't start the previous plugins: {error:#}");
            })
        });
        match again.zip(instances.and_then(Result::ok)) {
            Some((again, instances)) => {
                tracing::error!(
                    pipeline,
                    generation,
                    "{why}; reverted to the previous plugins"
                );
                generations::announce(pipeline, &again);
                live.instances = instances;
                self.generation.store(again);
            }
            None => {
                tracing::error!(pipeline, generation, "{why}; pipeline halted");
                let said = format!("{why}; halted until other plugins are saved");
                // Counted once: nothing is tried again until then.
                self.trouble(Trouble::Breaker, Some(said));
            }
        }
    }

    pub fn go_to(&self, to: Progress) {
        self.progress.store(to as u8, Ordering::Release);
    }

    pub fn draining(&self) -> bool {
        self.progress.load(Ordering::Acquire) >= Progress::Draining as u8
    }

    pub fn abandoning(&self) -> bool {
        self.progress.load(Ordering::Acquire) >= Progress::Abandoning as u8
    }

    /// What the pipeline waits for, as reasons for readiness.
    pub fn waits_for(&self) -> Vec<String> {
        let noted = |noted: &Mutex<Option<String>>| lock(noted).clone();
        let mut reasons: Vec<String> = self.troubles.iter().filter_map(noted).collect();
        // A reason that several partitions share is reported once.
        let mut halted: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut waiting: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, partition) in &*self.partitions() {
            if let Some(why) = partition.halted() {
                halted.entry(why).or_default().push(name.to_string());
            }
            for why in partition.waiting() {
                waiting.entry(why).or_default().push(name.to_string());
            }
        }
        reasons.extend(halted.into_iter().map(|(why, mut partitions)| {
            partitions.sort();
            let are = if partitions.len() == 1 { "is" } else { "are" };
            format!("{} {are} halted: {why}", partitions.join(", "))
        }));
        let waits = |(why, of): (String, Vec<String>)| format!("{}: {why}", some(of));
        reasons.extend(waiting.into_iter().map(waits));
        reasons
    }

    /// Notes what the pipeline waits for, and logs it once.
    pub fn trouble(&self, of: Trouble, now: Option<String>) {
        let pipeline = &self.settings.name;
        let Some(trouble) = now else {
            if let Some(over) = self.note(of, None) {
                tracing::info!(pipeline, over, "no longer waiting");
            }
            return;
        };
        let on = of.name();
        counter!("millstream_waits_total", "pipeline" => pipeline.clone(), "on" => on).increment(1);
        if self.note(of, Some(trouble.clone())).is_none() {
            tracing::warn!(pipeline, trouble, "waiting");
        }
    }

    /// Whether the breaker halted the pipeline: no plugins are live.
    pub fn is_halted(&self) -> bool {
        lock(&self.troubles[Trouble::Breaker as usize]).is_some()
    }

    /// Notes what the pipeline waits for, and returns what was noted before.
    pub fn note(&self, of: Trouble, now: Option<String>) -> Option<String> {
        std::mem::replace(&mut lock(&self.troubles[of as usize]), now)
    }
}

/// A reason why a pipeline waits.
#[derive(Clone, Copy)]
pub(super) enum Trouble {
    /// The store does not answer.
    Store,
    /// Too many records failed in new plugins, and no others are live.
    Breaker,
    /// Kafka does not answer where partitions start and end.
    Opening,
    /// An instance of a plugin can't be made.
    Instances,
}

impl Trouble {
    pub fn name(self) -> &'static str {
        match self {
            Trouble::Store => "store",
            Trouble::Opening => "kafka",
            Trouble::Breaker | Trouble::Instances => "plugins",
        }
    }
}

/// The first partitions, and how many more wait.
fn some(mut of: Vec<String>) -> String {
    let all = of.len();
    of.sort();
    of.truncate(3);
    let named = of.join(", ");
    match all - of.len() {
        0 if all == 1 => format!("{named} waits"),
        0 => format!("{named} wait"),
        more => format!("{named} and {more} more wait"),
    }
}
