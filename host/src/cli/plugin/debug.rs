//! `plugin debug`: a dead letter as a failing native test.

use super::fetched::letter;
use crate::authoring::{Project, debug};
use crate::cli::capture::failure_of;
use crate::cli::kafka::decode::DecodeArguments;
use crate::cli::kafka::reach::ReachBeside;
use crate::cli::output;
use crate::cli::record_id::{self, RecordId};
use anyhow::bail;
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub(in crate::cli) struct DebugArguments {
    /// The dead letter, named as `dlq list` shows it: `<topic>/<partition>/<offset>`.
    #[arg(value_name = "LETTER", value_parser = record_id::parse)]
    letter: RecordId,
    /// The folder of the plugin's project, a Rust crate.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    project: PathBuf,
    /// The plugin's configuration, as JSON; without it, the project's.
    #[arg(long, value_name = "JSON")]
    config: Option<String>,
    #[command(flatten)]
    decode: DecodeArguments,
    #[command(flatten)]
    reach: ReachBeside,
}

pub(super) fn run(arguments: &DebugArguments) -> anyhow::Result<()> {
    let config = arguments.config()?;
    let letter = letter(&arguments.reach.settings()?, &arguments.letter)?;
    let mut record = letter.source_record();
    if let Some(decode) = arguments.decode.open(None)? {
        decode.hand_over(&mut record);
    }
    let failed = debug::Failed {
        letter: format!("{}/{}", letter.record.origin, letter.record.offset),
        record,
        failure: failure_of(&letter),
        config: &config,
    };
    if letter.stage != "transform" {
        bail!(
            "the record failed in the stage {}, not in the transform: see `millstream dlq show {}`",
            letter.stage,
            failed.letter
        );
    }
    let folder = &arguments.project;
    let path = debug::write(folder, &failed)?;
    let name = debug::test_name(&failed.letter);
    let tried = debug::run(folder, &name)?;
    let (path, program) = (path.display(), tried.program.display());
    let happens = match tried.passed {
        false => "fails, as in the pipeline",
        true => {
            "passes: the plugin takes the record now, or it fails only in WebAssembly (see \
             `plugin run --letter`)"
        }
    };
    Ok(output::lines([
        tried.output.trim().to_owned(),
        String::new(),
        format!("{path}: {happens}. Again: cargo test --test {name}"),
        format!(
            "In a debugger: rust-gdb -ex 'set breakpoint pending on' -ex 'break rust_panic' -ex \
             'rbreak as millstream_plugin::transform::Transform>::transform' -ex run --args \
             {program} --nocapture --test-threads=1"
        ),
    ])?)
}

impl DebugArguments {
    fn config(&self) -> anyhow::Result<serde_json::Value> {
        match &self.config {
            Some(text) => super::input::json_object(text),
            None if self.project.join(crate::authoring::project::FILE).exists() => {
                Ok(Project::open(&self.project)?.config)
            }
            None => Ok(serde_json::json!({})),
        }
    }
}
