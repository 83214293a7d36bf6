//! `plugin test`: fixtures against what is expected of them.

use super::input::PluginArguments;
use crate::authoring::{Bench, Project, build, fixtures};
use crate::cli::output;
use crate::plugin::{AnyPlugin, Meter};
use anyhow::{Context, bail};
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub(in crate::cli) struct TestArguments {
    /// The project's folder, whose plugin is built first, or a .wasm file, or bundled:NAME.
    #[arg(default_value = ".")]
    plugin: String,
    /// The plugin's configuration, as JSON or @FILE; without it, the project's.
    #[arg(long, value_name = "JSON")]
    config: Option<String>,
    /// The folder of fixtures: NAME.jsonl with records and NAME.expected.jsonl with what shall
    /// become of them. Without it, `fixtures` in the project.
    #[arg(long, value_name = "FOLDER")]
    fixtures: Option<PathBuf>,
    /// Writes what the plugin makes of the records as what is expected.
    #[arg(long)]
    bless: bool,
}

pub(super) fn run(arguments: &TestArguments) -> anyhow::Result<()> {
    let bench = Bench::new(Meter::Off)?;
    let (plugin, folder) = arguments.subject(&bench)?;
    let name = plugin.program().name.clone();
    let tested = fixtures::test(&plugin, &folder, arguments.bless).with_context(|| name)?;
    output::lines(tested.report)?;
    match tested.passed {
        true => Ok(()),
        false => bail!(
            "the plugin does not do what is expected; if it is right, write that with --bless"
        ),
    }
}

impl TestArguments {
    /// The plugin and the folder of its fixtures.
    fn subject(&self, bench: &Bench) -> anyhow::Result<(AnyPlugin, PathBuf)> {
        let path = Path::new(&self.plugin);
        let is_project = path.is_dir();
        let (file, config, folder) = match is_project {
            true => {
                let project = Project::open(path)?;
                let file = build::build(&project)?.display().to_string();
                (file, project.config.to_string(), project.fixtures())
            }
            false => (self.plugin.clone(), "{}".into(), "fixtures".into()),
        };
        let plugin = PluginArguments {
            plugin: file,
            config: self.config.clone().unwrap_or(config),
        };
        let folder = self.fixtures.clone().unwrap_or(folder);
        Ok((plugin.load(bench)?, folder))
    }
}
