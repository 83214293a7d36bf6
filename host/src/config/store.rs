//! `[store]`.

use super::checker::{Checked, Checker};
use super::values::{Text, Time};
use crate::store::{self, Login, StoreSettings, StoreUrl};
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Store {
    pub url: Spanned<Text>,
    pub username: Option<Spanned<Text>>,
    pub password: Option<Spanned<Text>>,
    pub tls: Option<Spanned<Certificates>>,
    #[serde(default)]
    pub retention: Retention,
    pub key_prefix: Option<Spanned<Text>>,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    rename_all = "kebab-case",
    expecting = "{ ca = \"...\" }"
)]
/// Certificates for TLS, as other tables have them, too.
pub(super) struct Certificates {
    pub ca: Option<Text>,
    pub certificate: Option<Text>,
    pub key: Option<Text>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Retention {
    pub max_events: Option<Spanned<u64>>,
    pub max_age: Option<Spanned<Time>>,
    pub idle_expiry: Option<Spanned<Time>>,
}

/// The authorities to trust, and a certificate with its key.
type CertificateFiles = (Option<PathBuf>, Option<(PathBuf, PathBuf)>);

impl Checker<'_> {
    pub(super) fn store(&self, store: Store) -> Checked<StoreSettings> {
        let span = store.url.span();
        let login = Login {
            username: self.of_login("username", store.username)?,
            password: self.of_login("password", store.password)?,
        };
        let url = match StoreUrl::with_login(&store.url.get_ref().0, login) {
            Ok(url) => url,
            Err(message) => return self.error(span, message),
        };
        let key_prefix = self.name_or(store.key_prefix.as_ref(), "millstream", "key-prefix")?;
        let tls = store.tls.map(|tls| self.store_tls(&store.url, tls));
        Ok(StoreSettings {
            url,
            tls: tls.transpose()?,
            key_prefix,
            retention: self.retention(store.retention)?,
        })
    }

    /// Refuses an empty value, such as an environment variable that is set to nothing.
    pub(super) fn of_login(
        &self,
        key: &str,
        given: Option<Spanned<Text>>,
    ) -> Checked<Option<String>> {
        match given {
            Some(given) if given.get_ref().0.is_empty() => {
                self.error(given.span(), format!("`{key}` is empty"))
            }
            given => Ok(given.map(|given| given.into_inner().0)),
        }
    }

    fn retention(&self, given: Retention) -> Checked<store::Retention> {
        let default = store::Retention::default();
        let time = |given: Option<Spanned<Time>>, default| match given {
            Some(time) if time.get_ref().0 < Duration::from_secs(1) => {
                self.error(time.span(), "expected at least 1s")
            }
            Some(time) => Ok(time.into_inner().0),
            None => Ok(default),
        };
        Ok(store::Retention {
            max_events: self.number(given.max_events, default.max_events, 1..=10_000_000)?,
            max_age: time(given.max_age, default.max_age)?,
            idle_expiry: time(given.idle_expiry, default.idle_expiry)?,
        })
    }

    fn store_tls(
        &self,
        url: &Spanned<Text>,
        tls: Spanned<Certificates>,
    ) -> Checked<store::StoreTls> {
        if !url.get_ref().0.starts_with("rediss://") {
            return self.error(tls.span(), "TLS needs a url that begins with rediss://");
        }
        let (ca, client) = self.certificates(tls)?;
        Ok(store::StoreTls { ca, client })
    }

    /// The authorities to trust, and our own certificate with its key.
    pub(super) fn certificates(&self, tls: Spanned<Certificates>) -> Checked<CertificateFiles> {
        let span = tls.span();
        let Certificates {
            ca,
            certificate,
            key,
        } = tls.into_inner();
        let resolve = |path: Text| self.resolve(&path.0);
        let client = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((resolve(certificate), resolve(key))),
            (None, None) => None,
            (Some(_), None) => return self.error(span, "`certificate` needs its `key`"),
            (None, Some(_)) => return self.error(span, "`key` needs its `certificate`"),
        };
        Ok((ca.map(resolve), client))
    }
}

#[cfg(test)]
mod tests;
