//! The configuration: from the text of a file to valid settings.
//!
//! Two kinds of types, as in ripgrep: `file` and a file for each table define the
//! TOML and its checks; `settings` is what the rest of the program relies on.
//! Only the file itself is read: no port is bound and no broker is contacted. An
//! error names the file, the line, what was expected, and the nearest valid name.

mod admin;
mod auth;
mod checker;
mod decode;
mod encode;
mod error;
mod file;
mod grants;
mod http;
mod kafka;
mod origin;
mod pipeline;
mod plugin;
mod plugins;
mod registry;
mod running;
mod settings;
mod store;
mod tasks;
mod values;
mod written;

pub use checker::listen_address;
pub use error::{ConfigError, nearest};
pub use plugin::bundled;
pub use running::Running;
pub use settings::{HttpSettings, Role, Settings};
pub use written::Written;

use crate::kafka::KafkaSettings;
use crate::schema::RegistrySettings;
use serde::de::DeserializeOwned;
use std::path::Path;

/// Reads and checks a configuration file for a daemon of this role.
///
/// # Errors
/// The first error, with its place.
pub fn load(path: &Path, role: Role) -> Result<Settings, ConfigError> {
    parse(path, &read(path)?, role)
}

/// Reads only the `[kafka]` table, for tools that need nothing else. The rest may
/// be missing, invalid, or need variables that are not set.
///
/// # Errors
/// The first error in the table, with its place.
pub fn load_kafka(path: &Path) -> Result<KafkaSettings, ConfigError> {
    load_only(path, file::check_kafka)
}

/// Reads only the `[registry]` table, as [`load_kafka`] does with `[kafka]`.
///
/// # Errors
/// The first error in the table, with its place.
pub fn load_registry(path: &Path) -> Result<RegistrySettings, ConfigError> {
    load_only(path, file::check_registry)
}

/// Reads a part of a file.
fn load_only<F: DeserializeOwned, T>(
    path: &Path,
    check: fn(&Path, &str, F) -> Result<T, ConfigError>,
) -> Result<T, ConfigError> {
    let text = read(path)?;
    let file = values::from_str(&text).map_err(|e| error::of_toml(path, &text, &e))?;
    check(path, &text, file)
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
        .map_err(|e| ConfigError::new(path, None, format!("can't read the configuration: {e}")))
}

/// Checks the text of a configuration; `path` is for messages, and its folder is
/// the base of relative paths in the text.
///
/// # Errors
/// The first error, with its place.
pub fn parse(path: &Path, text: &str, role: Role) -> Result<Settings, ConfigError> {
    let file: file::File = values::from_str(text).map_err(|e| error::of_toml(path, text, &e))?;
    let mut settings = file::check(path, text, file, role)?;
    settings.written = Written::of(text);
    Ok(settings)
}

#[cfg(test)]
mod anything;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
