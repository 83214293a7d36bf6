//! Settings that are valid: what everything after the configuration relies on.

use super::written::Written;
use crate::auth::{AuthSettings, SecretSettings};
use crate::http::ListenerSettings;
use crate::kafka::KafkaSettings;
use crate::pipeline::{PipelineSettings, Resources};
use crate::sse::SseSettings;
use crate::store::StoreSettings;
use crate::tasks::TaskSettings;
use anyhow::Context;
use std::net::SocketAddr;
use std::path::PathBuf;

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
        let missing = "missing [kafka] table with bootstrap-servers";
        self.kafka.as_ref().context(missing)
    }

    /// What a command needs of them that works on pipelines.
    ///
    /// # Errors
    /// When Kafka is not configured.
    pub fn resources(&self) -> anyhow::Result<Resources<'_>> {
        Ok(Resources {
            pipelines: &self.pipelines,
            kafka: self.kafka()?,
            store: &self.store,
            cache: &self.cache,
        })
    }
}

/// The listener for browsers.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Its address.
    pub listen: SocketAddr,
    /// How it treats connections.
    pub listener: ListenerSettings,
    /// How it serves streams.
    pub sse: SseSettings,
    /// The Kafka topic that gets presence events.
    pub presence_topic: Option<String>,
    /// Whether it answers requests for any host name, also without
    /// authentication.
    pub any_name: bool,
}
