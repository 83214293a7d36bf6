//! Counters of failures and of what became of them.

use super::settings::PipelineSettings;
use crate::record::Failure;
use metrics::counter;

/// Counts a failed record.
pub(super) fn count_failure(failure: &Failure, settings: &PipelineSettings) {
    let (class, stage) = (failure.class.name(), failure.stage.name());
    let pipeline = settings.name.clone();
    counter!("millstream_failures_total", "pipeline" => pipeline, "class" => class, "stage" => stage)
        .increment(1);
}

/// Counts what was done; what goes to Kafka is counted when it is there.
pub(super) fn count_letter(action: &'static str, settings: &PipelineSettings) {
    let pipeline = settings.name.clone();
    counter!("millstream_dead_letters_total", "pipeline" => pipeline, "action" => action)
        .increment(1);
}
