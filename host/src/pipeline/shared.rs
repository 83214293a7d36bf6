//! What a pipeline's threads share.

use super::letter_topics::Topics;
use super::lock::lock;
use super::partition::state::PartitionState;
use super::swap::generations;
use crate::kafka::producer::Producer;
use crate::pipeline::settings::{BreakerAction, PipelineSettings};
use crate::pipeline::swap::breaker::Breaker;
use crate::pipeline::swap::generations::{First, Refusal};
use crate::pipeline::swap::instances::Instances;
use crate::plugin::Generation;
use crate::record::TopicPartition;
use crate::store::Store;
use arc_swap::ArcSwap;
use metrics::counter;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// How a pipeline is going.
#[derive(Clone, Copy)]
pub(super) enum Progress {
    Running,
    /// No new batches; what is in hand is finished.
    Draining,
    /// What is in hand is left to the next start.
    Abandoning,
}

/// Partitions that are assigned.
pub(super) type Partitions = HashMap<TopicPartition, Arc<PartitionState>>;

/// What a pipeline's threads share.
pub(super) struct Shared {
    pub settings: PipelineSettings,
    pub generation: ArcSwap<Generation>,
    live: Mutex<Live>,
    pub breaker: Breaker,
    pub store: Arc<Store>,
    pub producer: Producer,
    /// The topics for dead letters.
    pub topics: Arc<Topics>,
    partitions: Mutex<Partitions>,
    /// How the pipeline is going: a [`Progress`].
    progress: AtomicU8,
    /// What the pipeline waits for, by [`Trouble`].
    troubles: [Mutex<Option<String>>; 4],
}

/// What a swap or its breaker may go back to, and must not take again.
#[derive(Default)]
struct Live {
    before: Option<Arc<Generation>>,
    /// Plugins that were refused: not tried again until they change, unless it
    /// was for the machine's sake.
    refused: Option<Refusal>,
    /// Those of workers that have not taken up the live generation yet.
    instances: Vec<Instances>,
}

impl Shared {
    /// # Errors
    /// When the instances of some worker can't be made.
    pub fn new(
        settings: PipelineSettings,
        first: First,
        store: Arc<Store>,
        producer: Producer,
    ) -> anyhow::Result<Shared> {
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
            topics: Arc::default(),
            partitions: Mutex::default(),
            progress: AtomicU8::new(Progress::Running as u8),
            troubles: Default::default(),
            settings,
        })
    }

    /// A worker's instances of the live generation, which each worker takes
    /// once.
    pub fn take_instances(&self) -> Option<Instances> {
        lock(&self.live).instances.pop()
    }

    /// The partitions that are assigned.
    pub fn partitions(&self) -> MutexGuard<'_, Partitions> {
        lock(&self.partitions)
    }

    /// Makes a generation live that a swap loaded, once the instances of every
    /// worker are there.
    ///
    /// # Errors
    /// When one of them can't be made: the machine's trouble, since the plugins
    /// were just put to the test.
    pub fn publish(&self, mut generation: Generation) -> anyhow::Result<()> {
        let mut live = lock(&self.live);
        // The breaker may have stepped back while it was loaded.
        let number = self.generation.load().number + 1;
        generation.number = number;
        let generation = Arc::new(generation);
        live.instances = Instances::for_workers(&generation, &self.settings)?;
        generations::announce(&self.settings.name, &generation);
        // Before anyone can have it.
        if self.settings.breaker.action != BreakerAction::Off {
            self.breaker.arm(number);
        }
        live.before = Some(self.generation.swap(generation));
        live.refused = None;
        drop(live);
        self.note(Trouble::Breaker, None);
        Ok(())
    }

    /// Whether these are the plugins that are live.
    pub fn is_live(&self, generation: u64) -> bool {
        self.generation.load().number == generation
    }

    /// Whether what these plugins make of a batch is wanted.
    pub fn wants(&self, generation: u64) -> bool {
        !self.draining() && self.is_live(generation) && !self.breaker.open_for(generation)
    }

    /// Notes plugins that are configured and not live.
    pub fn refuse(&self, refusal: Option<Refusal>) {
        lock(&self.live).refused = refusal;
    }

    /// The plugins that are configured and not live, if there are any.
    pub fn refused(&self) -> Option<Refusal> {
        lock(&self.live).refused.clone()
    }

    /// The breaker opened for `bad`: the one before it is live again, or the
    /// pipeline waits for another.
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
                self.note(Trouble::Breaker, Some(said));
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

    /// What keeps it from going on, for people.
    pub fn waits_for(&self) -> Vec<String> {
        let noted = |noted: &Mutex<Option<String>>| lock(noted).clone();
        let mut reasons: Vec<String> = self.troubles.iter().filter_map(noted).collect();
        // What halts a whole topic is said once, and so is what several wait for.
        let mut halted: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut waiting: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, partition) in &*self.partitions() {
            if let Some(why) = partition.halted() {
                halted.entry(why).or_default().push(name.to_string());
            }
            if let Some(why) = partition.waiting() {
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

    /// Notes what the pipeline waits for, and says it once.
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

    /// Notes what the pipeline waits for, and answers what was noted.
    pub fn note(&self, of: Trouble, now: Option<String>) -> Option<String> {
        std::mem::replace(&mut lock(&self.troubles[of as usize]), now)
    }
}

/// What a pipeline may wait for.
#[derive(Clone, Copy)]
pub(super) enum Trouble {
    /// The store to answer.
    Store,
    /// Other plugins: too many records failed in the new ones.
    Breaker,
    /// Kafka to say where partitions begin and end.
    Opening,
    /// A plugin's instance to be made.
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

/// The first of many, and how many there are.
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
