//! Builds a project: one function per language. Each returns the file that its
//! tools have just written.

mod go;
mod js;
mod python;
mod rust;
mod tool;

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
    match make(project).and_then(|built| publish(&built, &artefact)) {
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

/// Builds a project. Returns the file that the tools of its language wrote.
///
/// # Errors
/// What failed, and what to install where a tool is missing.
pub fn make(project: &Project) -> anyhow::Result<PathBuf> {
    match project.language {
        Language::Rust => rust::build(project),
        Language::Js => js::build(project),
        Language::Python => python::build(project),
        Language::Go => go::build(project),
    }
}

/// Copies a file beside its destination, and renames it.
///
/// # Errors
/// If it can't be copied.
pub fn publish(built: &Path, artefact: &Path) -> anyhow::Result<()> {
    let aside = artefact.with_extension("wasm.tmp");
    let folder = artefact.parent().unwrap_or(artefact);
    fs::create_dir_all(folder)
        .and_then(|()| fs::copy(built, &aside))
        .and_then(|_| fs::rename(&aside, artefact))
        .with_context(|| format!("can't copy {} to {}", built.display(), artefact.display()))
}
