//! Dead-letter topics: a separate thread looks them up, and creates missing ones if
//! the configuration allows it. Topics whose names are known are created before the
//! first letter. No other thread waits for it.

use super::lock::lock;
use super::signal::Signal;
use crate::kafka::producer::Producer;
use crate::log::Short;
use crate::pipeline::commit::produces::Kind;
use crate::pipeline::settings::PipelineSettings;
use crate::pipeline::transform::verdicts::default_topic;
use crate::plugin::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The most topics that a pipeline creates for dead letters, since plugins name them.
const MADE: usize = 16;
/// The most topics that it looks up. A letter for another waits until its topic exists.
const KNOWN: usize = 256;
/// The first and the longest pause between two tries to find or create a topic.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// The dead-letter topics of a pipeline.
#[derive(Default)]
pub(super) struct Topics {
    known: Mutex<BTreeMap<String, Topic>>,
    /// Wakes the thread that looks them up.
    asked: Signal,
    /// That thread may end.
    closed: AtomicBool,
}

/// What is known of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Topic {
    /// To be looked up.
    Asked,
    Making,
    /// Missing, and why it can't be created.
    Missing(String),
    There,
}

impl Topics {
    /// Ends the thread that looks them up.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.asked.ring();
    }

    /// Looks up the topic of a dead letter before Kafka refuses the letter.
    pub fn note(&self, kind: &Kind, topic: &str) {
        if matches!(kind, Kind::DeadLetter(..)) {
            self.want(topic);
        }
    }

    /// Has a topic looked up, and created if it is missing.
    fn want(&self, topic: &str) {
        let mut known = lock(&self.known);
        if known.contains_key(topic) || known.len() >= KNOWN {
            return;
        }
        known.insert(topic.into(), Topic::Asked);
        drop(known);
        self.asked.ring();
    }

    /// Looks up a topic again that Kafka turned out not to have.
    pub fn miss(&self, topic: &str) {
        let mut known = lock(&self.known);
        if let Some(there @ Topic::There) = known.get_mut(topic) {
            *there = Topic::Asked;
            self.asked.ring();
        }
    }

    /// Why a topic can't be written to yet, if known.
    pub fn missing(&self, topic: &str) -> Option<String> {
        let name = Short(topic);
        match lock(&self.known).get(topic)? {
            Topic::There | Topic::Asked => None,
            Topic::Making => Some(format!("topic {name} does not exist; creating it")),
            Topic::Missing(why) => Some(format!("topic {name} does not exist: {why}")),
        }
    }

    fn those(&self, of: impl Fn(&Topic) -> bool) -> Vec<String> {
        let known = lock(&self.known);
        let those = known.iter().filter(|(_, topic)| of(topic));
        those.map(|(name, _)| name.clone()).collect()
    }

    fn set(&self, name: &str, topic: Topic) {
        lock(&self.known).insert(name.into(), topic);
    }
}

/// Looks up and creates topics until the pipeline ends.
pub(super) struct Maker {
    topics: Arc<Topics>,
    settings: PipelineSettings,
    producer: Producer,
    /// Rung when a topic exists, since letters wait for it.
    bells: Vec<Arc<Signal>>,
    made: BTreeSet<String>,
}

impl Maker {
    pub fn new(
        topics: Arc<Topics>,
        settings: PipelineSettings,
        producer: Producer,
        bells: Vec<Arc<Signal>>,
    ) -> Maker {
        Maker {
            topics,
            settings,
            producer,
            bells,
            made: BTreeSet::new(),
        }
    }

    /// Runs until the topics are closed.
    pub fn run(mut self) {
        for topic in expected(&self.settings) {
            self.topics.want(&topic);
        }
        let mut pause = PAUSES.0;
        while !self.topics.closed.load(Ordering::Acquire) {
            let (wait, next) = match self.round() {
                true => (pause, (pause * 2).min(PAUSES.1)),
                false => (PAUSES.1, PAUSES.0),
            };
            pause = next;
            self.topics.asked.wait(Instant::now() + wait);
        }
    }

    /// Tries each missing topic once. Returns whether some are still missing.
    fn round(&mut self) -> bool {
        let absent = self.topics.those(|topic| *topic != Topic::There);
        for name in &absent {
            let before = self.topics.missing(name);
            if let Some(topic) = self.look_for(name) {
                self.topics.set(name, topic);
            }
            let now = self.topics.missing(name);
            if now.is_none() {
                self.bells.iter().for_each(|bell| bell.ring());
            } else if now != before {
                tracing::warn!(pipeline = self.settings.name, "{}", now.unwrap_or_default());
            }
        }
        !self.topics.those(|topic| *topic != Topic::There).is_empty()
    }

    /// The state of a topic; `None` if Kafka does not answer.
    fn look_for(&mut self, name: &str) -> Option<Topic> {
        if self.producer.has_topic(name)? {
            return Some(Topic::There);
        }
        if !self.settings.create_dead_letter_topics {
            let why = format!(
                "create-dead-letter-topics is false; create it with `millstream topic create {name}`"
            );
            return Some(Topic::Missing(why));
        }
        if self.made.len() >= MADE && !self.made.contains(name) {
            let why = format!(
                "the pipeline has created {MADE} topics for dead letters already, the most that it \
                 creates; create it with `millstream topic create`"
            );
            return Some(Topic::Missing(why));
        }
        self.topics.set(name, Topic::Making);
        if let Err(error) = self.producer.create_topic(name) {
            let why = format!("can't create it: {error:#}");
            return Some(Topic::Missing(why));
        }
        if self.made.insert(name.into()) {
            let (pipeline, topic) = (&self.settings.name, name);
            tracing::info!(pipeline, topic, "created a dead-letter topic");
        }
        // Asking makes the producer learn of the topic.
        self.producer.has_topic(name)?.then_some(Topic::There)
    }
}

/// The bundled policies whose configuration names their topic.
const TELLING: [&str; 2] = ["retry-then-topic", "json-envelope"];

/// The topics that a pipeline's letters go to, as far as the configuration tells.
pub fn expected(settings: &PipelineSettings) -> Vec<String> {
    let policy = &settings.plugins.dead_letter;
    let tells = matches!(policy.source, Source::Bundled(name) if TELLING.contains(&name));
    match policy.config.get("topic").and_then(|topic| topic.as_str()) {
        Some(topic) if tells => vec![topic.into()],
        _ => { settings.topics.iter() }
            .map(|topic| default_topic(topic))
            .collect(),
    }
}
