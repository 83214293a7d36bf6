//! Whether the daemon can work, and why not.

use crate::admin::{Condition, Part};
use crate::config::Role;
use crate::pipeline::{Pipeline, gauges};
use crate::process::Pulse;
use crate::sse::Hub;
use crate::store::Store;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often the store is asked whether it answers.
const PING: Duration = Duration::from_secs(2);
/// How long asking it may take before that is said: longer than its time-outs.
const STUCK: Duration = Duration::from_secs(20);

/// What answers why the daemon isn't ready.
pub(super) struct Readiness {
    role: Role,
    pub pipelines: Mutex<Option<Vec<Pipeline>>>,
    store: Mutex<Option<String>>,
    /// The store is being asked.
    asking: Pulse,
}

impl Readiness {
    /// Of a daemon whose pipelines have not started.
    pub fn new(role: Role) -> Readiness {
        Readiness {
            role,
            pipelines: Mutex::default(),
            store: Mutex::default(),
            asking: Pulse::default(),
        }
    }

    pub fn gauges(&self) -> String {
        let pipelines = lock(&self.pipelines);
        gauges::exposition(pipelines.as_deref().unwrap_or_default())
    }

    /// Of all, or of a part; what both parts need counts for each.
    pub fn condition(&self, part: Option<Part>, hub: Option<&Hub>) -> Condition {
        let mut condition = Condition::default();
        let Condition { reasons, warnings } = &mut condition;
        let (ingest, edge) = (part != Some(Part::Edge), part != Some(Part::Ingest));
        match &*lock(&self.pipelines) {
            None => reasons.push("the plugins are not live yet, or the daemon is stopping".into()),
            Some(pipelines) if ingest => {
                reasons.extend(pipelines.iter().flat_map(Pipeline::not_ready));
                warnings.extend(pipelines.iter().filter_map(Pipeline::warning));
            }
            Some(_) => {}
        }
        reasons.extend(part.and_then(|part| self.lacks(part)));
        reasons.extend(lock(&self.store).clone());
        let stuck = self.asking.stuck_for(STUCK);
        reasons.extend(
            stuck.map(|long| format!("the store has not answered for {} s", long.as_secs())),
        );
        if edge {
            reasons.extend(hub.and_then(Hub::not_ready));
        }
        condition
    }

    /// A probe that asks for what this daemon does not do must not be content.
    fn lacks(&self, part: Part) -> Option<String> {
        let has = match part {
            Part::Ingest => self.role.ingests(),
            Part::Edge => self.role.serves(),
        };
        let name = part.name();
        (!has).then(|| format!("this daemon does not run with the role {name}"))
    }
}

pub(super) fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks the store now and then, so that readiness knows before an event does.
pub(super) async fn ping(store: Arc<Store>, readiness: Arc<Readiness>) -> Infallible {
    let mut every = tokio::time::interval(PING);
    loop {
        every.tick().await;
        readiness.asking.beat();
        let answer = store
            .ping()
            .await
            .err()
            .map(|e| format!("the store does not answer: {e}"));
        *lock(&readiness.store) = answer;
    }
}
