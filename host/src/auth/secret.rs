//! The admin token: a secret that operators share to call the admin listener.

use super::credentials::Credentials;
use super::refused::Refused;
use super::settings::SecretSettings;
use crate::files::{Content, Watched, read_once};
use anyhow::Context;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// The least length: a shorter secret can be guessed.
const SHORTEST: usize = 16;
const READING: &str = "can't load [admin] token-file";

/// A secret with its current value.
pub enum Secret {
    /// The value in the configuration.
    Given(String),
    /// The value in a file.
    File(Arc<Watched<String>>),
}

impl Secret {
    /// Reads the secret's file, if it is in one. A task reloads it when it changes,
    /// so this must be called inside a tokio runtime.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn start(settings: SecretSettings) -> anyhow::Result<Secret> {
        let path = match settings {
            SecretSettings::Given(secret) => return Ok(Secret::Given(secret)),
            SecretSettings::File(path) => path,
        };
        let watched = Watched::start("[admin] token-file", vec![path], read);
        Ok(Secret::File(watched.context(READING)?))
    }

    /// Checks that the secret can be read now.
    ///
    /// # Errors
    /// As [`Secret::start`].
    pub fn check_file(settings: &SecretSettings) -> anyhow::Result<()> {
        match settings {
            SecretSettings::Given(_) => Ok(()),
            SecretSettings::File(path) => {
                let read = read_once(std::slice::from_ref(path), read);
                read.map(drop).context(READING)
            }
        }
    }

    /// Checks that a text is valid as a secret.
    ///
    /// # Errors
    /// Says what was expected.
    pub fn check_text(text: &str) -> Result<(), &'static str> {
        let fits = text.len() >= SHORTEST && text.bytes().all(|b| b.is_ascii_graphic());
        let expected = "expected a token of at least 16 characters, ASCII without spaces, for \
                        example from `openssl rand -hex 32`";
        fits.then_some(()).ok_or(expected)
    }

    /// Checks that a request has the secret in its `Authorization` header.
    ///
    /// # Errors
    /// 401, with a reason that is safe to show.
    pub fn check(&self, asked: &Credentials<'_>) -> Result<(), Refused> {
        let given = asked.bearer()?.ok_or_else(Refused::no_secret)?;
        let is_it = match self {
            Secret::Given(secret) => is_same(secret, given),
            Secret::File(watched) => is_same(&watched.current(), given),
        };
        match is_it {
            true => Ok(()),
            false => Err(Refused::token("wrong token of [admin]")),
        }
    }
}

/// Compares in constant time: the time of an answer must not show how much of a
/// guess is right.
fn is_same(secret: &str, given: &[u8]) -> bool {
    secret.as_bytes().ct_eq(given).into()
}

fn read(files: &[Content<'_>]) -> anyhow::Result<String> {
    let [file] = files else {
        anyhow::bail!("expected one file");
    };
    let text = std::str::from_utf8(&file.bytes).unwrap_or_default().trim();
    let checked = Secret::check_text(text).map_err(anyhow::Error::msg);
    checked.with_context(|| format!("{}", file.path.display()))?;
    Ok(text.to_owned())
}
