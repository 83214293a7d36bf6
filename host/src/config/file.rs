//! The configuration file: its tables, one source file for each, with the checks
//! that turn them into settings. Unknown keys are errors.

use super::admin::Admin;
use super::auth::Auth;
use super::checker::{Checked, Checker};
use super::error::ConfigError;
use super::grants::Reserved;
use super::http::Http;
use super::kafka::Kafka;
use super::pipeline::{self, Pipeline};
use super::plugins::Plugins;
use super::registry::Registry;
use super::settings::{Role, Settings};
use super::store::Store;
use super::tasks::Tasks;
use super::written::Written;
use crate::kafka::KafkaSettings;
use crate::schema::RegistrySettings;
use serde::Deserialize;
use std::path::Path;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    pub kafka: Option<Kafka>,
    pub store: Store,
    #[serde(default)]
    pub http: Http,
    pub auth: Option<Auth>,
    #[serde(default)]
    pub admin: Admin,
    #[serde(default)]
    pub plugins: Plugins,
    pub tasks: Option<Spanned<Tasks>>,
    pub registry: Option<Registry>,
    #[serde(default, deserialize_with = "pipeline::pipelines")]
    pub pipeline: Vec<Spanned<Pipeline>>,
}

/// A file of which only `[kafka]` is read.
#[derive(Deserialize)]
pub(super) struct OnlyKafka {
    pub kafka: Option<Kafka>,
}

/// A file of which only `[registry]` is read.
#[derive(Deserialize)]
pub(super) struct OnlyRegistry {
    pub registry: Option<Registry>,
}

pub(super) fn check_registry(
    path: &Path,
    text: &str,
    file: OnlyRegistry,
) -> Checked<RegistrySettings> {
    let role = Role::All;
    let checker = Checker { path, text, role };
    match file.registry {
        Some(registry) => checker.registry(registry),
        None => checker.error(
            text.len()..text.len(),
            "missing [registry] table with the url of the schema registry",
        ),
    }
}

pub(super) fn check(
    path: &Path,
    text: &str,
    file: File,
    role: Role,
) -> Result<Settings, ConfigError> {
    Checker { path, text, role }.settings(file)
}

pub(super) fn check_kafka(path: &Path, text: &str, file: OnlyKafka) -> Checked<KafkaSettings> {
    let role = Role::All;
    let checker = Checker { path, text, role };
    match file.kafka {
        Some(kafka) => checker.kafka(kafka),
        None => checker.error(
            text.len()..text.len(),
            "missing [kafka] table with bootstrap-servers",
        ),
    }
}

impl Checker<'_> {
    fn settings(&self, file: File) -> Checked<Settings> {
        let group = file
            .kafka
            .as_ref()
            .and_then(|kafka| kafka.group_id.as_ref());
        let group = self.name_or(group, "millstream", "group-id")?;
        self.needs_kafka(&file)?;
        let reserved = Reserved::of(file.tasks.as_ref(), &file.http);
        let tasks = file
            .tasks
            .map(|tasks| self.tasks(tasks.into_inner(), file.registry.is_some()));
        let tasks = tasks.transpose()?;
        let registry = file.registry.map(|registry| self.registry(registry));
        let registry = registry.transpose()?;
        let has_registry = registry.is_some();
        let mut pipelines = self.pipelines(file.pipeline, &group, &reserved, has_registry)?;
        for pipeline in &mut pipelines {
            pipeline.tasks = tasks.as_ref().map(|tasks| tasks.ends.clone());
            pipeline.fallback = file.plugins.fallback;
        }
        Ok(Settings {
            kafka: file.kafka.map(|kafka| self.kafka(kafka)).transpose()?,
            store: self.store(file.store)?,
            auth: self.auth(file.auth, &file.http)?,
            http: self.http(file.http)?,
            admin: self.address(file.admin.listen.as_ref(), "127.0.0.1:9090")?,
            admin_token: self.admin_token(file.admin)?,
            cache: self.cache(file.plugins.cache),
            registry,
            tasks,
            pipelines,
            written: Written::default(),
        })
    }

    /// Checks that `[kafka]` exists where it is needed: for pipelines, and on an
    /// edge for presence events and tasks.
    fn needs_kafka(&self, file: &File) -> Checked<()> {
        if file.kafka.is_some() {
            return Ok(());
        }
        if let (Some(tasks), true) = (&file.tasks, self.role.serves()) {
            let span = tasks.get_ref().request_topic.span();
            let why = "request-topic needs Kafka: add a [kafka] table with bootstrap-servers";
            return self.error(span, why);
        }
        match &file.http.presence_topic {
            Some(topic) if self.role.serves() => self.error(
                topic.span(),
                "presence-topic needs Kafka: add a [kafka] table with bootstrap-servers",
            ),
            _ if self.role.ingests() => self.error(
                self.text.len()..self.text.len(),
                "missing [kafka] table with bootstrap-servers; only `--role edge` works without it",
            ),
            _ => Ok(()),
        }
    }
}
