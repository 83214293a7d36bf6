//! Whether the daemon is ready, and the reasons if not.

use crate::admin::{Condition, Part};
use crate::config::Role;
use crate::pipeline::{Pipeline, gauges};
use crate::process::Pulse;
use crate::sse::Hub;
use crate::store::Store;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often the store is pinged.
const PING: Duration = Duration::from_secs(2);
/// How long a ping may take before it is a reason: longer than the store's time-outs.
const STUCK: Duration = Duration::from_secs(20);

/// Collects the reasons why the daemon isn't ready.
pub(super) struct Readiness {
    role: Role,
    pub pipelines: Mutex<Option<Vec<Pipeline>>>,
    store: Mutex<Option<String>>,
    /// Beats with each ping of the store.
    asking: Pulse,
}

impl Readiness {
    /// For a daemon whose pipelines have not started.
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

    /// The condition of the daemon, or of one part. What both parts need counts for each.
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

    /// A probe for a role that this daemon does not have must fail.
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

/// Pings the store, so that readiness fails before an event does.
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
