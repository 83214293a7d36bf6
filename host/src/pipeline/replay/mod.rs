//! Replays dead letters: through the pipeline's current plugins, or to their topic
//! again.
//!
//! Promises: the pipeline's group gets a letter's record once, however many copies of
//! the letter exist, and however often, concurrently or interrupted it is replayed.
//! The store's marks ensure this (`store/replay.rs`). A dry run does the same work
//! without storing, sending or marking anything. A letter that fails again stays
//! where it is: the dead-letter policy is not asked.
//!
//! This folder deliberately does not know where letters are read from, or how they
//! were chosen.

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
use crate::pipeline::decode::Decoder;
use crate::pipeline::settings::{PipelineSettings, Resources};
use crate::pipeline::transform::encode::Encodings;
use crate::pipeline::transform::grants::Grants;
use crate::plugin::{Loader, RouteInstance, TransformInstance};
use crate::record::Outgoing;
use crate::schema::Registry;
use crate::store::{Mark, Store, Unavailable, Writer};
use anyhow::Context;
use std::collections::{BTreeSet, HashSet};
use std::hash::RandomState;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long the store may be away before a replay gives up. The daemon waits
/// forever, but a command should fail in a reasonable time.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(200);

/// How letters are replayed.
#[derive(Clone, Debug)]
pub struct Rules {
    /// `Some(None)`: to their topic; `Some(Some(_))`: to this topic; `None`: through
    /// the plugins.
    pub to_topic: Option<Option<String>>,
    /// How often a record may be sent to its topic.
    pub max_replays: u32,
    /// Also replays what this may duplicate, and what was sent before.
    pub force: bool,
    /// False for a dry run: nothing is stored, sent or marked.
    pub write: bool,
}

/// The plugins that a replay goes through.
struct Plugins {
    transform: TransformInstance,
    route: RouteInstance,
    grants: Grants,
}

/// A running replay.
pub struct Replayer {
    settings: PipelineSettings,
    kafka: KafkaSettings,
    rules: Rules,
    plugins: Option<Plugins>,
    decoder: Option<Decoder>,
    encodings: Option<Encodings>,
    described: Vec<String>,
    writer: Box<dyn Writer>,
    producer: Option<Producer>,
    report: Report,
    /// The records seen so far, 16 bytes each. Without it the counts would depend on
    /// how letters are split into batches, and a dry run, which marks nothing, would
    /// count differently.
    seen: HashSet<u128>,
    /// Tasks that would have ended by now, in a dry run.
    ended: BTreeSet<Vec<u8>>,
    hashers: [RandomState; 2],
    stop: Arc<AtomicBool>,
}

impl Replayer {
    /// Loads what is needed. Once `stop` is set, it does not wait any more.
    ///
    /// # Errors
    /// If a plugin can't be used, or the store can't be reached.
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
        let registry = resources.registry.map(Registry::start);
        let registry = registry.transpose().context("can't use [registry]")?;
        let limits = (pipeline.record_bytes, pipeline.batch_bytes);
        let decoder = match plugins {
            Some(_) => Decoder::new(&pipeline.decode, registry.as_ref(), limits)?,
            None => None,
        };
        let encodings = match plugins {
            Some(_) => Encodings::new(pipeline, registry.as_ref())?,
            None => None,
        };
        let mut writer = Store::open(resources.store)?.writer();
        // Fails at once for a wrong address. Later outages are waited for.
        { writer.marked(&pipeline.group, Mark::Stored, &["-"]) }.map_err(|e| given_up(&e))?;
        Ok(Replayer {
            settings: pipeline.clone(),
            kafka: resources.kafka.clone(),
            rules,
            plugins,
            decoder,
            encodings,
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

    /// The plugins that it uses, each with its digest.
    pub fn plugins(&self) -> &[String] {
        &self.described
    }

    /// The most letters and bytes for one call of [`Replayer::replay`]. One letter may
    /// exceed the bytes.
    pub fn limits(&self) -> (usize, usize) {
        (self.settings.batch_records, self.settings.batch_bytes)
    }

    /// Replays some letters. Returns how many were processed, not skipped.
    ///
    /// # Errors
    /// If the store or Kafka fails. What was done until then is in the report, and is
    /// not repeated.
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

    /// Asks the store until it answers, for a limited time.
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

    /// Sends records and waits until Kafka has acknowledged them.
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

/// Which of the sent records Kafka has.
struct Delivered {
    /// One answer for each record.
    has: Vec<bool>,
    /// Why some are missing.
    error: Option<anyhow::Error>,
}

impl Delivered {
    fn none(of: usize, error: anyhow::Error) -> Delivered {
        let (has, error) = (vec![false; of], Some(error));
        Delivered { has, error }
    }
}

/// Pauses; false if the deadline has passed or the replay is to stop.
fn goes_on(deadline: Instant, stop: &AtomicBool) -> bool {
    std::thread::sleep(PAUSE);
    Instant::now() < deadline && !stop.load(Ordering::Relaxed)
}

fn given_up(error: &Unavailable) -> anyhow::Error {
    anyhow::anyhow!("the store does not answer ({error}); check [store] url")
}

/// Loads the transform and the route that are configured now.
fn load(
    cache: &Path,
    pipeline: &PipelineSettings,
    described: &mut Vec<String>,
) -> anyhow::Result<Plugins> {
    let specs = [&pipeline.plugins.transform, &pipeline.plugins.route];
    let memory = specs.map(|spec| spec.limits.memory).into_iter().max();
    // One instance of each kind, and those of the conformance tests.
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
        transform: transform.live().map_err(started)?,
        route: route.live().map_err(started)?,
    })
}
