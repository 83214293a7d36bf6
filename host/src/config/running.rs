//! The configuration of a running daemon, to compare with a changed file.

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
    /// The settings that the daemon was started with, and their file.
    pub fn new(path: PathBuf, role: Role, settings: &Settings) -> Running {
        let written = settings.written.clone();
        Running {
            path,
            role,
            written,
        }
    }

    /// The settings in the file now, and the changed keys that need a restart.
    ///
    /// # Errors
    /// The first error, with its place.
    pub fn read_again(&self) -> Result<(Settings, Vec<String>), ConfigError> {
        if std::fs::metadata(&self.path).is_ok_and(|found| !found.is_file()) {
            // Reading a FIFO would block every swap.
            return Err(ConfigError::new(&self.path, None, "not a regular file"));
        }
        let settings = super::load(&self.path, self.role)?;
        let restart = settings.written.others_than(&self.written);
        Ok((settings, restart))
    }
}
