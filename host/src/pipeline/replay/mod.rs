//! Replaying dead letters: through the pipeline's plugins as they are now, or
//! to their topic again.
//!
//! Promises: a letter's record is given to the pipeline's group once, however
//! many copies of the letter there are, however often it is replayed, by
//! however many at once, and whoever is killed meanwhile; the marks that hold
//! this are the store's (`store/replay.rs`). What would be done is found out by
//! doing it, without storing, sending or marking anything. A letter that fails
//! again stays where it is: nobody asks the dead-letter policy.
//!
//! This folder deliberately does not know where letters are read from, nor who
//! chose them.

mod batches;
mod letter;
mod report;
mod send;
mod through;
mod triage;

pub use letter::{Letter, Omitted};
pub use report::{Failed, Refused, Report};

use crate::kafka::KafkaSettings;
use crate::kafka::producer::Producer;
use crate::pipeline::settings::{PipelineSettings, Resources};
use crate::pipeline::transform::grants::Grants;
use crate::plugin::{Loader, RouteInstance, TransformInstance};
use crate::record::Outgoing;
use crate::store::{Mark, Store, Unavailable, Writer};
use anyhow::Context;
use std::collections::{BTreeSet, HashSet};
use std::hash::RandomState;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long the store may be away before a replay gives up. The daemon waits
/// for good; who waits for a command wants to know.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(200);

/// How letters are replayed.
#[derive(Clone, Debug)]
pub struct Rules {
    /// To their topic, or to this one; otherwise through the plugins.
    pub to_topic: Option<Option<String>>,
    /// How often a record may be sent to its topic.
    pub max_replays: u32,
    /// Also what may be doubled by it, and what was sent before.
    pub force: bool,
    /// False: nothing is stored, sent or marked.
    pub write: bool,
}

/// The plugins that a replay goes through.
struct Plugins {
    transform: TransformInstance,
    route: RouteInstance,
    grants: Grants,
}

/// A replay that is going on.
pub struct Replayer {
    settings: PipelineSettings,
    kafka: KafkaSettings,
    rules: Rules,
    plugins: Option<Plugins>,
    described: Vec<String>,
    writer: Box<dyn Writer>,
    producer: Option<Producer>,
    report: Report,
    /// The records that were come upon: 16 bytes each, for as long as it runs.
    /// Without it what is counted would depend on where letters are cut into
    /// batches, and be another where nothing is marked.
    seen: HashSet<u128>,
    /// Tasks that would have ended by now, in a dry run.
    ended: BTreeSet<Vec<u8>>,
    hashers: [RandomState; 2],
    stop: Arc<AtomicBool>,
}

impl Replayer {
    /// Loads what is needed. `stop` makes it wait for nobody any more.
    ///
    /// # Errors
    /// When a plugin can't be used, or the store's address.
    pub fn open(
        resources: Resources,
        pipeline: &PipelineSettings,
        rules: Rules,
        stop: Arc<AtomicBool>,
    ) -> anyhow::Result<Replayer> {
        let mut described = Vec::new();
        let plugins = match rules.to_topic {
            Some(_) => None,
            None => Some(load(resources.cache, pipeline, &mut described)?),
        };
        let mut writer = Store::open(resources.store)?.writer();
        // A wrong address is said at once; what is away later is waited for.
        { writer.marked(&pipeline.group, Mark::Stored, &["-"]) }.map_err(|e| given_up(&e))?;
        Ok(Replayer {
            settings: pipeline.clone(),
            kafka: resources.kafka.clone(),
            rules,
            plugins,
            described,
            writer,
            producer: None,
            report: Report::default(),
            seen: HashSet::new(),
            ended: BTreeSet::new(),
            hashers: Default::default(),
            stop,
        })
    }

    /// The plugins that it goes through, each with its digest.
    pub fn plugins(&self) -> &[String] {
        &self.described
    }

    /// How many letters [`Replayer::replay`] takes at once, and of how many
    /// bytes; one may go past it.
    pub fn limits(&self) -> (usize, usize) {
        (self.settings.batch_records, self.settings.batch_bytes)
    }

