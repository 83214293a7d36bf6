//! The daemon that is measured: built from the sources beside this tool, as users build it.

use anyhow::{Context, Result, bail, ensure};
use millstream_tests::Daemon;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(clap::Args)]
pub struct Subject {
    /// The daemon to measure instead of the one of these sources
    #[arg(long, global = true, value_name = "FILE", value_parser = existing)]
    daemon: Option<PathBuf>,
}

impl Subject {
    /// Its file; without `--daemon`, it is built first.
    pub fn program(&self) -> Result<PathBuf> {
        match &self.daemon {
            Some(file) => Ok(file.clone()),
            None => build().map(|()| Daemon::program()),
        }
    }
}

/// A file that is there, by its absolute path: a daemon runs in a folder of its own.
pub fn existing(file: &str) -> Result<PathBuf, String> {
    std::fs::canonicalize(file).map_err(|e| e.to_string())
}

/// Builds it, so that none that is older than its sources is measured.
///
/// # Errors
/// If this tool was built without optimisation, or the daemon can't be built.
pub fn build() -> Result<()> {
    optimised()?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--quiet", "--package", "millstream"]);
    build.current_dir(root);
    // Set by the cargo that runs this program. When they change, build scripts of dependencies run
    // again, and half of everything is compiled.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            build.env_remove(&name);
        }
    }
    let built = build.status().context("can't run cargo")?;
    ensure!(built.success(), "the daemon can't be built");
    Ok(())
}

/// # Errors
/// If this tool was built without optimisation.
pub fn optimised() -> Result<()> {
    if cfg!(debug_assertions) {
        bail!("figures of an unoptimised build mean nothing: use `cargo run --release`");
    }
    Ok(())
}
