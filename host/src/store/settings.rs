//! What a store must be told, already checked.

use std::path::PathBuf;
use std::time::Duration;

/// Where the store is. A URL may hold a password: it has no `Debug`.
#[derive(Clone)]
pub enum StoreUrl {
    /// `redis://` or `rediss://`, parsed.
    Redis(Box<::redis::Client>),
    /// `memory:`
    Memory,
}

impl StoreUrl {
    /// Reads a URL. Contacts nobody.
    ///
    /// # Errors
    /// What is wrong with it, without repeating it: it may hold a password.
    pub fn parse(url: &str) -> Result<StoreUrl, String> {
        if url == "memory:" {
            return Ok(StoreUrl::Memory);
        }
        if !["redis://", "rediss://"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
        {
            return Err("expected redis://host:port, rediss://host:port or memory:".into());
        }
        let client = ::redis::Client::open(url).map_err(|e| format!("the store's URL: {e}"))?;
        Ok(StoreUrl::Redis(Box::new(client)))
    }
}

/// Whom to trust, and who we are, at `rediss://`: PEM files, read when the
/// store is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreTls {
    /// The certificates that vouch for Redis; without it those that the system
    /// trusts.
    pub ca: Option<PathBuf>,
    /// Our certificate and its key, where Redis asks for one.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// How much of a stream is kept. Belongs to the stream, not to a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The most events a stream; the store may keep up to a tenth more.
    pub max_events: u64,
    /// Events older than this go when their stream is next written to.
    pub max_age: Duration,
    /// A stream that nothing was written to for this long goes as a whole.
    pub idle_expiry: Duration,
}

impl Default for Retention {
    fn default() -> Retention {
        const HOUR: Duration = Duration::from_secs(3600);
        Retention {
            max_events: 1000,
            max_age: 24 * HOUR,
            idle_expiry: 72 * HOUR,
        }
    }
}

/// A store's settings.
#[derive(Clone)]
pub struct StoreSettings {
    /// Where it is.
    pub url: StoreUrl,
    /// How TLS to it is other than the system's; of no use without `rediss://`.
    pub tls: Option<StoreTls>,
    /// What every key begins with.
    pub key_prefix: String,
    /// How much is kept.
    pub retention: Retention,
}
