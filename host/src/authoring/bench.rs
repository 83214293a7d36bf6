//! A plugin on the bench: loaded as by the daemon, run on lines.

use super::outcome::{Outcome, outcomes};
use crate::plugin::conformance;
use crate::plugin::fixture::Line;
use crate::plugin::{
    Answer, AnyPlugin, Case, CaseEvent, Inspection, Limits, Loader, Meter, Probe, Source, Spec,
    Usage,
};
use std::path::{Path, PathBuf};

/// Loads plugins for their author. Compiled code is kept like the daemon's.
pub struct Bench {
    loader: Loader,
    limits: Limits,
}

impl Bench {
    /// A bench that measures, with the limits of a daemon's default.
    ///
    /// # Errors
    /// If the engine can't be created.
    pub fn new(meter: Meter) -> anyhow::Result<Bench> {
        let limits = Limits::default();
        // A plugin, its rival, and the instances of the tests.
        let loader = Loader::measuring(meter, 16, limits.memory, &cache())?;
        Ok(Bench { loader, limits })
    }

    /// Reads and compiles a plugin's file.
    ///
    /// # Errors
    /// Why it is not a component.
    pub fn inspect(&self, source: &Source) -> anyhow::Result<Inspection> {
        self.loader.inspect(source.read()?)
    }

    /// Starts a plugin.
    ///
    /// # Errors
    /// Why it is not a plugin, or refuses its configuration.
    pub fn start(
        &self,
        source: &Source,
        config: serde_json::Value,
        inspected: &Inspection,
    ) -> anyhow::Result<AnyPlugin> {
        let spec = Spec {
            source: source.clone(),
            config,
            limits: self.limits,
            fixtures: None,
        };
        self.loader.start(&spec, inspected)
    }

    /// Inspects and starts.
    ///
    /// # Errors
    /// As [`Bench::inspect`] and [`Bench::start`].
    pub fn load(&self, source: &Source, config: serde_json::Value) -> anyhow::Result<AnyPlugin> {
        self.start(source, config, &self.inspect(source)?)
    }
}

/// The outcomes of lines, in their order, and what the calls used.
///
/// # Errors
/// If no instance can be made.
pub fn run(plugin: &AnyPlugin, lines: &[Line]) -> anyhow::Result<(Vec<Outcome>, Usage)> {
    let mut probe = Probe::new(plugin).map_err(|error| anyhow::anyhow!("{}", error.message))?;
    let cases: Vec<Case> = lines.iter().map(|line| line.case.clone()).collect();
    let answers = probe.run(&cases)?;
    let each = lines.iter().zip(&answers);
    let shown = each.flat_map(|(line, answers)| outcomes(line, answers));
    Ok((shown.collect(), probe.usage()))
}

/// Tests a plugin as the daemon does before it goes live, and with the author's
/// own lines, each under its file's name.
///
/// # Errors
/// Why it may not go live.
pub fn conforms(plugin: &AnyPlugin, own: &[(String, Vec<Line>)]) -> anyhow::Result<()> {
    conformance::check(plugin, &conformance::standard())?;
    conformance::check_own(plugin, own)
}

/// `transform` first, then `route` on its events: the lines for the route.
///
/// # Errors
/// If no instance can be made.
pub fn events_for_route(transform: &AnyPlugin, lines: &[Line]) -> anyhow::Result<Vec<Line>> {
    let mut probe = Probe::new(transform).map_err(|error| anyhow::anyhow!("{}", error.message))?;
    let cases: Vec<Case> = lines.iter().map(|line| line.case.clone()).collect();
    let mut made = Vec::new();
    for (line, answers) in lines.iter().zip(probe.run(&cases)?) {
        for answer in answers {
            if let Answer::Event(event) = answer {
                let mut case = line.case.clone();
                case.event = CaseEvent {
                    to: event.to,
                    name: event.name,
                    kind: event.kind,
                    payload: event.payload.into_bytes(),
                    connected: line.case.event.connected,
                };
                made.push(Line {
                    number: line.number,
                    case,
                    source: line.source.clone(),
                });
            }
        }
    }
    Ok(made)
}

/// Where compiled plugins are kept for authors: where a daemon keeps them by
/// default.
pub fn cache() -> PathBuf {
    let home = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let base = home("XDG_CACHE_HOME").or_else(|| Some(home("HOME")?.join(".cache")));
    let user = rustix::process::geteuid().as_raw();
    let fallback = || std::env::temp_dir().join(format!("millstream-{user}"));
    base.map_or_else(fallback, |base| base.join("millstream"))
}

/// The source of a plugin as people name it: a file, or `bundled:NAME`.
///
/// # Errors
/// If there is no such bundled plugin.
pub fn source(name: &str) -> Result<Source, String> {
    let Some(bundled) = name.strip_prefix("bundled:") else {
        return Ok(Source::File(Path::new(name).to_path_buf()));
    };
    let mut names = crate::plugin::bundled::names();
    names
        .find(|name| *name == bundled)
        .map(Source::Bundled)
        .ok_or_else(|| {
            let names: Vec<_> = crate::plugin::bundled::names().collect();
            format!(
                "unknown bundled plugin `{bundled}`; one of {}",
                names.join(", ")
            )
        })
}
