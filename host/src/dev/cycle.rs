//! One cycle: build, test, live.

use super::daemon::Target;
use super::records::Recent;
use super::say::say;
use super::sources::{Change, Sources};
use crate::authoring::build;
use crate::authoring::{Bench, Project, fixtures};
use crate::clock;
use crate::plugin::{AnyPlugin, Meter, Source};
use anyhow::Context;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::watch;

/// How the last cycle ended.
#[derive(Clone, Default)]
pub(super) struct Status {
    /// Counts up from 1; 0 before the first.
    pub cycle: u64,
    /// One line for people.
    pub line: String,
    /// What differs from what is expected, or why it failed.
    pub report: String,
    /// Whether the plugin of this cycle is live.
    pub is_live: bool,
}

/// The plugin that was built last, with its configuration, for the playground.
pub(super) type Shown = Arc<Mutex<Option<AnyPlugin>>>;

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code panics while it holds the lock in the middle of a change.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Builds, tests and swaps.
pub(super) struct Cycle {
    project: Arc<Project>,
    bench: Arc<Bench>,
    sources: Sources,
    target: Arc<Target>,
    recent: Arc<Recent>,
    told: watch::Sender<Status>,
    shown: Shown,
}

/// How long the steps took, as far as they went.
#[derive(Default)]
struct Steps(Vec<String>);

impl Steps {
    fn add(&mut self, what: &str, begun: Instant) {
        let took = begun.elapsed().as_secs_f64();
        self.0.push(format!("{what} {took:.2} s"));
    }
}

impl Cycle {
    /// Nothing is built yet.
    ///
    /// # Errors
    /// If the engine can't be created.
    pub fn new(
        project: &Arc<Project>,
        target: Arc<Target>,
        recent: &Arc<Recent>,
        told: watch::Sender<Status>,
    ) -> anyhow::Result<Cycle> {
        Ok(Cycle {
            project: project.clone(),
            bench: Arc::new(Bench::new(Meter::Time)?),
            sources: Sources::new(&project.folder),
            target,
            recent: recent.clone(),
            told,
            shown: Shown::default(),
        })
    }

    /// Where plugins are loaded.
    pub fn bench(&self) -> Arc<Bench> {
        self.bench.clone()
    }

    /// The plugin that was built last.
    pub fn shown(&self) -> Shown {
        self.shown.clone()
    }

    /// Runs a cycle now and after each change, for ever.
    pub fn run(mut self, runtime: &Handle) {
        let mut change = Change {
            file: "start".into(),
            at: clock::now(),
        };
        for cycle in 1.. {
            let status = self.once(cycle, &change, runtime);
            say(&status.line);
            if !status.report.is_empty() {
                say(&status.report);
            }
            self.told.send_replace(status);
            change = self.sources.wait();
        }
    }

    fn once(&self, cycle: u64, change: &Change, runtime: &Handle) -> Status {
        let mut steps = Steps::default();
        let ended = self.steps(&mut steps, runtime);
        let since = change.at.elapsed().unwrap_or(Duration::ZERO);
        let mut line = format!("{}: ", change.file.display());
        line.push_str(&steps.0.join(", "));
        if !steps.0.is_empty() {
            line.push_str("; ");
        }
        let (is_live, report) = match ended {
            Ok(None) => {
                line.push_str(&format!("live {:.2} s after the save", since.as_secs_f64()));
                (true, String::new())
            }
            Ok(Some(report)) => {
                line.push_str(
                    "not live: not as expected (if it is right: millstream plugin test --bless)",
                );
                (false, report)
            }
            Err(error) => {
                line.push_str("not live");
                (false, format!("{error:#}"))
            }
        };
        Status {
            cycle,
            line,
            report,
            is_live,
        }
    }

    /// Returns what is not as expected, if anything.
    fn steps(&self, steps: &mut Steps, runtime: &Handle) -> anyhow::Result<Option<String>> {
        // The configuration may have changed.
        let project = Project::open(&self.project.folder)?;
        self.recent.read_fixtures();
        let begun = Instant::now();
        let built = build::make(&project)?;
        steps.add("built", begun);
        let begun = Instant::now();
        let source = Source::File(built.clone());
        let inspected = self.bench.inspect(&source)?;
        let plugin = self
            .bench
            .start(&source, project.config.clone(), &inspected)?;
        *lock(&self.shown) = Some(plugin.clone());
        let tested = fixtures::test(&plugin, &project.fixtures(), false)?;
        steps.add("tested", begun);
        if !tested.passed {
            return Ok(Some(tested.report.join("\n")));
        }
        let begun = Instant::now();
        build::publish(&built, &project.artefact())?;
        let swapped = self.target.swap(&project, &inspected.digest, runtime);
        swapped.context("it passed its tests, but the daemon does not run it")?;
        steps.add("swapped", begun);
        Ok(None)
    }
}
