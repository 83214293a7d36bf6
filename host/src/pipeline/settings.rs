//! What a pipeline goes by, and its defaults.

use crate::kafka::KafkaSettings;
use crate::plugin::Spec;
use crate::store::StoreSettings;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What a command needs that works on pipelines from outside of a daemon.
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
}

/// What a pipeline does with events of clients that are away.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Deliver {
    /// Keeps them, as long as retention says.
    #[default]
    Always,
    /// Does not store them.
    WhileConnected,
}

/// Where a pipeline begins in a partition that has no ledger.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum StartAt {
    /// At the oldest record.
    #[default]
    Earliest,
    /// At what comes next.
    Latest,
    /// Where the group's commit in Kafka is, or at the oldest record.
    Committed,
}

/// Where a pipeline begins in a partition whose ledger Redis has lost.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum LostLedger {
    /// Where its own commit in Kafka is.
    #[default]
    Committed,
    /// As if it were new.
    Start,
    /// It halts until `offsets set` says where it continues.
    Halt,
}

/// What a pipeline does where records are gone that it had not read.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum OnLoss {
    /// The partition stops until someone says where it goes on.
    #[default]
    Halt,
    /// It goes on with what is there, and says so.
    Continue,
}

/// What watches over a swap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerSettings {
    /// What it does.
    pub action: BreakerAction,
    /// The share of records that may fail in new plugins, 0 to 1.
    pub max_failures: f64,
    /// How many records it looks at before it judges.
    pub min_records: u64,
    /// After how many it has seen enough.
    pub window: u64,
}

/// What a breaker does when too many records fail after a swap.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum BreakerAction {
    /// Goes back to the plugins from before the swap.
    #[default]
    Previous,
    /// Halts the pipeline until other plugins are saved.
    Halt,
    /// Nothing.
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
    /// All three.
    pub fn all(&self) -> [&Spec; 3] {
        [&self.transform, &self.route, &self.dead_letter]
    }
}

/// One pipeline.
#[derive(Clone, Debug)]
pub struct PipelineSettings {
    /// The file that it is configured in.
    pub file: PathBuf,
    /// Its name, unique.
    pub name: String,
    /// The topics it reads, at least one.
    pub topics: Vec<String>,
    /// The topics that its plugins may write to, beside those that a bundled
    /// plugin's configuration names.
    pub output_topics: Vec<String>,
    /// Its consumer group.
    pub group: String,
    /// Where it begins.
    pub start: StartAt,
    /// What it does when retention or Kafka removed records before it.
    pub lost_records: OnLoss,
    /// What it does when a topic was deleted and made anew.
    pub remade_topic: OnLoss,
    /// What it does when Redis has lost its ledger.
    pub lost_ledger: LostLedger,
    /// What watches over a swap of its plugins.
    pub breaker: BreakerSettings,
    /// Whether its records may be replays, which are stored once.
    pub replays: bool,
    /// Whether it makes topics for dead letters that are not there.
    pub create_dead_letter_topics: bool,
    /// Whether a dead letter that is larger than its topic takes goes without its
    /// value; otherwise its partition waits.
    pub omit_oversize: bool,
    /// Which clients' events it keeps.
    pub deliver: Deliver,
    /// Threads that run plugins; each has another that writes to the store.
    pub workers: usize,
    /// The most records a batch.
    pub batch_records: usize,
    /// The most bytes a batch; one record may go past it.
    pub batch_bytes: usize,
    /// The largest record that plugins are given.
    pub record_bytes: usize,
    /// How often a dead-letter policy may have a record tried.
    pub max_attempts: u32,
    /// The longest delay before it is tried again.
    pub max_delay: Duration,
    /// The statuses that end a task, where there are tasks.
    pub tasks: Option<Arc<[String]>>,
    /// Its plugins.
    pub plugins: PluginSettings,
    /// Whether it starts with the plugins that were live last where those are
    /// refused.
    pub fallback: bool,
}

impl PipelineSettings {
    /// A pipeline that reads these topics in this group, through these plugins:
    /// everything else is the default.
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
            group,
            start: StartAt::default(),
            lost_records: OnLoss::default(),
            remade_topic: OnLoss::default(),
            lost_ledger: LostLedger::default(),
            breaker: BreakerSettings::default(),
            replays: false,
            create_dead_letter_topics: true,
            omit_oversize: true,
            deliver: Deliver::default(),
            workers: cores.min(8),
            batch_records: 512,
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
