//! The checks of `[http]`: the listener for browsers.

use super::check::{Checked, Checker};
use super::settings::{HttpSettings, TlsFiles};
use super::{file, origin, values};
use std::time::Duration;
use toml::Spanned;

const DEFAULT: &str = "127.0.0.1:8080";
const MINUTE: u64 = 60;

impl Checker<'_> {
    pub(super) fn http(&self, http: file::Http) -> Checked<HttpSettings> {
        let s = Duration::from_secs;
        let any = 1..=1_000_000;
        let per_address = self.number(http.max_connections_per_address, 0, 0..=1_000_000)?;
        Ok(HttpSettings {
            listen: self.address(http.listen.as_ref(), DEFAULT)?,
            tls: http.tls.map(|tls| self.tls(&tls)),
            cors_origins: self.origins(http.cors_origins)?,
            heartbeat: self.time(http.heartbeat, s(15), s(1)..=s(5 * MINUTE))?,
            retry: self.time(http.retry, s(2), Duration::from_millis(100)..=s(MINUTE))?,
            write_timeout: self.time(http.write_timeout, s(20), s(1)..=s(10 * MINUTE))?,
            header_timeout: self.time(http.header_timeout, s(10), s(1)..=s(MINUTE))?,
            drain: self.time(http.drain, s(3), s(0)..=s(5 * MINUTE))?,
            max_connections: match http.max_connections {
                Some(given) => Some(self.number(Some(given), 0, any.clone())?),
                None => None,
            },
            max_connections_per_client: self.number(http.max_connections_per_client, 32, any)?,
            max_connections_per_address: (per_address > 0).then_some(per_address),
            max_queued: self.bytes(http.max_queued, 256 << 20, 1 << 20..=64 << 30)?,
            max_groups: self.number(http.max_groups, 16, 0..=64)?,
            any_name: http.allow_unauthenticated,
            presence_topic: match &http.presence_topic {
                Some(topic) => Some(self.topic(topic)?),
                None => None,
            },
        })
    }

    fn tls(&self, tls: &file::Tls) -> TlsFiles {
        TlsFiles {
            certificate: self.resolve(&tls.certificate.0),
            key: self.resolve(&tls.key.0),
        }
    }

    fn origins(&self, given: Vec<Spanned<values::Text>>) -> Checked<Vec<String>> {
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

    /// Whether only programs of this machine reach the listener.
    pub(super) fn is_local(&self, http: &file::Http) -> Checked<bool> {
        let listen = self.address(http.listen.as_ref(), DEFAULT)?;
        Ok(listen.ip().is_loopback())
    }
}
