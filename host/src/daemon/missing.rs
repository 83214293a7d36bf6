//! Configured topics that do not exist.

use crate::kafka::making;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// Time between two checks.
const AGAIN: Duration = Duration::from_secs(5);

/// Logs that Kafka has no `topic`, and later that it has. Without this, each record for the topic
/// only reports a time-out, and a consumer of it waits silently.
/// `key` is the configuration key of the topic; `has` may block.
pub(super) async fn look_for<H>(key: &'static str, topic: String, has: H)
where
    H: Fn(&str) -> Option<bool> + Send + Sync + 'static,
{
    let has = Arc::new(has);
    let mut said = false;
    loop {
        let (asked, name) = (has.clone(), topic.clone());
        let is_there = spawn_blocking(move || asked(&name)).await.ok().flatten();
        match is_there {
            Some(true) if said => return tracing::info!(topic, "the topic of {key} exists now"),
            Some(true) => return,
            Some(false) if !said => {
                said = true;
                tracing::error!(
                    topic,
                    "topic {topic} ({key}) does not exist; {}",
                    making(&topic)
                );
            }
            Some(false) | None => {}
        }
        sleep(AGAIN).await;
    }
}
