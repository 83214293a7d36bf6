//! The configuration: from a file's text to settings that are valid.
//!
//! Two types, as in ripgrep: `file` and a file for each table hold what may
//! stand in the TOML and how it is checked, `settings` what everything after may
//! rely on. Nothing here touches the world but the
//! file itself: no port is bound, no broker asked. An error names the file, the
//! line that is wrong, what was expected, and a valid name that is like it.

mod admin;
mod auth;
mod checker;
mod error;
mod file;
mod grants;
mod http;
mod kafka;
mod origin;
mod pipeline;
mod plugin;
mod plugins;
mod running;
mod settings;
mod store;
mod tasks;
mod values;
mod written;

pub use checker::listen_address;
pub use error::{ConfigError, nearest};
pub use running::Running;
pub use settings::{HttpSettings, Role, Settings};
pub use written::Written;

use crate::kafka::KafkaSettings;
use std::path::Path;

/// Reads and checks a configuration file for a daemon of this role.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn load(path: &Path, role: Role) -> Result<Settings, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| ConfigError::new(path, None, format!("can't read the configuration: {e}")))?;
    parse(path, &text, role)
}

/// Reads the `[kafka]` table alone, for tools that need nothing else: the rest
/// may be missing, wrong, or need variables that are not set.
///
/// # Errors
/// What is wrong with the table, with its place.
pub fn load_kafka(path: &Path) -> Result<KafkaSettings, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| ConfigError::new(path, None, format!("can't read the configuration: {e}")))?;
    let file: file::OnlyKafka =
        values::from_str(&text).map_err(|e| error::of_toml(path, &text, &e))?;
    file::check_kafka(path, &text, file)
}

/// Checks a configuration's text; `path` is for messages and for the paths in
/// it, which are relative to its folder.
///
/// # Errors
/// The first thing that is wrong, with its place.
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
