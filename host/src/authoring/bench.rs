//! A plugin on the bench: loaded as by the daemon, run on lines.

use super::outcome::{Outcome, outcomes};
use crate::plugin::conformance;
use crate::plugin::fixture::Line;
use crate::plugin::{
    Answer, AnyPlugin, Capabilities, Case, CaseEvent, Inspection, Limits, Loader, LogLine, Meter,
    Probe, Source, Spec, Usage, default_cache,
};

/// Loads plugins for their author. Compiled code is kept where a daemon keeps it by
/// default, so that neither compiles what the other has.
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
        let loader = Loader::measuring(meter, 16, limits.memory, &default_cache())?;
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
            granted: Capabilities::all(),
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

/// What a plugin made of lines.
pub struct Ran {
    /// The outcomes, in the order of their lines.
    pub outcomes: Vec<Outcome>,
    /// What the plugin logged, as people read it: `warn at record 3: odd total -1`.
    pub logged: Vec<String>,
    /// What the calls used.
    pub usage: Usage,
}

/// Runs a plugin on lines. What it keeps begins empty.
///
/// # Errors
/// If no instance can be made.
pub fn run(plugin: &AnyPlugin, lines: &[Line]) -> anyhow::Result<Ran> {
    let mut probe = Probe::new(plugin)?;
    let cases: Vec<Case> = lines.iter().map(|line| line.case.clone()).collect();
    let answers = probe.run(&cases)?;
    let each = lines.iter().zip(&answers);
    let shown = each.flat_map(|(line, answers)| outcomes(line, answers));
    let logged = probe.lines();
    Ok(Ran {
        outcomes: shown.collect(),
        logged: logged.iter().map(|line| shown_line(line, lines)).collect(),
        usage: probe.usage(),
    })
}

/// A line with the number of its record, if only one has this offset.
fn shown_line(line: &LogLine, lines: &[Line]) -> String {
    let (level, message) = (line.level.name(), &line.message);
    let Some(offset) = line.offset else {
        return format!("{level}: {message}");
    };
    let mut of = lines.iter().filter(|of| of.case.record.offset == offset);
    match (of.next(), of.next()) {
        (Some(of), None) => format!("{level} at record {}: {message}", of.number),
        _ => format!("{level} at offset {offset}: {message}"),
    }
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
    let mut probe = Probe::new(transform)?;
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
