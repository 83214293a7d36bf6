//! The daemon that is measured: built from the sources beside this tool, as users build it.

use anyhow::{Context, Result, bail, ensure};
use std::env;
use std::path::Path;
use std::process::Command;

/// Builds it, so that none that is older than its sources is measured.
///
/// # Errors
/// When this is no optimised build, or the daemon can't be built.
pub fn build() -> Result<()> {
    if cfg!(debug_assertions) {
        bail!("figures of an unoptimised build mean nothing: use `cargo run --release`");
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // Its build script's variables are those of this tool.
    let built = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--package", "millstream"])
        .current_dir(root)
        .env_remove("CARGO_MANIFEST_DIR")
        .status()
        .context("can't run cargo")?;
    ensure!(built.success(), "the daemon can't be built");
    Ok(())
}
