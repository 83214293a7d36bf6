//! Counters of failures and of the policy's actions.

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

/// Counts an action. Letters are counted when Kafka has acknowledged them.
pub(super) fn count_letter(action: &'static str, settings: &PipelineSettings) {
    let pipeline = settings.name.clone();
    counter!("millstream_dead_letters_total", "pipeline" => pipeline, "action" => action)
        .increment(1);
}
