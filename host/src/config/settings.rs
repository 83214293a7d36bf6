//! Valid settings, which the rest of the program relies on.

use super::written::Written;
use crate::auth::{AuthSettings, SecretSettings};
use crate::http::ListenerSettings;
use crate::kafka::KafkaSettings;
use crate::pipeline::{PipelineSettings, Resources};
use crate::schema::RegistrySettings;
use crate::sse::SseSettings;
use crate::store::StoreSettings;
use crate::tasks::TaskSettings;
use anyhow::Context;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The role of a daemon. Roles share only the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Both.
    All,
    /// Runs the pipelines.
    Ingest,
    /// Serves browsers; needs Kafka only for tasks and presence events.
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

/// All settings of a daemon.
pub struct Settings {
    /// How to connect to Kafka; always present where pipelines run.
    pub kafka: Option<KafkaSettings>,
    /// The store for events.
    pub store: StoreSettings,
    /// The listener for browsers.
    pub http: HttpSettings,
    /// How clients authenticate there.
    pub auth: AuthSettings,
    /// The admin listener's address.
    pub admin: SocketAddr,
    /// The token that it requires, if any.
    pub admin_token: Option<SecretSettings>,
    /// The folder for compiled plugins.
    pub cache: PathBuf,
    /// How to reach the schema registry, if it is configured.
    pub registry: Option<RegistrySettings>,
    /// The task gateway, if it is configured.
    pub tasks: Option<TaskSettings>,
    /// The pipelines; at least one in roles that run them.
    pub pipelines: Vec<PipelineSettings>,
    /// The keys and values of the file, as written.
    pub written: Written,
}

impl Settings {
    /// How to connect to Kafka.
    ///
    /// # Errors
    /// When it is not configured.
    pub fn kafka(&self) -> anyhow::Result<&KafkaSettings> {
        let missing = "missing [kafka] table with bootstrap-servers";
        self.kafka.as_ref().context(missing)
    }

    /// The settings that commands on pipelines need.
    ///
    /// # Errors
    /// When Kafka is not configured.
    pub fn resources(&self) -> anyhow::Result<Resources<'_>> {
        Ok(Resources {
            pipelines: &self.pipelines,
            kafka: self.kafka()?,
            store: &self.store,
            cache: &self.cache,
            registry: self.registry.as_ref(),
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
    /// Whether it accepts any host name, also without authentication.
    pub any_name: bool,
}
