//! `plugin test`: fixtures against what is expected of them.

use super::input::PluginArguments;
use crate::authoring::{Bench, Project, bench, build, fixtures};
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
    let (report, passed) = test(&plugin, &folder, arguments.bless).with_context(|| name)?;
    output::lines(report)?;
    match passed {
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

/// Tests a plugin with a folder of fixtures. Returns what to print, and whether
/// all is as expected.
pub(super) fn test(
    plugin: &AnyPlugin,
    folder: &Path,
    bless: bool,
) -> anyhow::Result<(Vec<String>, bool)> {
    let fixtures = fixtures::read(folder, plugin.kind())?;
    if fixtures.is_empty() {
        bail!(
            "there are no fixtures in {0}: write records to {0}/NAME.jsonl, as `millstream \
             consume --format json` prints them",
            folder.display()
        );
    }
    let (mut report, mut records, mut differ) = (Vec::new(), 0, 0);
    for fixture in &fixtures {
        let (actual, _) = bench::run(plugin, &fixture.lines)?;
        records += fixture.lines.len();
        if bless {
            if fixture.bless(&actual)? {
                report.push(format!("wrote {}", fixture.expected_path.display()));
            }
            continue;
        }
        let Some(expected) = &fixture.expected else {
            bail!(
                "{} is missing: look at what the plugin makes of {} with `millstream plugin run`, \
                 then write it with --bless",
                fixture.expected_path.display(),
                fixture.name
            );
        };
        let reports = fixture.compare(expected, &actual);
        differ += reports.len();
        report.extend(reports);
    }
    let own: Vec<_> = fixtures.into_iter().map(|f| (f.name, f.lines)).collect();
    bench::conforms(plugin, &own)?;
    let (records, files) = (
        output::count(records, "record"),
        output::count(own.len(), "file"),
    );
    report.push(match differ {
        0 => format!("{records} in {files}: as expected"),
        n => format!("{records} in {files}: {n} not as expected"),
    });
    Ok((report, differ == 0))
}
