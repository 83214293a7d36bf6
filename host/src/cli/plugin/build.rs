//! `plugin build`: a project's .wasm file.

use crate::authoring::{Project, build};
use crate::cli::output;
use clap::Args;
use std::path::PathBuf;
use std::time::Instant;

#[derive(Args)]
pub(in crate::cli) struct BuildArguments {
    /// The project's folder.
    #[arg(default_value = ".")]
    folder: PathBuf,
}

pub(super) fn run(arguments: &BuildArguments) -> anyhow::Result<()> {
    let project = Project::open(&arguments.folder)?;
    let begun = Instant::now();
    let artefact = build::build(&project)?;
    let size = std::fs::metadata(&artefact).map_or(0, |found| found.len());
    Ok(output::line(format_args!(
        "{}: {} KiB, built in {:.1} s",
        artefact.display(),
        size.div_ceil(1024),
        begun.elapsed().as_secs_f64()
    ))?)
}
