//! `[http]`: the listener for browsers.

use super::checker::{Checked, Checker};
use super::origin;
use super::settings::HttpSettings;
use super::values::{self, Bytes, Text, Time};
use crate::http::{ListenerSettings, TlsFiles};
use crate::sse::SseSettings;
use serde::{Deserialize, Deserializer};
use std::time::Duration;
use toml::Spanned;

const DEFAULT: &str = "127.0.0.1:8080";
const MINUTE: u64 = 60;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Http {
    pub listen: Option<Spanned<Text>>,
    #[serde(default)]
    pub allow_unauthenticated: bool,
    pub tls: Option<Tls>,
    #[serde(default, deserialize_with = "origins")]
    pub cors_origins: Vec<Spanned<Text>>,
    pub heartbeat: Option<Spanned<Time>>,
    pub retry: Option<Spanned<Time>>,
    pub write_timeout: Option<Spanned<Time>>,
    pub header_timeout: Option<Spanned<Time>>,
    pub drain: Option<Spanned<Time>>,
    pub max_connections: Option<Spanned<usize>>,
    pub max_connections_per_client: Option<Spanned<usize>>,
    pub max_connections_per_address: Option<Spanned<usize>>,
    pub max_queued: Option<Spanned<Bytes>>,
    pub max_groups: Option<Spanned<usize>>,
    pub presence_topic: Option<Spanned<Text>>,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    rename_all = "kebab-case",
    expecting = "{ certificate = \"...\", key = \"...\" }"
)]
pub(super) struct Tls {
    pub certificate: Text,
    pub key: Text,
}

/// The origins of `cors-origins`.
fn origins<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Spanned<Text>>, D::Error> {
    values::list(
        deserializer,
        "a list, such as [\"https://app.example.com\"]",
    )
}

impl Checker<'_> {
    pub(super) fn http(&self, http: Http) -> Checked<HttpSettings> {
        let s = Duration::from_secs;
        let any = 1..=1_000_000;
        let listener = ListenerSettings::default();
        let sse = SseSettings::default();
        let write = self.time(http.write_timeout, listener.write, s(1)..=s(10 * MINUTE))?;
        let per_address = self.number(http.max_connections_per_address, 0, 0..=1_000_000)?;
        let per_client = http.max_connections_per_client;
        Ok(HttpSettings {
            listen: self.address(http.listen.as_ref(), DEFAULT)?,
            listener: ListenerSettings {
                tls: http.tls.map(|tls| self.tls(&tls)),
                head: self.time(http.header_timeout, listener.head, s(1)..=s(MINUTE))?,
                write,
                connections: match http.max_connections {
                    Some(given) => self.number(Some(given), 0, any.clone())?,
                    None => listener.connections,
                },
                room: listener.room,
            },
            sse: SseSettings {
                heartbeat: self.time(http.heartbeat, sse.heartbeat, s(1)..=s(5 * MINUTE))?,
                retry: self.time(
                    http.retry,
                    sse.retry,
                    Duration::from_millis(100)..=s(MINUTE),
                )?,
                write_timeout: write,
                drain: self.time(http.drain, sse.drain, s(0)..=s(5 * MINUTE))?,
                per_client: self.number(per_client, sse.per_client, any)?,
                per_address: (per_address > 0).then_some(per_address),
                queued: self.bytes(http.max_queued, sse.queued, 1 << 20..=64 << 30)?,
                groups: self.number(http.max_groups, sse.groups, 0..=64)?,
                cors_origins: self.origins(http.cors_origins)?,
                ..sse
            },
            any_name: http.allow_unauthenticated,
            presence_topic: match &http.presence_topic {
                Some(topic) => Some(self.topic(topic)?),
                None => None,
            },
        })
    }

    fn tls(&self, tls: &Tls) -> TlsFiles {
        TlsFiles {
            certificate: self.resolve(&tls.certificate.0),
            key: self.resolve(&tls.key.0),
        }
    }

    fn origins(&self, given: Vec<Spanned<Text>>) -> Checked<Vec<String>> {
        let checked = given.into_iter().map(|origin| {
            let span = origin.span();
            let text = origin.into_inner().0;
            match origin::check(&text) {
                Ok(()) => Ok(text),
                Err(message) => self.error(span, message),
            }
        });
        checked.collect()
    }

    /// Whether only programs on this machine can connect to the listener.
    pub(super) fn is_local(&self, http: &Http) -> Checked<bool> {
        let listen = self.address(http.listen.as_ref(), DEFAULT)?;
        Ok(listen.ip().is_loopback())
    }
}

#[cfg(test)]
mod tests;
