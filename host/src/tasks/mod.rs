//! The task gateway: accepts tasks over HTTP, hands them to workers through
//! Kafka, and delivers the results to the client that asked.
//!
//! Promises: after a 202 the task is in Kafka, and its results reach its owner.
//! If Kafka does not acknowledge it, the answer is 503, and there is either no
//! task or a whole one: a task that may be in Kafka keeps its owner. A task
//! without an update within its timeout times out, and its owner is told. This
//! folder does not know workers, pipelines or streams: results return through a
//! pipeline like any other record.

mod answers;
mod encode;
mod get;
mod handler;
mod in_flight;
mod post;
mod settings;
mod take;
mod trace;

pub use handler::{TASKS, TaskHandler};
pub use settings::TaskSettings;

use crate::store::Store;
use metrics::counter;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// How often overdue tasks are looked for.
const LOOK: Duration = Duration::from_secs(1);

/// Times out overdue tasks, until the process ends. Several processes may do
/// so; each task times out once.
pub async fn time_out(store: Arc<Store>, kind: String) -> Infallible {
    let mut every = tokio::time::interval(LOOK);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        match store.time_tasks_out(&kind).await {
            Ok(0) => {}
            Ok(told) => counter!("millstream_tasks_timed_out_total").increment(told as u64),
            // `/readyz` reports the outage.
            Err(error) => tracing::debug!(%error, "can't time out tasks; retrying"),
        }
    }
}
