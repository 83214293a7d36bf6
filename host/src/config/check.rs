//! The checks that make settings of what stood in the file.

use super::check_grants::Reserved;
use super::error::ConfigError;
use super::running::Written;
use super::settings::{Role, Settings};
use super::{file, values};
use crate::ingest::KafkaSettings;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Spanned;

/// The file being checked: its name and text, for messages.
pub(super) struct Checker<'a> {
    pub(super) path: &'a Path,
    pub text: &'a str,
    pub role: Role,
}

pub(super) fn check(
    path: &Path,
    text: &str,
    file: file::File,
    role: Role,
) -> Result<Settings, ConfigError> {
    Checker { path, text, role }.settings(file)
}

pub(super) fn check_kafka(
    path: &Path,
    text: &str,
    file: file::OnlyKafka,
) -> Checked<KafkaSettings> {
    let role = Role::All;
    let checker = Checker { path, text, role };
    match file.kafka {
        Some(kafka) => checker.kafka(kafka),
        None => checker.error(
            text.len()..text.len(),
            "there is no [kafka] with bootstrap-servers",
        ),
    }
}

pub(super) type Checked<T> = Result<T, ConfigError>;

impl Checker<'_> {
    pub(super) fn error<T>(&self, span: Range<usize>, message: impl Into<String>) -> Checked<T> {
        Err(ConfigError::at(self.path, self.text, span, message.into()))
    }

    fn settings(&self, file: file::File) -> Checked<Settings> {
        let group = file
            .kafka
            .as_ref()
            .and_then(|kafka| kafka.group_id.as_ref());
        let group = self.name_or(group, "millstream", "group-id")?;
        self.needs_kafka(&file)?;
        let reserved = Reserved::of(&file);
        let tasks = file.tasks.map(|tasks| self.tasks(tasks.into_inner()));
        let tasks = tasks.transpose()?;
        let mut pipelines = self.pipelines(file.pipeline, &group, &reserved)?;
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
            cache: file
                .plugins
                .cache
                .map_or_else(default_cache, |cache| self.resolve(&cache.0)),
            tasks,
            pipelines,
            written: Written::default(),
        })
    }

    /// An edge needs no Kafka, unless it tells it who comes and goes, or takes
    /// tasks.
    fn needs_kafka(&self, file: &file::File) -> Checked<()> {
        if file.kafka.is_some() {
            return Ok(());
        }
        if let (Some(tasks), true) = (&file.tasks, self.role.serves()) {
            let span = tasks.get_ref().request_topic.span();
            let why = "request-topic is in Kafka, and there is no [kafka] with bootstrap-servers";
            return self.error(span, why);
        }
        match &file.http.presence_topic {
            Some(topic) if self.role.serves() => self.error(
                topic.span(),
                "presence-topic is in Kafka, and there is no [kafka] with bootstrap-servers",
            ),
            _ if self.role.ingests() => self.error(
                self.text.len()..self.text.len(),
                "there is no [kafka] with bootstrap-servers; only `--role edge` can do without",
            ),
            _ => Ok(()),
        }
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

    pub(super) fn address(
        &self,
        given: Option<&Spanned<values::Text>>,
        default: &str,
    ) -> Checked<SocketAddr> {
        let (text, span) = match given {
            Some(given) => (given.get_ref().0.as_str(), given.span()),
            None => (default, 0..0),
        };
        match listen_address(text) {
            Some(address) => Ok(address),
            None => self.error(
                span,
                format!(
                    "invalid address `{}`: write 127.0.0.1:8080, localhost:8080 or :8080; other \
                     names are not looked up",
                    text.escape_debug()
                ),
            ),
        }
    }

    pub(super) fn number<T: PartialOrd + std::fmt::Display + Copy>(
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

    pub(super) fn time(
        &self,
        given: Option<Spanned<values::Time>>,
        default: Duration,
        range: std::ops::RangeInclusive<Duration>,
    ) -> Checked<Duration> {
        match given {
            Some(given) if !range.contains(&given.get_ref().0) => {
                let (low, high) = (values::shown(*range.start()), values::shown(*range.end()));
                self.error(
                    given.span(),
                    format!("expected a time from {low} to {high}"),
                )
            }
            Some(given) => Ok(given.into_inner().0),
            None => Ok(default),
        }
    }

    pub(super) fn bytes(
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
    pub(super) fn name_or(
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

    pub(super) fn topic(&self, given: &Spanned<values::Text>) -> Checked<String> {
        self.legal(given, "topic", |b| matches!(b, b'.' | b'_' | b'-'))
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

    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }
}

/// An address to listen at. Without a host it is loopback, as all is that nobody asked to be open;
/// `localhost` is 127.0.0.1, which every client tries.
pub fn listen_address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.rsplit_once(':')?;
    match host {
        "" => format!("127.0.0.1:{port}").parse().ok(),
        _ if host.eq_ignore_ascii_case("localhost") => format!("127.0.0.1:{port}").parse().ok(),
        _ => text.parse().ok(),
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
