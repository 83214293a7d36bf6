//! Settings that are valid: what everything after the configuration relies on.

use super::running::Written;
use crate::auth::{AuthSettings, SecretSettings};
use crate::ingest::KafkaSettings;
use crate::plugin::Spec;
use crate::store::StoreSettings;
use crate::tasks::TaskSettings;
use anyhow::Context;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What a daemon does. Roles share nothing but the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Both.
    All,
    /// Runs the pipelines.
    Ingest,
    /// Serves browsers; needs no Kafka.
    Edge,
}

impl Role {
    /// Whether it runs pipelines.
    pub fn ingests(self) -> bool {
        self != Role::Edge
    }

    /// Whether it serves browsers.
    pub fn serves(self) -> bool {
        self != Role::Ingest
    }
}

/// Everything the daemon needs to know.
pub struct Settings {
    /// How to reach Kafka; always there where pipelines run.
    pub kafka: Option<KafkaSettings>,
    /// Where events are kept.
    pub store: StoreSettings,
    /// The listener for browsers.
    pub http: HttpSettings,
    /// How it is known who asks there.
    pub auth: AuthSettings,
    /// The admin listener's address.
    pub admin: SocketAddr,
    /// The token that it asks for.
    pub admin_token: Option<SecretSettings>,
    /// Where compiled plugins are kept.
    pub cache: PathBuf,
    /// The task gateway, where there is one.
    pub tasks: Option<TaskSettings>,
    /// The pipelines, at least one where they run.
    pub pipelines: Vec<PipelineSettings>,
    /// What stood in the file.
    pub written: Written,
}

impl Settings {
    /// How to reach Kafka.
    ///
    /// # Errors
    /// When it is not configured.
    pub fn kafka(&self) -> anyhow::Result<&KafkaSettings> {
        let missing = "there is no [kafka] with bootstrap-servers";
        self.kafka.as_ref().context(missing)
    }
}

/// The listener for browsers.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Its address.
    pub listen: SocketAddr,
    /// Its certificate, where it speaks TLS.
    pub tls: Option<TlsFiles>,
    /// The origins whose pages may read streams with credentials, each as a
    /// browser writes it in `Origin`.
    pub cors_origins: Vec<String>,
    /// How often a quiet stream gets a comment.
    pub heartbeat: Duration,
    /// After how long a browser connects again; jitter comes on top.
    pub retry: Duration,
    /// How long a write may get nowhere.
    pub write_timeout: Duration,
    /// How long a request's head may take.
    pub header_timeout: Duration,
    /// Over how long clients come back, at most, when the daemon stops.
    pub drain: Duration,
    /// The most connections; none: what the limit of descriptors leaves.
    pub max_connections: Option<usize>,
    /// The most connections of one client.
    pub max_connections_per_client: usize,
    /// The most connections of one address; none: any number, since behind a
    /// proxy all come from one.
    pub max_connections_per_address: Option<usize>,
    /// The most bytes that wait for readers, of all connections together.
    pub max_queued: usize,
    /// The most groups that one connection may follow.
    pub max_groups: usize,
    /// The Kafka topic that is told who comes and goes.
    pub presence_topic: Option<String>,
    /// Who need not say who they are may ask by any name of this machine.
    pub any_name: bool,
}

/// A certificate and its key, both in PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate, and those up to the root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// What a pipeline does with events of clients that are away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deliver {
    /// Keeps them, as long as retention says.
    Always,
    /// Does not store them.
    WhileConnected,
}

/// Where a pipeline begins in a partition that has no ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartAt {
    /// At the oldest record.
    Earliest,
    /// At what comes next.
    Latest,
    /// Where the group's commit in Kafka is, or at the oldest record.
    Committed,
}

/// Where a pipeline begins in a partition whose ledger Redis has lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostLedger {
    /// Where its own commit in Kafka is.
    Committed,
    /// As if it were new.
    Start,
    /// It halts until `offsets set` says where it continues.
    Halt,
}

/// What a pipeline does where records are gone that it had not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnLoss {
    /// The partition stops until someone says where it goes on.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerAction {
    /// Goes back to the plugins from before the swap.
    Previous,
    /// Halts the pipeline until other plugins are saved.
    Halt,
    /// Nothing.
    Off,
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
