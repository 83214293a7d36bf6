//! The admin listener: health, readiness, metrics, and calls about clients.

mod clients;
mod guard;
mod ready;

pub use guard::Guard;

use crate::http::{Handler, Incoming, Method, Peer, Reply, Request, StatusCode, not_allowed, text};
use crate::sse::Hub;
use metrics_exporter_prometheus::PrometheusBuilder;
pub use metrics_exporter_prometheus::PrometheusHandle;
pub use ready::{Condition, Part};

use std::sync::Arc;
use std::time::Duration;

/// Histogram buckets for the seconds that a batch spends in plugins: 100 µs to
/// 10 s.
const PLUGIN_SECONDS: [f64; 11] = [
    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 10.0,
];

/// Installs the metrics recorder of the process.
///
/// # Errors
/// If one is installed already.
pub fn install_metrics() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(
            metrics_exporter_prometheus::Matcher::Full("millstream_plugin_seconds".into()),
            &PLUGIN_SECONDS,
        )?
        .install_recorder()?;
    describe();
    Ok(handle)
}

/// Runs the recorder's upkeep until the process ends. Without it the recorder
/// keeps every sample until `/metrics` is requested, which may never happen.
pub async fn keep_up(metrics: PrometheusHandle, every: Duration) {
    let mut every = tokio::time::interval(every);
    loop {
        every.tick().await;
        metrics.run_upkeep();
    }
}

fn describe() {
    use metrics::{describe_counter as counter, describe_gauge as gauge, describe_histogram};
    counter!(
        "millstream_records_total",
        "Records processed: stored, filtered, or dead-lettered."
    );
    counter!(
        "millstream_events_total",
        "Events stored in clients' streams."
    );
    counter!("millstream_batches_total", "Batches stored.");
    counter!(
        "millstream_lost_records_total",
        "Records skipped because Kafka no longer has them, as configured."
    );
    counter!(
        "millstream_waits_total",
        "Pauses before a retry, by the part that failed: store, kafka, plugins."
    );
    counter!(
        "millstream_store_unknown_total",
        "Store transactions whose answer was lost."
    );
    counter!(
        "millstream_kafka_errors_total",
        "Errors reported by the Kafka client, by client: consumer, producer."
    );
    counter!(
        "millstream_failures_total",
        "Records that failed, by class and stage."
    );
    counter!(
        "millstream_dead_letters_total",
        "Failed records, by the action taken."
    );
    counter!(
        "millstream_topics_refused_total",
        "Dead letters for a topic that is not granted, sent to the default topic instead."
    );
    counter!(
        "millstream_dead_letter_plugin_failures_total",
        "Failures that the dead-letter plugin could not decide."
    );
    counter!(
        "millstream_store_conflicts_total",
        "Store transactions that conflicted with another writer."
    );
    counter!(
        "millstream_replays_skipped_total",
        "Events of replayed records skipped because they were stored before."
    );
    gauge!(
        "millstream_store_news_polled",
        "1 while the edge polls a key for new events because the Redis notification channel fails."
    );
    gauge!(
        "millstream_store_publish_refused",
        "1 while Redis refuses PUBLISH, so that edges poll a key for new events."
    );
    counter!(
        "millstream_log_lines_dropped_total",
        "Log lines that could not be written."
    );
    counter!("millstream_swaps_total", "Plugin swaps, by result.");
    counter!(
        "millstream_sse_events_total",
        "Events written to connections."
    );
    counter!(
        "millstream_connections_refused_total",
        "Connections refused, by listener and why: limit (also silent connections that were closed to \
         make room), accept (no file descriptor was free)."
    );
    counter!(
        "millstream_auth_refused_total",
        "Requests refused by an access check, by listener and reason."
    );
    gauge!("millstream_sse_connections", "Open event streams.");
    counter!(
        "millstream_sse_shed_total",
        "Stream requests told to reconnect later, by why: process, client, address, keys, store, \
         stopping."
    );
    counter!(
        "millstream_sse_cut_total",
        "Streams disconnected because the client did not read, or held the most when max-queued was \
         reached."
    );
    counter!(
        "millstream_sse_presence_lost_total",
        "Presence events that could not be delivered to Kafka."
    );
    counter!(
        "millstream_tasks_total",
        "Task requests, by result: received, repeated, limited, refused, shed, \
         unacknowledged, unavailable."
    );
    counter!(
        "millstream_tasks_timed_out_total",
        "Tasks without an update within their timeout."
    );
    counter!(
        "millstream_task_results_dropped_total",
        "Task results dropped because their task had ended; mostly copies."
    );
    gauge!(
        "millstream_plugin_generation",
        "Number of the plugin generation that is live."
    );
    describe_histogram!(
        "millstream_plugin_seconds",
        "Seconds that a batch spent in plugins."
    );
}

/// Answers the requests to the admin listener.
pub struct AdminHandler {
    /// The recorded metrics.
    pub metrics: PrometheusHandle,
    /// Renders further metric families, computed on request, in Prometheus's
    /// text format. The recorder has none of them.
    pub more_metrics: Box<dyn Fn() -> String + Send + Sync>,
    /// Decides whether a call beyond health and metrics is allowed.
    pub guard: Guard,
    /// The connections; `None` without the edge role.
    pub hub: Option<Arc<Hub>>,
    /// The readiness of the daemon, or of one role.
    pub condition: Box<dyn Fn(Option<Part>) -> Condition + Send + Sync>,
}

impl Handler for AdminHandler {
    async fn handle(&self, request: Request<Incoming>, _peer: Peer) -> Reply {
        if let Err(refused) = self.guard.admit(&request) {
            return *refused;
        }
        let uri = request.uri();
        if let Some(hub) = &self.hub {
            let asked = (uri.path(), uri.query().unwrap_or_default());
            let (method, headers) = (request.method(), request.headers());
            if let Some(reply) = clients::answer(hub, method, asked, headers).await {
                return reply;
            }
        }
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        match uri.path() {
            "/healthz" | "/readyz" | "/metrics" if !is_read => not_allowed("GET, HEAD"),
            "/healthz" => text(StatusCode::OK, "ok\n"),
            "/readyz" => ready::answer(uri.query().unwrap_or_default(), &self.condition),
            "/metrics" => {
                self.metrics.run_upkeep();
                text(
                    StatusCode::OK,
                    self.metrics.render() + &(self.more_metrics)(),
                )
            }
            _ => text(
                StatusCode::NOT_FOUND,
                "not found; available: /healthz /readyz /metrics /v1/clients\n",
            ),
        }
    }
}

#[cfg(test)]
mod tests;
