//! The configuration that a daemon runs with, beside what its file says later.

use super::error::ConfigError;
use super::settings::{Role, Settings};
use super::written::Written;
use std::path::PathBuf;

/// A running daemon's configuration.
pub struct Running {
    path: PathBuf,
    role: Role,
    written: Written,
}

impl Running {
    /// What a daemon was started with: these settings, from this file.
    pub fn new(path: PathBuf, role: Role, settings: &Settings) -> Running {
        let written = settings.written.clone();
        Running {
            path,
            role,
            written,
        }
    }

    /// What the file says now, and which keys of it need a restart.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn read_again(&self) -> Result<(Settings, Vec<String>), ConfigError> {
        if std::fs::metadata(&self.path).is_ok_and(|found| !found.is_file()) {
            // A FIFO would hold up every swap.
            return Err(ConfigError::new(&self.path, None, "not a regular file"));
        }
        let settings = super::load(&self.path, self.role)?;
        let restart = settings.written.others_than(&self.written);
        Ok((settings, restart))
    }
}
