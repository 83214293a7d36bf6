//! The keys that tokens are verified with.

use super::jwks;
use super::key::Key;
use super::settings::{Algorithm, Jwks, KeyFile, SecretEncoding, TokenSettings};
use super::spki;
use crate::fetch::Address;
use crate::files::Content;
use anyhow::{Context, ensure};
use jsonwebtoken::DecodingKey;
use std::path::PathBuf;

/// The most keys. A token without a key id is tried with each key of its
/// algorithm, so one request can cost this many signature checks. More keys are
/// refused.
const MAX: usize = 32;

/// The keys of one source. At least one, except from files if keys are also
/// published.
pub(super) struct Keys(Vec<Key>);

impl Keys {
    /// The files to read, in the order in which [`Keys::read`] expects them.
    pub fn files(settings: &TokenSettings) -> Vec<PathBuf> {
        let keys = settings.keys.iter().map(|key| key.file.clone());
        let set = match &settings.jwks {
            Some(Jwks::File(file)) => Some(file.clone()),
            _ => None,
        };
        keys.chain(set).collect()
    }

    /// The keys in these files.
    ///
    /// # Errors
    /// Names the file and what is wrong with it, without its content.
    pub fn read(settings: &TokenSettings, files: &[Content<'_>]) -> anyhow::Result<Keys> {
        let mut keys = Vec::new();
        for (key, file) in settings.keys.iter().zip(files) {
            let read = read_one(key, &file.bytes);
            keys.push(read.with_context(|| format!("{:?}", file.path))?);
        }
        for file in files.iter().skip(settings.keys.len()) {
            let read = jwks::read(file.path, &file.bytes);
            keys.extend(read.with_context(|| format!("{:?}", file.path))?);
        }
        let published = matches!(settings.jwks, Some(Jwks::Url(_)));
        let any = published || !keys.is_empty();
        ensure!(any, "no key to verify tokens with");
        Keys::few(keys)
    }

    /// The keys in a published set.
    ///
    /// # Errors
    /// Says what is wrong with the set, without its content.
    pub fn published(from: &Address, set: &[u8]) -> anyhow::Result<Keys> {
        Keys::few(jwks::read_published(from, set)?)
    }

    fn few(keys: Vec<Key>) -> anyhow::Result<Keys> {
        let n = keys.len();
        ensure!(
            n <= MAX,
            "{n} keys are configured, but at most {MAX} are allowed"
        );
        Ok(Keys(keys))
    }

    /// Whether a key has this id.
    pub fn has(&self, id: &str) -> bool {
        self.0.iter().any(|key| key.id.as_deref() == Some(id))
    }

    /// The keys for an algorithm.
    pub fn of(&self, algorithm: Algorithm) -> impl Iterator<Item = &Key> {
        self.0.iter().filter(move |key| key.algorithm == algorithm)
    }
}

fn read_one(key: &KeyFile, file: &[u8]) -> anyhow::Result<Key> {
    let decoding = match (key.algorithm, key.encoding) {
        (Algorithm::Hs256, SecretEncoding::Raw) => DecodingKey::from_secret(without_newline(file)),
        (Algorithm::Hs256, SecretEncoding::Base64) => base64(file)?,
        (algorithm, _) => spki::read(algorithm, file)?,
    };
    Key::new(key.id.clone(), key.algorithm, decoding)
}

/// Removes the final newline that editors and `echo` write.
fn without_newline(file: &[u8]) -> &[u8] {
    let file = file.strip_suffix(b"\n").unwrap_or(file);
    file.strip_suffix(b"\r").unwrap_or(file)
}

fn base64(file: &[u8]) -> anyhow::Result<DecodingKey> {
    let text = std::str::from_utf8(file).ok().map(str::trim);
    let key = text.and_then(|text| DecodingKey::from_base64_secret(text).ok());
    // The library's error contains a byte of the secret.
    key.context("the file is not valid base64")
}
