//! Rust: cargo, for wasm32-unknown-unknown.

use super::Pace;
use crate::authoring::project::Project;
use anyhow::{Context, bail};
use millstream_guests::target;
use serde::Deserialize;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// One of cargo's messages (`--message-format json`), as far as it matters.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// Without optimization across crates, and with what is left of the last build.
/// Its files are apart, so that both builds stay warm.
const SOON: [&str; 8] = [
    "--target-dir",
    "target/millstream-dev",
    "--config",
    "profile.release.lto=false",
    "--config",
    "profile.release.codegen-units=16",
    "--config",
    "profile.release.incremental=true",
];

/// Builds with cargo. Its messages go to standard error.
pub(super) fn build(project: &Project, pace: Pace) -> anyhow::Result<PathBuf> {
    target::ensure("rustc".as_ref(), "rustup".as_ref()).map_err(anyhow::Error::msg)?;
    let folder = project.folder.canonicalize();
    let folder = folder.with_context(|| format!("can't open {}", project.folder.display()))?;
    let manifest = folder.join("Cargo.toml");
    let cargo = Command::new("cargo")
        .current_dir(&folder)
        .args(["build", "--release", "--target", target::TARGET])
        .args(match pace {
            Pace::Release => &[][..],
            Pace::Dev => &SOON,
        })
        .args(["--message-format", "json-render-diagnostics"])
        .stdout(Stdio::piped())
        .output();
    let output = match cargo {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            bail!("cargo is not installed: install Rust with rustup, https://rustup.rs")
        }
        Err(error) => return Err(error).context("can't run cargo"),
    };
    if !output.status.success() {
        bail!("cargo could not build it; see its messages above");
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let made = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let own = made.filter(|message| {
        message.reason == "compiler-artifact" && message.manifest_path == manifest
    });
    let mut files = own.flat_map(|message| message.filenames);
    let is_wasm = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "wasm")
    };
    files.find(is_wasm).context(
        "cargo made no .wasm file: Cargo.toml needs `[lib]` with `crate-type = [\"cdylib\", \
         \"rlib\"]`",
    )
}
