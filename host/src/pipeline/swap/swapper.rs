//! Replaces plugins while the pipeline runs.
//!
//! A thread waits for changes, lets them settle, and compares digests. Changed plugins
//! are loaded in the background. Only when the whole generation may go live is it
//! published with one pointer swap, and workers take it up between two batches. After
//! any failure the old generation keeps running.

use super::generations::{Candidate, file_of, specs};
use super::watched::{LOOK, Refused, Watched};
use crate::pipeline::Pipeline;
use crate::pipeline::settings::PluginSettings;
use crate::plugin::{Change, FolderWatch, Loader};
use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long folders must be quiet before files are read, if the last change may
/// have left a file half written.
const SETTLE: Duration = Duration::from_millis(100);
/// The same if the file that changed last is whole: others may be saved with it.
const SETTLE_WHOLE: Duration = Duration::from_millis(10);
/// The contents of a reloaded configuration.
pub struct Reloaded {
    /// Each pipeline's plugins, by its name.
    pub plugins: HashMap<String, PluginSettings>,
    /// Keys that changed and need a restart.
    pub restart: Vec<String>,
}

impl Reloaded {
    /// The log message. `applied` are the changed plugin
    /// tables.
    pub fn summary(&self, applied: &[String]) -> String {
        let applied = match applied {
            [] => String::new(),
            tables => format!("; applying plugin tables: {}", tables.join(", ")),
        };
        let restart = match &self.restart[..] {
            [] if applied.is_empty() => "; nothing in it changed".into(),
            [] => String::new(),
            keys => {
                let keys = keys.join(", ");
                format!("; only plugin tables apply, these need a restart: {keys}")
            }
        };
        format!("configuration reloaded{applied}{restart}")
    }
}

/// Reads the configuration again.
pub type Reload = Box<dyn Fn() -> anyhow::Result<Reloaded> + Send>;

/// A message to the swapper's thread.
enum Nudge {
    /// Files may have changed.
    Look(Change),
    /// The configuration is to be reloaded.
    Reload,
    /// Makes these plugins of a pipeline live, and answers with the result.
    Use(String, Box<PluginSettings>, SyncSender<Result<(), String>>),
    /// Ends the thread.
    Stop,
}

