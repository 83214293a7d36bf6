//! The task gateway: a task is taken over HTTP, handed to workers by Kafka, and
//! what they say of it reaches the client that asked.
//!
//! Promises: who is answered 202 has a task that is in Kafka and whose results
//! find it. Where Kafka does not acknowledge it the answer is 503, and there is
//! either no task at all, or a whole one: what may be in Kafka keeps its owner.
//! A task without news in its time times out, and its owner is told. This
//! folder knows nothing of workers, pipelines or streams: results come back
//! through a pipeline like any other record.

mod answers;
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

/// How often tasks that are due are looked for.
const LOOK: Duration = Duration::from_secs(1);

/// Times tasks out, for good. Several processes may do so: each task once.
pub async fn time_out(store: Arc<Store>, kind: String) -> Infallible {
    let mut every = tokio::time::interval(LOOK);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        match store.time_tasks_out(&kind).await {
            Ok(0) => {}
            Ok(told) => counter!("millstream_tasks_timed_out_total").increment(told as u64),
            // Readiness says that the store is away.
            Err(error) => tracing::debug!(%error, "can't time out tasks; retrying"),
        }
    }
}
