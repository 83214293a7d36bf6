//! The checks of `[store]`.

use super::check::{Checked, Checker};
use super::{file, values};
use crate::store::{Retention, StoreSettings, StoreTls, StoreUrl};
use std::time::Duration;
use toml::Spanned;

impl Checker<'_> {
    pub(super) fn store(&self, store: file::Store) -> Checked<StoreSettings> {
        let span = store.url.span();
        let url = match StoreUrl::parse(&store.url.get_ref().0) {
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

    fn store_tls(
        &self,
        url: &Spanned<values::Text>,
        tls: Spanned<file::StoreTls>,
    ) -> Checked<StoreTls> {
        let span = tls.span();
        let file::StoreTls {
            ca,
            certificate,
            key,
        } = tls.into_inner();
        if !url.get_ref().0.starts_with("rediss://") {
            return self.error(span, "TLS needs a url that begins with rediss://");
        }
        let resolve = |path: values::Text| self.resolve(&path.0);
        let client = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((resolve(certificate), resolve(key))),
            (None, None) => None,
            (Some(_), None) => return self.error(span, "`certificate` needs its `key`"),
            (None, Some(_)) => return self.error(span, "`key` needs its `certificate`"),
        };
        let ca = ca.map(resolve);
        Ok(StoreTls { ca, client })
    }
}
