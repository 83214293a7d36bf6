//! Settings that are valid, and the checks that make them so.

use super::error::{ConfigError, nearest};
use super::{file, values};
use crate::ingest::KafkaSettings;
use crate::plugin::{self, Limits, Source, Spec};
use crate::store::{Retention, StoreSettings, StoreUrl};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Spanned;

/// Everything the daemon needs to know.
pub struct Settings {
    /// How to reach Kafka.
    pub kafka: KafkaSettings,
    /// Where events are kept.
    pub store: StoreSettings,
    /// The listener for browsers.
    pub http: HttpSettings,
    /// The admin listener's address.
    pub admin: SocketAddr,
    /// Where compiled plugins are kept.
    pub cache: PathBuf,
    /// The pipelines, at least one.
    pub pipelines: Vec<PipelineSettings>,
}

/// The listener for browsers.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Its address.
    pub listen: SocketAddr,
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

/// One pipeline.
#[derive(Clone, Debug)]
pub struct PipelineSettings {
    /// Its name, unique.
    pub name: String,
    /// The topics it reads, at least one.
    pub topics: Vec<String>,
    /// Its consumer group.
    pub group: String,
    /// Where it begins.
    pub start: StartAt,
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
    /// Its plugins.
    pub plugins: PluginSettings,
}

/// The file being checked: its name and text, for messages.
struct Checker<'a> {
    path: &'a Path,
    text: &'a str,
}

pub(super) fn check(path: &Path, text: &str, file: file::File) -> Result<Settings, ConfigError> {
    Checker { path, text }.settings(file)
}

type Checked<T> = Result<T, ConfigError>;

