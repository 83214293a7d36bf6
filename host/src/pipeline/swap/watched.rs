//! The configured plugins of a pipeline, and how they go live.

use super::generations::{Candidate, Refusal, count_swap, live_fingerprint, programs, specs};
use crate::pipeline::settings::PluginSettings;
use crate::pipeline::{Pipeline, Shared};
use crate::plugin::{Capability, Kept, Loader};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often files are read without a change event.
pub(super) const LOOK: Duration = Duration::from_secs(10);

/// The longest pause before plugins are tried again that failed because of the
/// machine. The first is [`LOOK`].
const LONGEST: Duration = Duration::from_secs(300);

/// Why plugins do not go live.
pub(super) enum Refused {
    /// For this reason, which was logged before.
    Known(String),
    /// For this one.
    Now(Refusal),
}

/// The configured plugins of one pipeline.
pub(super) struct Watched {
    pub shared: Arc<Shared>,
    pub plugins: PluginSettings,
    /// The plugins that are noted on disk as live.
    kept: Option<[Kept; 3]>,
    /// When plugins that failed because of the machine are tried again, and the pause
    /// after that.
    again: Instant,
    pause: Duration,
}

impl Watched {
    pub fn new(pipeline: &Pipeline) -> Watched {
        let shared = pipeline.shared();
        Watched {
            plugins: shared.settings.plugins.clone(),
            shared,
            kept: None,
            pause: LOOK,
            again: Instant::now() + LOOK,
        }
    }

    /// The plugin tables that differ from the running ones.
    pub fn changed(&self, plugins: &PluginSettings) -> Vec<String> {
        let name = &self.shared.settings.name;
        let pairs = specs(plugins).into_iter().zip(specs(&self.plugins));
        let changed = pairs.filter(|((_, new), (_, old))| new != old);
        changed
            .map(|((kind, _), _)| format!("{name} {kind}"))
            .collect()
    }

    /// Makes `plugins` live if they differ from the live ones; logs why they may not.
    pub fn take(&mut self, loader: &Loader, plugins: PluginSettings) -> Result<(), String> {
        self.attempt(loader, plugins).map_err(|why| match why {
            Refused::Known(why) => why,
            Refused::Now(refusal) => self.refused(refusal),
        })
    }

    /// The same, without a word in the log about a refusal.
    pub fn attempt(&mut self, loader: &Loader, plugins: PluginSettings) -> Result<(), Refused> {
        let keeps_state = plugins.transform.granted.has(Capability::Keyvalue);
        if keeps_state && self.shared.settings.replays {
            let why = "the running pipeline has replays = true, which the capability keyvalue \
                       rules out: restart the daemon";
            return Err(Refused::Known(why.into()));
        }
        let candidate = Candidate::read(&plugins);
        self.plugins = plugins;
        let now = candidate.fingerprint();
        let old = self.shared.generation.load_full();
        if now == live_fingerprint(&old) {
            self.shared.refuse(None);
            return Ok(());
        }
        let known = self.shared.refused().filter(|it| it.fingerprint == now);
        if let Some(refusal) = known
            && !(refusal.again && self.again <= Instant::now())
        {
            return Err(Refused::Known(refusal.why));
        }
        let loaded = candidate.load(loader, old.number + 1, Some(&old));
        let swapped = loaded.and_then(|generation| {
            let published = self.shared.publish(generation);
            published.map_err(|error| Refusal {
                fingerprint: now,
                why: format!("{error:#}"),
                again: true,
            })
        });
        swapped.map_err(Refused::Now)?;
        self.pause = LOOK;
        count_swap(&self.shared.settings.name, "done");
        Ok(())
    }

    /// Logs and notes that plugins did not go live. Returns the reason.
    pub fn refused(&mut self, refusal: Refusal) -> String {
        let (name, why) = (&self.shared.settings.name, refusal.why.clone());
        let live = self.shared.generation.load().number;
        tracing::error!(
            pipeline = name,
            "{why}; keeping the current plugins (generation {live})"
        );
        count_swap(name, "refused");
        self.again = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(LONGEST);
        self.shared.refuse(Some(refusal));
        why
    }

    /// Notes on disk which plugins are live, for a start with broken files.
    pub fn keep(&mut self, loader: &Loader) {
        let live = self.shared.generation.load();
        let live = programs(&live).map(|(_, program)| Kept::from(program));
        if self.kept.as_ref() != Some(&live) {
            loader.keep(&self.shared.settings.name, &live);
            self.kept = Some(live);
        }
    }
}
