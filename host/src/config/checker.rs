//! Helpers for every check: the file, its errors, and values within their bounds.

use super::error::ConfigError;
use super::settings::Role;
use super::values::{Bytes, Text, Time, shown};
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

pub(super) type Checked<T> = Result<T, ConfigError>;

impl Checker<'_> {
    pub(super) fn error<T>(&self, span: Range<usize>, message: impl Into<String>) -> Checked<T> {
        Err(ConfigError::at(self.path, self.text, span, message.into()))
    }

    pub(super) fn address(
        &self,
        given: Option<&Spanned<Text>>,
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
                    "invalid address `{}`: use 127.0.0.1:8080, localhost:8080 or :8080; other \
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
        given: Option<Spanned<Time>>,
        default: Duration,
        range: std::ops::RangeInclusive<Duration>,
    ) -> Checked<Duration> {
        match given {
            Some(given) if !range.contains(&given.get_ref().0) => {
                let (low, high) = (shown(*range.start()), shown(*range.end()));
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
        given: Option<Spanned<Bytes>>,
        default: usize,
        range: std::ops::RangeInclusive<usize>,
    ) -> Checked<usize> {
        match given {
            Some(given) if !range.contains(&given.get_ref().0) => {
                let (low, high) = (range.start() >> 10, range.end() >> 10);
                self.error(
                    given.span(),
                    format!("expected a size from {low}KiB to {high}KiB"),
                )
            }
            Some(given) => Ok(given.into_inner().0),
            None => Ok(default),
        }
    }

    /// A name for Redis keys and logs. Braces are refused: they would break Redis' hash tags.
    pub(super) fn name_or(
        &self,
        given: Option<&Spanned<Text>>,
        default: &str,
        what: &str,
    ) -> Checked<String> {
        match given {
            Some(given) => self.legal(given, what, b".-_:/"),
            None => Ok(default.into()),
        }
    }

    pub(super) fn topic(&self, given: &Spanned<Text>) -> Checked<String> {
        self.legal(given, "topic", b".-_")
    }

    fn legal(&self, given: &Spanned<Text>, what: &str, also: &[u8]) -> Checked<String> {
        let text = &given.get_ref().0;
        let legal = |b: u8| b.is_ascii_alphanumeric() || also.contains(&b);
        if text.is_empty() || text.len() > 249 || !text.bytes().all(legal) {
            let (shown, also) = (text.escape_debug(), also.escape_ascii());
            let message =
                format!("invalid {what} `{shown}`: use 1 to 249 of A-Z, a-z, 0-9 and `{also}`");
            return self.error(given.span(), message);
        }
        Ok(text.clone())
    }

    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }
}

/// An address to listen at. Without a host it is loopback, so that nothing is open by accident;
/// `localhost` is 127.0.0.1, which every client tries.
pub fn listen_address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.rsplit_once(':')?;
    match host {
        "" => format!("127.0.0.1:{port}").parse().ok(),
        _ if host.eq_ignore_ascii_case("localhost") => format!("127.0.0.1:{port}").parse().ok(),
        _ => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests;