/// Replaces the pipelines' plugins when their files or their configuration
/// change.
pub struct Swapper {
    nudges: SyncSender<Nudge>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Swapper {
    /// Starts watching. [`Swapper::reload`] calls `reload`.
    ///
    /// # Errors
    /// If the thread can't be started.
    pub fn start(
        pipelines: &[Pipeline],
        loader: Arc<Loader>,
        reload: Option<Reload>,
    ) -> std::io::Result<Swapper> {
        let pipelines = pipelines.iter().map(Watched::new).collect();
        // A lost `Look` is harmless while the channel is full; `Use` must not be lost.
        let (nudges, nudged) = sync_channel(8);
        let nudge = nudges.clone();
        let folders = FolderWatch::new(move |change| match nudge.try_send(Nudge::Look(change)) {
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        });
        let task = Task {
            pipelines,
            loader,
            reload,
            folders,
            nudged,
            stopping: false,
        };
        let thread = std::thread::Builder::new()
            .name("swap".into())
            .spawn(move || task.run())?;
        Ok(Swapper {
            nudges,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Reloads the plugin tables of the configuration.
    pub fn reload(&self) {
        let _ = self.nudges.send(Nudge::Reload);
    }

    /// Makes these plugins of a pipeline live, and waits until they are.
    ///
    /// # Errors
    /// Why they may not go live. The old ones keep running.
    pub fn use_plugins(&self, pipeline: &str, plugins: PluginSettings) -> Result<(), String> {
        let (answer, answered) = sync_channel(1);
        let nudge = Nudge::Use(pipeline.into(), Box::new(plugins), answer);
        let gone = || "the daemon is stopping".to_string();
        self.nudges.send(nudge).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?
    }

    /// Stops watching. Does not wait for a running compiler, which ends with this
    /// process.
    pub fn stop(&self) {
        let longest = Instant::now() + SETTLE * 10;
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(thread) = thread else { return };
        let mut told = false;
        while !thread.is_finished() && Instant::now() < longest {
            // The channel may be full while a plugin is compiled.
            told = told
                || !matches!(
                    self.nudges.try_send(Nudge::Stop),
                    Err(TrySendError::Full(_))
                );
            std::thread::sleep(Duration::from_millis(2));
        }
        if thread.is_finished() {
            let _ = thread.join();
        }
    }
}

struct Task {
    pipelines: Vec<Watched>,
    loader: Arc<Loader>,
    reload: Option<Reload>,
    folders: FolderWatch,
    nudged: Receiver<Nudge>,
    stopping: bool,
}

impl Task {
    fn run(mut self) {
        while !self.stopping {
            let specs = self
                .pipelines
                .iter()
                .flat_map(|watched| specs(&watched.plugins));
            self.folders
                .watch(specs.filter_map(|(_, spec)| file_of(spec)));
            for watched in &mut self.pipelines {
                watched.keep(&self.loader);
            }
            match self.nudged.recv_timeout(LOOK) {
                Ok(Nudge::Look(change)) => {
                    let settled = self.settle(change);
                    self.act(settled);
                    self.look();
                }
                Err(RecvTimeoutError::Timeout) => self.look(),
                Err(RecvTimeoutError::Disconnected) => return,
                Ok(other) => self.act(Some(other)),
            }
        }
    }

    /// Waits until the folders are quiet: editors write in several steps. Returns
    /// what ended the wait, if not the quiet.
    fn settle(&self, mut last: Change) -> Option<Nudge> {
        let longest = Instant::now() + SETTLE * 10;
        while Instant::now() < longest {
            let quiet = match last {
                Change::Whole => SETTLE_WHOLE,
                Change::Other => SETTLE,
            };
            match self.nudged.recv_timeout(quiet) {
                Ok(Nudge::Look(change)) => last = change,
                Ok(other) => return Some(other),
                Err(_) => return None,
            }
        }
        None
    }

    fn act(&mut self, nudge: Option<Nudge>) {
        match nudge {
            Some(Nudge::Reload) => self.reload(),
            Some(Nudge::Use(name, plugins, answer)) => {
                let of = |w: &&mut Watched| w.shared.settings.name == name;
                let result = match self.pipelines.iter_mut().find(of) {
                    Some(watched) => watched.take(&self.loader, *plugins),
                    None => Err(format!("unknown pipeline `{name}`")),
                };
                let _ = answer.send(result);
            }
            Some(Nudge::Stop) => self.stopping = true,
            Some(Nudge::Look(_)) | None => {}
        }
    }

    /// Makes changed files live. A refused one may be half of a save that has come to
    /// this: what counts is what it is after a longer quiet.
    fn look(&mut self) {
        let mut refused = Vec::new();
        for (index, watched) in self.pipelines.iter_mut().enumerate() {
            let plugins = watched.plugins.clone();
            if let Err(Refused::Now(refusal)) = watched.attempt(&self.loader, plugins) {
                refused.push((index, refusal));
            }
        }
        if refused.is_empty() {
            return;
        }
        let settled = self.settle(Change::Other);
        for (index, refusal) in refused {
            let watched = &mut self.pipelines[index];
            // A refusal is logged, and tried again later.
            if Candidate::read(&watched.plugins).fingerprint() == refusal.fingerprint {
                watched.refused(refusal);
            } else {
                let _ = watched.take(&self.loader, watched.plugins.clone());
            }
        }
        self.act(settled);
    }

    fn reload(&mut self) {
        let Some(reload) = &self.reload else { return };
        let mut reloaded = match reload() {
            Ok(reloaded) => reloaded,
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(error, "configuration not reloaded; keeping the running one");
                return;
            }
        };
        let changed = self.pipelines.iter().flat_map(|watched| {
            let new = reloaded.plugins.get(&watched.shared.settings.name);
            new.map(|new| watched.changed(new)).unwrap_or_default()
        });
        let changed: Vec<String> = changed.collect();
        tracing::info!("{}", reloaded.summary(&changed));
        for watched in &mut self.pipelines {
            watched.shared.refuse(None);
            if let Some(plugins) = reloaded.plugins.remove(&watched.shared.settings.name) {
                let _ = watched.take(&self.loader, plugins);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reload_is_logged_in_one_sentence() {
        let keys = |keys: &[&str]| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (applied, restart, says) in [
            (
                &[][..],
                &[][..],
                "configuration reloaded; nothing in it changed",
            ),
            (
                &["a transform"],
                &[],
                "configuration reloaded; applying plugin tables: a transform",
            ),
            (
                &[],
                &["[http] retry", "[tasks]"],
                "configuration reloaded; only plugin tables apply, these need a restart: \
                 [http] retry, [tasks]",
            ),
        ] {
            let reloaded = Reloaded {
                plugins: HashMap::new(),
                restart: keys(restart),
            };
            assert_eq!(reloaded.summary(&keys(applied)), says);
        }
    }
}
