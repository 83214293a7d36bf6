//! Checks the files that a configuration names. `config check` and the start of `run`
//! use the same checks, so they report the same errors. No server is contacted.

use crate::auth::Secret;
use crate::config::{ConfigError, Role, Settings};
use crate::http::Tls;
use crate::pipeline::{self, PipelineSettings, PluginRefused};
use crate::plugin::Loader;
use crate::store::Store;
use std::path::{Path, PathBuf};

/// Checks keys, certificates and the files of Kafka's properties.
///
/// # Errors
/// The first problem, as an error of this configuration.
pub(crate) fn files(settings: &Settings, role: Role, config: &Path) -> anyhow::Result<()> {
    of_config(config, all_files(settings, role))
}

fn all_files(settings: &Settings, role: Role) -> anyhow::Result<()> {
    Store::open(&settings.store)?;
    // An edge that does not use Kafka does not need its certificates.
    let told = settings.tasks.is_some() || settings.http.presence_topic.is_some();
    match &settings.kafka {
        Some(kafka) if role.ingests() || told => kafka.check_files()?,
        _ => {}
    }
    if let Some(token) = &settings.admin_token {
        Secret::check_file(token)?;
    }
    if !role.serves() {
        return Ok(());
    }
    settings.auth.check_files()?;
    match &settings.http.listener.tls {
        Some(files) => Tls::check(files),
        None => Ok(()),
    }
}

/// Loads every plugin as a start does: checks its kind, its configuration, and test records.
///
/// # Errors
/// The plugin that may not go live and why, as an error of this configuration.
pub(crate) fn plugins(settings: &Settings, config: &Path) -> anyhow::Result<()> {
    let cache = CheckCache::of(&settings.cache);
    let loader = loader(&settings.pipelines, cache.folder())?;
    let mut pipelines = settings.pipelines.iter();
    let checked = pipelines.try_for_each(|pipeline| pipeline::check_plugins(&loader, pipeline));
    of_config(config, checked.map_err(anyhow::Error::new))
}

/// A loader with room for these pipelines.
///
/// # Errors
/// If the engine can't be created.
pub(crate) fn loader(pipelines: &[PipelineSettings], cache: &Path) -> anyhow::Result<Loader> {
    // Three generations at once: the one that a busy worker uses, one that it has
    // not taken up yet, and one that is being loaded. Plus the dead-letter instances
    // of the commit workers, and those of the conformance tests.
    let workers: usize = pipelines.iter().map(|pipeline| pipeline.workers).sum();
    let instances = u32::try_from(workers * 12 + 16).unwrap_or(u32::MAX);
    let specs = pipelines.iter().flat_map(|pipeline| pipeline.plugins.all());
    let memory = specs.map(|spec| spec.limits.memory).max();
    Loader::new(instances, memory.unwrap_or_default(), cache)
}

/// Turns the refusal of a plugin into an error of the configuration that names it.
pub(crate) fn of_plugins(config: &Path, error: anyhow::Error) -> anyhow::Error {
    match error.is::<PluginRefused>() {
        true => of_error(config, &error),
        false => error,
    }
}

fn of_config<T>(config: &Path, result: anyhow::Result<T>) -> anyhow::Result<T> {
    result.map_err(|error| of_error(config, &error))
}

fn of_error(config: &Path, error: &anyhow::Error) -> anyhow::Error {
    ConfigError::new(config, None, format!("{error:#}")).into()
}

/// Where a check keeps compiled code: in the daemon's cache if it exists. The check does not create
/// one, since it may run as another user than the daemon, and a cache belongs to one user.
struct CheckCache {
    folder: PathBuf,
    /// The folder is removed when the check is done.
    own: bool,
}

impl CheckCache {
    fn of(cache: &Path) -> CheckCache {
        match cache.is_dir() {
            true => CheckCache {
                folder: cache.into(),
                own: false,
            },
            false => CheckCache {
                folder: std::env::temp_dir()
                    .join(format!("millstream-check-{}", std::process::id())),
                own: true,
            },
        }
    }

    fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for CheckCache {
    fn drop(&mut self) {
        if self.own {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}
