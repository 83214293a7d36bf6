//! Builds a project: one function per language. Each returns the file that its
//! tools have just written.

mod rust;

use super::project::{Language, Project};
use anyhow::Context;
use std::fs;
use std::path::{Path, PathBuf};

/// Builds a project and puts the result at its [`Project::artefact`], in one
/// step, so that a daemon never sees half of it. Tools print to standard error.
///
/// # Errors
/// What failed, and what to install where a tool is missing. The file of an
/// earlier build is removed then: it is not what the source says.
pub fn build(project: &Project) -> anyhow::Result<PathBuf> {
    let artefact = project.artefact();
    let built = match project.language {
        Language::Rust => rust::build(project),
    };
    match built.and_then(|built| publish(&built, &artefact)) {
        Ok(()) => Ok(artefact),
        Err(error) => Err(match artefact.exists() {
            true => error.context(format!(
                "the build failed; {} is of an earlier build",
                artefact.display()
            )),
            false => error,
        }),
    }
}

/// Copies a file beside its destination, and renames it.
fn publish(built: &Path, artefact: &Path) -> anyhow::Result<()> {
    let aside = artefact.with_extension("wasm.tmp");
    let folder = artefact.parent().unwrap_or(artefact);
    fs::create_dir_all(folder)
        .and_then(|()| fs::copy(built, &aside))
        .and_then(|_| fs::rename(&aside, artefact))
        .with_context(|| format!("can't copy {} to {}", built.display(), artefact.display()))
}