    /// Replays some letters; answers how many were not just passed over.
    ///
    /// # Errors
    /// When the store or Kafka can't do what it must. What was done until then
    /// is in the report, and is not done again.
    pub fn replay(&mut self, letters: Vec<Letter>) -> anyhow::Result<u64> {
        let before = self.report.worked();
        self.report.chosen += letters.len() as u64;
        let letters = self.triage(letters)?;
        match self.rules.to_topic.clone() {
            Some(to) => self.send_again(&letters, to.as_deref())?,
            None => self.go_through(letters)?,
        }
        Ok(self.report.worked() - before)
    }

    /// What was done so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Asks the store until it answers, for a while.
    fn ask<T>(
        &mut self,
        mut question: impl FnMut(&mut dyn Writer) -> Result<T, Unavailable>,
    ) -> anyhow::Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match question(&mut *self.writer) {
                Ok(answer) => return Ok(answer),
                Err(error) if !goes_on(deadline, &self.stop) => return Err(given_up(&error)),
                Err(error) => tracing::debug!(%error, "the store does not answer; retrying"),
            }
        }
    }

    /// Sends these and waits until Kafka has them; indices of those it has.
    fn deliver(&mut self, outgoing: &[Outgoing]) -> Delivered {
        if self.producer.is_none() {
            match Producer::new(&self.kafka) {
                Ok(producer) => self.producer = Some(producer),
                Err(error) => return Delivered::none(outgoing.len(), error),
            }
        }
        match &self.producer {
            Some(producer) => send::deliver(producer, outgoing, &self.stop),
            None => Delivered::none(outgoing.len(), anyhow::anyhow!("no Kafka producer")),
        }
    }
}

/// What Kafka has of what was sent.
struct Delivered {
    /// One answer each.
    has: Vec<bool>,
    /// Why it does not have all.
    error: Option<anyhow::Error>,
}

impl Delivered {
    fn none(of: usize, error: anyhow::Error) -> Delivered {
        let (has, error) = (vec![false; of], Some(error));
        Delivered { has, error }
    }
}

/// Waits a little; false if it was long enough, or is to end.
fn goes_on(deadline: Instant, stop: &AtomicBool) -> bool {
    std::thread::sleep(PAUSE);
    Instant::now() < deadline && !stop.load(Ordering::Relaxed)
}

fn given_up(error: &Unavailable) -> anyhow::Error {
    anyhow::anyhow!("the store does not answer ({error}); check [store] url")
}

/// Loads the transform and the route as the configuration has them now.
fn load(
    cache: &Path,
    pipeline: &PipelineSettings,
    described: &mut Vec<String>,
) -> anyhow::Result<Plugins> {
    let specs = [&pipeline.plugins.transform, &pipeline.plugins.route];
    let memory = specs.map(|spec| spec.limits.memory).into_iter().max();
    // Each kind's instance, and what putting it to the test needs.
    let loader = Loader::new(8, memory.unwrap_or_default(), cache)?;
    let [transform, route] = specs;
    let name = |kind: &str, spec: &crate::plugin::Spec| {
        format!(
            "pipeline {}: the {kind} plugin {}",
            pipeline.name,
            spec.source.name()
        )
    };
    let in_transform = || name("transform", transform);
    let in_route = || name("route", route);
    let read = |spec: &crate::plugin::Spec| spec.source.read();
    let transform = { read(transform) }
        .and_then(|wasm| loader.transform(transform, wasm))
        .with_context(in_transform)?;
    let route = { read(route) }
        .and_then(|wasm| loader.route(route, wasm))
        .with_context(in_route)?;
    for program in [&transform.program, &route.program] {
        described.push(format!("{} ({})", program.name, program.short_digest()));
    }
    let started = |error: crate::plugin::CallError| anyhow::anyhow!("{}", error.message);
    Ok(Plugins {
        grants: Grants::with(pipeline, [&route.program]),
        transform: transform.instance().map_err(started)?,
        route: route.instance().map_err(started)?,
    })
}
