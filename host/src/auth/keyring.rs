//! All keys: from files, and those that an issuer publishes.

use super::crypto;
use super::key::Key;
use super::keys::Keys;
use super::settings::{Algorithm, Jwks, TokenSettings};
use crate::fetch::{Fetched, Version};
use crate::files::{Watched, read_once};
use anyhow::Context;
use std::sync::Arc;

/// The sources of keys.
pub(super) struct Keyring {
    files: Arc<Watched<Keys>>,
    published: Option<Arc<Fetched<Keys>>>,
}

/// The keys that are in force at one moment.
pub(super) struct Held<'a> {
    files: Arc<Keys>,
    /// `None` until keys were fetched for the first time.
    version: Option<Arc<Version<Keys>>>,
    published: Option<&'a Fetched<Keys>>,
}

const READING: &str = "can't load the keys of [auth]";
const READING_CA: &str = "can't load [auth] jwks-ca";

impl Keyring {
    /// Reads the files, and starts to fetch published keys.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn start(settings: &TokenSettings) -> anyhow::Result<Keyring> {
        let of = settings.clone();
        let files = Watched::start("[auth] keys", Keys::files(settings), move |files| {
            Keys::read(&of, files)
        });
        let files = files.context(READING)?;
        let published = match &settings.jwks {
            Some(Jwks::Url(source)) => {
                let from = source.address.clone();
                let read = move |set: &[u8]| Keys::published(&from, set);
                let fetched = Fetched::start("jwks", source.clone(), read);
                Some(fetched.context(READING_CA)?)
            }
            _ => None,
        };
        Ok(Keyring { files, published })
    }

    /// Checks that [`start`](Keyring::start) would accept the files as they are now.
    ///
    /// # Errors
    /// As [`start`](Keyring::start).
    pub fn check(settings: &TokenSettings) -> anyhow::Result<()> {
        crypto::install();
        let read = read_once(&Keys::files(settings), |files| Keys::read(settings, files));
        read.context(READING)?;
        match &settings.jwks {
            Some(Jwks::Url(source)) => source.check().context(READING_CA),
            _ => Ok(()),
        }
    }

    /// The keys that are in force now.
    pub fn held(&self) -> Held<'_> {
        let published = self.published.as_deref();
        Held {
            files: self.files.current(),
            version: published.and_then(Fetched::current),
            published,
        }
    }
}

impl Held<'_> {
    /// The keys that may have signed a token, by its header. A key with an id is
    /// tried for tokens that name it or no key; a key without an id, for tokens
    /// that name no known key.
    pub fn candidates(&self, algorithm: Algorithm, id: Option<&str>) -> impl Iterator<Item = &Key> {
        let known = id.is_some_and(|id| self.has(id));
        let keys = self.all().flat_map(move |keys| keys.of(algorithm));
        keys.filter(move |key| match (known, id) {
            (true, _) => key.id.as_deref() == id,
            (false, Some(_)) => key.id.is_none(),
            (false, None) => true,
        })
    }

    /// Whether a key has this id.
    pub fn has(&self, id: &str) -> bool {
        self.all().any(|keys| keys.has(id))
    }

    /// Whether an unknown key may still arrive. Starts to fetch published keys if
    /// needed.
    pub fn may_come(&self, name: &[u8]) -> bool {
        match (self.published, &self.version) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(published), Some(version)) => !published.is_missing(name, version),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Keys> {
        let published = self.version.as_deref().map(|version| &*version.made);
        std::iter::once(&*self.files).chain(published)
    }
}