impl Checker<'_> {
    fn error<T>(&self, span: Range<usize>, message: impl Into<String>) -> Checked<T> {
        Err(ConfigError::at(self.path, self.text, span, message.into()))
    }

    fn settings(&self, file: file::File) -> Checked<Settings> {
        let group = file.kafka.group_id.as_ref();
        let group = self.name_or(group, "millstream", "group-id")?;
        let pipelines = self.pipelines(file.pipeline, &group)?;
        Ok(Settings {
            kafka: self.kafka(file.kafka)?,
            store: self.store(file.store)?,
            http: self.http(&file.http)?,
            admin: self.address(file.admin.listen.as_ref(), "127.0.0.1:9090")?,
            cache: file
                .plugins
                .cache
                .map_or_else(default_cache, |cache| self.resolve(&cache.0)),
            pipelines,
        })
    }

    fn kafka(&self, kafka: file::Kafka) -> Checked<KafkaSettings> {
        let servers = &kafka.bootstrap_servers;
        let well_formed = |server: &str| {
            server.trim().rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
            })
        };
        if !servers.get_ref().0.split(',').all(well_formed) {
            return self.error(
                servers.span(),
                "expected host:port, or several with commas between",
            );
        }
        let spans: HashMap<String, Range<usize>> = kafka
            .properties
            .keys()
            .map(|key| (key.get_ref().clone(), key.span()))
            .collect();
        let properties = kafka
            .properties
            .into_iter()
            .map(|(k, v)| (k.into_inner(), v.0))
            .collect();
        let bootstrap_servers = kafka.bootstrap_servers.into_inner().0;
        let settings = KafkaSettings {
            bootstrap_servers,
            properties,
        };
        match settings.check() {
            Ok(()) => Ok(settings),
            Err(error) => {
                let span = spans.get(&error.property).cloned().unwrap_or_default();
                self.error(span, format!("[kafka.properties] {error}"))
            }
        }
    }

    fn store(&self, store: file::Store) -> Checked<StoreSettings> {
        let span = store.url.span();
        let url = match StoreUrl::parse(&store.url.get_ref().0) {
            Ok(url) => url,
            Err(message) => return self.error(span, message),
        };
        let key_prefix = self.name_or(store.key_prefix.as_ref(), "millstream", "key-prefix")?;
        Ok(StoreSettings {
            url,
            key_prefix,
            retention: self.retention(store.retention)?,
        })
    }

    fn retention(&self, given: file::Retention) -> Checked<Retention> {
        let default = Retention::default();
        let time = |given: Option<Spanned<values::Time>>, default| match given {
            Some(time) if time.get_ref().0 < Duration::from_secs(1) => {
                self.error(time.span(), "expected at least 1s")
            }
            Some(time) => Ok(time.into_inner().0),
            None => Ok(default),
        };
        Ok(Retention {
            max_events: self.number(given.max_events, default.max_events, 1..=10_000_000)?,
            max_age: time(given.max_age, default.max_age)?,
            idle_expiry: time(given.idle_expiry, default.idle_expiry)?,
        })
    }

    fn http(&self, http: &file::Http) -> Checked<HttpSettings> {
        let listen = self.address(http.listen.as_ref(), "127.0.0.1:8080")?;
        if !listen.ip().is_loopback() && !http.allow_unauthenticated {
            let span = http.listen.as_ref().map(Spanned::span).unwrap_or_default();
            return self.error(
                span,
                "whoever reaches this address could read any client's events, since there is no \
                 authentication: listen on 127.0.0.1 behind a gateway that checks who asks, or \
                 set allow-unauthenticated = true",
            );
        }
        Ok(HttpSettings { listen })
    }

    fn address(&self, given: Option<&Spanned<values::Text>>, default: &str) -> Checked<SocketAddr> {
        let (text, span) = match given {
            Some(given) => (given.get_ref().0.as_str(), given.span()),
            None => (default, 0..0),
        };
        match text.parse() {
            Ok(address) => Ok(address),
            Err(_) => self.error(
                span,
                format!("`{text}` is no address: write 127.0.0.1:8080"),
            ),
        }
    }

    fn pipelines(
        &self,
        pipelines: Vec<Spanned<file::Pipeline>>,
        group: &str,
    ) -> Checked<Vec<PipelineSettings>> {
        if pipelines.is_empty() {
            return self.error(
                self.text.len()..self.text.len(),
                "there is no [[pipeline]]: at least one, with a name and topics",
            );
        }
        let mut done: Vec<PipelineSettings> = Vec::new();
        for pipeline in pipelines {
            let span = pipeline.get_ref().name.span();
            let pipeline = self.pipeline(pipeline.into_inner(), group)?;
            if done.iter().any(|other| other.name == pipeline.name) {
                return self.error(
                    span,
                    format!("two pipelines are called `{}`", pipeline.name),
                );
            }
            let shares = |other: &&PipelineSettings| {
                other.group == pipeline.group
                    && other
                        .topics
                        .iter()
                        .any(|topic| pipeline.topics.contains(topic))
            };
            if let Some(other) = done.iter().find(shares) {
                let (a, b) = (&other.name, &pipeline.name);
                let message = format!(
                    "pipelines `{a}` and `{b}` read the same topic in the same group, so each \
                     would get some of its records: give one of them a group-id of its own"
                );
                return self.error(span, message);
            }
            done.push(pipeline);
        }
        Ok(done)
    }

    fn pipeline(&self, given: file::Pipeline, group: &str) -> Checked<PipelineSettings> {
        let topics_span = given.topics.span();
        let topics: Vec<String> = given
            .topics
            .into_inner()
            .into_iter()
            .map(|topic| self.legal(&topic, "topic", |b| matches!(b, b'.' | b'_' | b'-')))
            .collect::<Checked<_>>()?;
        if topics.is_empty() {
            return self.error(topics_span, "expected at least one topic");
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let retry = given.retry;
        Ok(PipelineSettings {
            name: self.name_or(Some(&given.name), "", "name")?,
            topics,
            group: self.name_or(given.group_id.as_ref(), group, "group-id")?,
            start: match given.start {
                file::Start::Earliest => StartAt::Earliest,
                file::Start::Latest => StartAt::Latest,
            },
            deliver: match given.deliver {
                file::Deliver::Always => Deliver::Always,
                file::Deliver::WhileConnected => Deliver::WhileConnected,
            },
            workers: self.number(given.workers, cores.min(8), 1..=64)?,
            batch_records: self.number(given.batch.max_records, 512, 1..=10_000)?,
            batch_bytes: self.bytes(given.batch.max_bytes, 1 << 20, 1 << 10..=16 << 20)?,
            record_bytes: self.bytes(given.batch.max_record_bytes, 8 << 20, 1 << 10..=16 << 20)?,
            max_attempts: self.number(retry.max_attempts, 20, 1..=1_000_000)?,
            max_delay: retry
                .max_delay
                .map_or(Duration::from_secs(60), |t| t.into_inner().0),
            plugins: PluginSettings {
                transform: self.plugin(given.transform, "by-field")?,
                route: self.plugin(given.route, "per-client")?,
                dead_letter: self.plugin(given.dead_letter, "retry-then-topic")?,
            },
        })
    }

    fn plugin(&self, given: Option<Spanned<file::Plugin>>, default: &'static str) -> Checked<Spec> {
        let Some(given) = given.map(Spanned::into_inner) else {
            let (source, config) = (Source::Bundled(default), serde_json::json!({}));
            return Ok(Spec {
                source,
                config,
                limits: Limits::default(),
            });
        };
        let source = self.source(&given.plugin)?;
        let config = match given.config {
            None => serde_json::json!({}),
            Some(config) => {
                let span = config.span();
                match values::to_json(config.into_inner()) {
                    Ok(json @ serde_json::Value::Object(_)) => json,
                    Ok(_) => return self.error(span, "expected a table: config = { ... }"),
                    Err(message) => return self.error(span, message),
                }
            }
        };
        Ok(Spec {
            source,
            config,
            limits: self.limits(given.limits)?,
        })
    }

    fn source(&self, given: &Spanned<values::Text>) -> Checked<Source> {
        let text = &given.get_ref().0;
        let Some(name) = text.strip_prefix("bundled:") else {
            return Ok(Source::File(self.resolve(text)));
        };
        if let Some(bundled) = plugin::bundled::names().find(|bundled| *bundled == name) {
            return Ok(Source::Bundled(bundled));
        }
        let names: Vec<_> = plugin::bundled::names().collect();
        let mut message = format!(
            "no plugin `{name}` is bundled; these are: {}",
            names.join(", ")
        );
        if let Some(nearest) = nearest(name, names.into_iter()) {
            message.push_str(&format!("; did you mean `bundled:{nearest}`?"));
        }
        self.error(given.span(), message)
    }

    fn limits(&self, given: file::Limits) -> Checked<Limits> {
        let default = Limits::default();
        let time = |given: Option<Spanned<values::Time>>, default: Duration| {
            given.map_or(default, |time| time.into_inner().0)
        };
        Ok(Limits {
            memory: self.bytes(given.memory, default.memory, 1 << 20..=plugin::MEMORY_MAX)?,
            cpu_per_batch: time(given.cpu_per_batch, default.cpu_per_batch),
            cpu_per_record: time(given.cpu_per_record, default.cpu_per_record),
            output: self.bytes(given.output, default.output, 1 << 10..=256 << 20)?,
        })
    }

    fn number<T: PartialOrd + std::fmt::Display + Copy>(
        &self,
        given: Option<Spanned<T>>,
        default: T,
        range: std::ops::RangeInclusive<T>,
    ) -> Checked<T> {
        match given {
            Some(given) if !range.contains(given.get_ref()) => {
                let (low, high) = range.into_inner();
                self.error(
                    given.span(),
                    format!("expected a number from {low} to {high}"),
                )
            }
            Some(given) => Ok(given.into_inner()),
            None => Ok(default),
        }
    }

    fn bytes(
        &self,
        given: Option<Spanned<values::Bytes>>,
        default: usize,
        range: std::ops::RangeInclusive<usize>,
    ) -> Checked<usize> {
        match given {
            Some(given) if !range.contains(&given.get_ref().0) => {
                let (low, high) = (range.start() >> 10, range.end() >> 10);
                self.error(given.span(), format!("expected from {low}KiB to {high}KiB"))
            }
            Some(given) => Ok(given.into_inner().0),
            None => Ok(default),
        }
    }

    /// Names that end in keys and logs: braces would break Redis' hash tags.
    fn name_or(
        &self,
        given: Option<&Spanned<values::Text>>,
        default: &str,
        what: &str,
    ) -> Checked<String> {
        match given {
            Some(given) => self.legal(given, what, |b| {
                matches!(b, b'.' | b'_' | b'-' | b':' | b'/')
            }),
            None => Ok(default.into()),
        }
    }

    fn legal(
        &self,
        given: &Spanned<values::Text>,
        what: &str,
        also: impl Fn(u8) -> bool,
    ) -> Checked<String> {
        let text = &given.get_ref().0;
        let legal = |b: u8| b.is_ascii_alphanumeric() || also(b);
        if text.is_empty() || text.len() > 249 || !text.bytes().all(legal) {
            let shown = text.escape_debug();
            let message = format!(
                "`{shown}` is no {what}: 1 to 249 letters, digits, dots, hyphens and underscores"
            );
            return self.error(given.span(), message);
        }
        Ok(text.clone())
    }

    fn resolve(&self, path: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }
}

/// Where machine code is kept unless the configuration says: the user's cache.
fn default_cache() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(home);
    base.unwrap_or_else(std::env::temp_dir).join("millstream")
}
