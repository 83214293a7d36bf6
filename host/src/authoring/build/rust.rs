//! Rust: cargo, for wasm32-unknown-unknown.

use super::tool::{self, Tool};
use crate::authoring::project::Project;
use anyhow::{Context, bail};
use millstream_guests::target;
use serde::Deserialize;
use std::path::PathBuf;
use std::process::Stdio;

const CARGO: Tool = Tool {
    program: "cargo",
    install: "cargo is not installed: install Rust with rustup, https://rustup.rs",
};

/// One of cargo's messages (`--message-format json`), as far as it matters.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// Builds with cargo. Its messages go to standard error.
pub(super) fn build(project: &Project) -> anyhow::Result<PathBuf> {
    tool::text(CARGO.command(project).arg("--version"), &CARGO)?;
    target::ensure("rustc".as_ref(), "rustup".as_ref()).map_err(anyhow::Error::msg)?;
    let folder = project.folder.canonicalize();
    let folder = folder.with_context(|| format!("can't open {}", project.folder.display()))?;
    let manifest = folder.join("Cargo.toml");
    let mut cargo = CARGO.command(project);
    cargo
        .args(["build", "--release", "--target", target::TARGET])
        .args(["--message-format", "json-render-diagnostics"])
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    let output = CARGO.started(cargo.output())?;
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
