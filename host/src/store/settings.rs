//! The settings of a store, already validated.

use std::path::PathBuf;
use std::time::Duration;

/// The address of the store. A URL may contain a password, so it has no `Debug`.
#[derive(Clone)]
pub enum StoreUrl {
    /// `redis://` or `rediss://`, parsed.
    Redis(Box<::redis::Client>),
    /// `memory:`
    Memory,
}

/// The login for Redis, if the URL has none. May contain a password, so it has no
/// `Debug`.
#[derive(Clone, Default)]
pub struct Login {
    /// The ACL user; `default` if absent.
    pub username: Option<String>,
    /// Its password, not percent-encoded.
    pub password: Option<String>,
}

impl StoreUrl {
    /// Parses a URL that contains everything. Makes no connection.
    ///
    /// # Errors
    /// Why it is invalid, without repeating it, since it may contain a password.
    pub fn parse(url: &str) -> Result<StoreUrl, String> {
        StoreUrl::with_login(url, Login::default())
    }

    /// Parses a URL and combines it with a login. Makes no connection.
    ///
    /// # Errors
    /// Why they are invalid, without repeating them.
    pub fn with_login(url: &str, login: Login) -> Result<StoreUrl, String> {
        if url == "memory:" {
            return match (login.username, login.password) {
                (None, None) => Ok(StoreUrl::Memory),
                _ => Err("memory: takes no username or password: remove them".into()),
            };
        }
        let rest = url
            .strip_prefix("redis://")
            .or(url.strip_prefix("rediss://"));
        let Some(rest) = rest else {
            return Err("expected redis://host:port, rediss://host:port or memory:".into());
        };
        let in_url = userinfo(rest)?.is_some();
        let info: ::redis::ConnectionInfo =
            url.parse().map_err(|e| format!("invalid store URL: {e}"))?;
        let login = join(info.redis_settings(), in_url, login)?;
        let client = ::redis::Client::open(info.set_redis_settings(login))
            .map_err(|e| format!("invalid store URL: {e}"))?;
        Ok(StoreUrl::Redis(Box::new(client)))
    }
}

/// The part before the `@`, if any. A password that is not encoded may end the
/// authority too early: the rest of it would be taken for a database or ignored,
/// and its beginning for the host.
fn userinfo(rest: &str) -> Result<Option<&str>, String> {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    if rest[end..].contains('@') {
        return Err(encoded("/ ? or #"));
    }
    let userinfo = rest[..end].rsplit_once('@').map(|(userinfo, _)| userinfo);
    let percent = userinfo.unwrap_or_default().split('%').skip(1);
    let digits = |part: &str| {
        let digits = part.bytes().take(2).filter(u8::is_ascii_hexdigit);
        digits.count() == 2
    };
    match percent.into_iter().all(digits) {
        true => Ok(userinfo),
        false => Err(encoded("%")),
    }
}

fn encoded(what: &str) -> String {
    format!(
        "the user or password in the url contains {what}, which must be percent-encoded: set \
         `[store] username` and `password` instead, which need no encoding"
    )
}

/// Combines the logins of the URL and of the keys; each part may be given only
/// once.
fn join(
    url: &::redis::RedisConnectionInfo,
    in_url: bool,
    login: Login,
) -> Result<::redis::RedisConnectionInfo, String> {
    let twice = |what: &str| {
        Err(format!(
            "the url contains a {what}, and `{what}` is set too: remove one of them"
        ))
    };
    let mut joined = url.clone();
    match login.username {
        Some(_) if url.username().is_some() => return twice("username"),
        Some(username) => joined = joined.set_username(username),
        None => {}
    }
    match login.password {
        Some(_) if url.password().is_some() => return twice("password"),
        Some(password) => joined = joined.set_password(password),
        None => {}
    }
    match (joined.username(), joined.password()) {
        // Redis can't log in without a password, so the user would not be used.
        (Some(_), None) => Err(
            "a username without a password would connect as `default`: set `[store] password` \
             (any value works for a user with nopass in Redis)"
                .into(),
        ),
        (None, None) if in_url => Err("the password in the url is empty".into()),
        _ => Ok(joined),
    }
}

/// The certificates for `rediss://`: PEM files, read when the store is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreTls {
    /// The CA certificates to trust; without it, the system's.
    pub ca: Option<PathBuf>,
    /// Our certificate and its key, if Redis requires one.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// How much of a stream is kept. It applies to the stream, not to a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The maximum number of events per stream; the store may keep up to a tenth
    /// more.
    pub max_events: u64,
    /// Older events are removed when their stream is next written to.
    pub max_age: Duration,
    /// A stream without writes for this long is removed.
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
    /// Its address.
    pub url: StoreUrl,
    /// Certificates other than the system's; only for `rediss://`.
    pub tls: Option<StoreTls>,
    /// The prefix of every key.
    pub key_prefix: String,
    /// How much of each stream is kept.
    pub retention: Retention,
}

#[cfg(test)]
mod tests;
