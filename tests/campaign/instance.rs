use crate::versions::Version;
use millstream_tests::{Daemon, Log, Metrics, request};
use std::fs;
use std::path::PathBuf;

const PLUGIN: &str = "plugins/versioned.wasm";

/// Totals of what daemons reported about themselves.
#[derive(Default)]
pub struct Told {
    pub starts: u64,
    /// Transactions aborted because another daemon wrote the ledger. A lower bound: a daemon that
    /// is killed or unreachable no longer reports.
    pub conflicts: f64,
    /// Exits that were unexpected, or with a code other than 0.
    pub bad_ends: Vec<String>,
}

/// One daemon, or its place while it is stopped.
pub struct Instance {
    name: String,
    config: String,
    program: Option<PathBuf>,
    daemon: Option<Daemon>,
    up: bool,
    pub told: Told,
}

impl Instance {
    pub fn new(name: String, config: &str, program: Option<PathBuf>) -> Instance {
        Instance {
            name,
            config: config.to_owned(),
            program,
            daemon: None,
            up: false,
            told: Told::default(),
        }
    }

    /// Starts it: the first time with this version, later with the version that it had last.
    pub fn start(&mut self, (_, wasm): &Version) {
        match &mut self.daemon {
            Some(daemon) => daemon.restart(),
            None => {
                let builder = Daemon::builder(&self.config).program(self.program.as_deref());
                self.daemon = Some(builder.file(PLUGIN, wasm).start());
            }
        }
        self.up = true;
        self.told.starts += 1;
    }

    /// The daemon, if it should be running.
    pub fn running(&self) -> Option<&Daemon> {
        self.daemon.as_ref().filter(|_| self.up)
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.listen();
        self.up = false;
        self.daemon.iter().for_each(Daemon::kill);
    }

    /// SIGTERM. It must exit in time and with 0, even while other servers are broken.
    pub fn terminate(&mut self) {
        self.listen();
        if let Some(daemon) = self.running() {
            let code = daemon.terminate();
            if code != Some(0) {
                let told = format!("{} ended with {code:?} after SIGTERM", self.name);
                self.told.bad_ends.push(told);
            }
        }
        self.up = false;
    }

    /// Adds its metrics to the totals before it exits.
    fn listen(&mut self) {
        self.told.conflicts += self.running().and_then(conflicts).unwrap_or_default();
    }

    /// A daemon never exits by itself. If one did, this reports it and starts it again so that the
    /// campaign continues.
    pub fn look_after(&mut self, version: &Version) {
        if let Some(status) = self.running().and_then(Daemon::exit_status) {
            let told = format!("{} exited by itself: {status}", self.name);
            self.told.bad_ends.push(told);
            self.start(version);
        }
    }

    /// Replaces the version as editors do: writes a file beside it and renames it.
    pub fn swap(&self, (_, wasm): &Version) {
        if let Some(daemon) = &self.daemon {
            let plugin = daemon.dir().join(PLUGIN);
            let aside = plugin.with_extension("new");
            fs::write(&aside, wasm).unwrap();
            fs::rename(&aside, &plugin).unwrap();
        }
    }

    /// The logs of all its runs.
    pub fn logs(&self) -> impl Iterator<Item = (String, &Log)> {
        let logs = self.daemon.iter().flat_map(Daemon::logs).enumerate();
        logs.map(|(run, log)| {
            (
                format!("{}-run-{run}.log", self.name.replace(' ', "-")),
                &**log,
            )
        })
    }

    /// Its readiness text, ready or not.
    pub fn readiness(&self) -> String {
        let answer = self.running().and_then(|daemon| get(daemon, "/readyz"));
        let answer = answer.unwrap_or_else(|| "does not answer, or is not running".into());
        format!("{}: {answer}", self.name)
    }
}

fn conflicts(daemon: &Daemon) -> Option<f64> {
    let metrics = Metrics::parse(&get(daemon, "/metrics")?);
    Some(metrics.sum("millstream_store_conflicts_total", &[]))
}

/// Its answer, if it listens already.
fn get(daemon: &Daemon, path: &str) -> Option<String> {
    if !daemon.log_contains("admin listening on http") {
        return None;
    }
    let answer = request("GET", &daemon.admin(), path, &[], b"").ok()?;
    Some(answer.text())
}
