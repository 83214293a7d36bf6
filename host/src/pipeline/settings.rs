//! The settings of a pipeline, and their defaults.

use crate::kafka::KafkaSettings;
use crate::plugin::{Capability, Spec};
use crate::schema::{EncodeBy, RegistrySettings, SchemaFile, Table};
use crate::store::StoreSettings;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What a command needs to work on pipelines from outside the daemon.
#[derive(Clone, Copy)]
pub struct Resources<'a> {
    /// The pipelines.
    pub pipelines: &'a [PipelineSettings],
    /// How to reach Kafka.
    pub kafka: &'a KafkaSettings,
    /// How to reach the store.
    pub store: &'a StoreSettings,
    /// Where compiled plugins are kept.
    pub cache: &'a Path,
    /// How to reach the schema registry, if it is configured.
    pub registry: Option<&'a RegistrySettings>,
}

/// What a pipeline does with events for clients that are not connected.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Deliver {
    /// Stores them, for the configured retention.
    #[default]
    Always,
    /// Does not store them.
    WhileConnected,
}

/// Where a pipeline starts in a partition without a ledger.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum StartAt {
    /// At the oldest record.
    #[default]
    Earliest,
    /// After the newest record.
    Latest,
    /// At the group's committed offset in Kafka, or at the oldest record.
    Committed,
}

/// Where a pipeline starts in a partition whose ledger Redis has lost.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum LostLedger {
    /// At its committed offset in Kafka.
    #[default]
    Committed,
    /// As in a partition without a ledger.
    Start,
    /// It halts until `offsets set` sets the next offset.
    Halt,
}

/// What a pipeline does if records were removed before it read them.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum OnLoss {
    /// The partition halts until `offsets set` sets the next offset.
    #[default]
    Halt,
    /// It continues with the available records, and logs it.
    Continue,
}

/// The breaker that watches new plugins after a swap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerSettings {
    /// What it does when it opens.
    pub action: BreakerAction,
    /// The share of records that may fail in new plugins, 0 to 1.
    pub max_failures: f64,
    /// The fewest records that it judges by.
    pub min_records: u64,
    /// After this many records it stops watching.
    pub window: u64,
}

/// What a breaker does when too many records fail after a swap.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum BreakerAction {
    /// Reverts to the plugins before the swap.
    #[default]
    Previous,
    /// Halts the pipeline until other plugins are saved.
    Halt,
    /// Nothing: the breaker is off.
    Off,
}

impl Default for BreakerSettings {
    fn default() -> BreakerSettings {
        BreakerSettings {
            action: BreakerAction::default(),
            max_failures: 0.5,
            min_records: 100,
            window: 10_000,
        }
    }
}

/// A pipeline's three plugins.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginSettings {
    /// The transform.
    pub transform: Spec,
    /// The route.
    pub route: Spec,
    /// The dead-letter policy.
    pub dead_letter: Spec,
}

impl PluginSettings {
    /// All three plugins.
    pub fn all(&self) -> [&Spec; 3] {
        [&self.transform, &self.route, &self.dead_letter]
    }
}

/// Which keys and values are decoded to JSON before plugins see them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecodeSettings {
    /// How keys are decoded.
    pub key: Option<DecodeBy>,
    /// How values are decoded.
    pub value: Option<DecodeBy>,
    /// How types are written as JSON.
    pub table: Table,
}

/// How a key or value is decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeBy {
    /// By the schema in the registry whose ID it carries.
    Registry,
    /// By the schema in a file.
    File(SchemaFile),
}

/// One pipeline.
#[derive(Clone, Debug)]
pub struct PipelineSettings {
    /// The configuration file.
    pub file: PathBuf,
    /// Its name, unique.
    pub name: String,
    /// The topics it reads, at least one.
    pub topics: Vec<String>,
    /// The topics that its plugins may write to, beside those that the configuration of
    /// a bundled plugin names.
    pub output_topics: Vec<String>,
    /// How the values of routed events are encoded, by topic.
    pub encode: BTreeMap<String, EncodeBy>,
    /// Its consumer group.
    pub group: String,
    /// Where it starts in a partition without a ledger.
    pub start: StartAt,
    /// What it does if records were removed before it read them.
    pub lost_records: OnLoss,
    /// What it does if a topic was deleted and created again.
    pub remade_topic: OnLoss,
    /// What it does if Redis has lost its ledger.
    pub lost_ledger: LostLedger,
    /// Which keys and values are decoded.
    pub decode: DecodeSettings,
    /// The breaker that watches swaps of its plugins.
    pub breaker: BreakerSettings,
    /// Whether its records may be replays, whose events are stored once.
    pub replays: bool,
    /// Whether it creates missing dead-letter topics.
    pub create_dead_letter_topics: bool,
    /// Whether a dead letter that is too large for its topic is sent without its value.
    /// Otherwise its partition waits.
    pub omit_oversize: bool,
    /// Whether it stores events for clients that are not connected.
    pub deliver: Deliver,
    /// Workers: each has a thread that runs plugins and one that writes to the store.
    pub workers: usize,
    /// The most records in a batch. It has fewer where the store is near.
    pub batch_records: usize,
    /// The most bytes in a batch. One record may exceed it.
    pub batch_bytes: usize,
    /// The largest record that plugins get, in bytes.
    pub record_bytes: usize,
    /// How often a record is tried before a retry becomes a dead letter.
    pub max_attempts: u32,
    /// The longest delay before a retry.
    pub max_delay: Duration,
    /// The statuses that end a task, if tasks are configured.
    pub tasks: Option<Arc<[String]>>,
    /// Its plugins.
    pub plugins: PluginSettings,
    /// Whether it starts with the last live plugins if the configured ones are
    /// refused.
    pub fallback: bool,
}

impl PipelineSettings {
    /// Whether its transform may keep state.
    pub fn keeps_state(&self) -> bool {
        self.plugins.transform.granted.has(Capability::Keyvalue)
    }

    /// A pipeline that reads these topics in this group, through these plugins.
    /// Everything else has its default.
    pub fn new(
        name: String,
        topics: Vec<String>,
        group: String,
        plugins: PluginSettings,
    ) -> PipelineSettings {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        PipelineSettings {
            file: PathBuf::new(),
            name,
            topics,
            output_topics: Vec::new(),
            encode: BTreeMap::new(),
            group,
            start: StartAt::default(),
            lost_records: OnLoss::default(),
            remade_topic: OnLoss::default(),
            lost_ledger: LostLedger::default(),
            decode: DecodeSettings::default(),
            breaker: BreakerSettings::default(),
            replays: false,
            create_dead_letter_topics: true,
            omit_oversize: true,
            deliver: Deliver::default(),
            workers: cores.min(8),
            batch_records: 2048,
            batch_bytes: 1 << 20,
            record_bytes: 8 << 20,
            max_attempts: 20,
            max_delay: Duration::from_secs(60),
            tasks: None,
            plugins,
            fallback: false,
        }
    }
}
