//! The topics that a pipeline's plugins may write to, and how often a record may be
//! written again.
//!
//! A plugin can name any topic, but only topics that the configuration grants are
//! accepted. Otherwise a plugin could write to its pipeline's input, or post tasks in
//! any client's name.

use crate::pipeline::headers::HOPS;
use crate::pipeline::settings::PipelineSettings;
use crate::pipeline::swap::generations::programs;
use crate::plugin::{Generation, LetterValue, Program, Routed, Ruling, bundled};
use crate::record::{Batch, Class, Events, Failure, RecordView, Stage};
use metrics::counter;
use std::collections::{BTreeMap, HashSet};

/// The most times that a record may be written to a topic. No chain of pipelines is
/// that long, so more means a loop.
const HOPS_MAX: u32 = 16;

/// The topics that the plugins of one generation may write to.
pub(in crate::pipeline) struct Grants {
    pipeline: String,
    topics: HashSet<String>,
}

impl Grants {
    /// The grants for a generation of a pipeline.
    pub fn of(settings: &PipelineSettings, generation: &Generation) -> Grants {
        Grants::with(settings, programs(generation).map(|(_, program)| program))
    }

    /// The grants if only some of the plugins are loaded.
    pub fn with<'a>(
        settings: &PipelineSettings,
        programs: impl IntoIterator<Item = &'a Program>,
    ) -> Grants {
        let mut topics: HashSet<String> = settings.output_topics.iter().cloned().collect();
        for program in programs {
            let config = serde_json::from_str(&program.config).unwrap_or_default();
            let named = bundled::topics(&program.name, &config);
            topics.extend(named.into_iter().map(str::to_owned));
        }
        Grants {
            pipeline: settings.name.clone(),
            topics,
        }
    }

    /// Fails records whose events a route sends to a topic that is not granted, each
    /// with all its events.
    pub fn check(&self, batch: &Batch, events: &Events, route: &Program, routed: &mut Routed) {
        let mut refused: BTreeMap<u32, String> = BTreeMap::new();
        for (event, decision) in events.list.iter().zip(&routed.decisions) {
            let topic = decision
                .as_ref()
                .and_then(|decision| decision.topic.as_deref());
            let view = batch.view(event.record as usize);
            if let Some(Err(why)) = topic.map(|to| self.may_go(&to.topic, &view)) {
                refused.entry(event.record).or_insert(why);
            }
        }
        refuse(refused, events, route, Class::Unroutable, routed);
    }

    /// Changes a ruling for a topic that is not granted: the record goes to the
    /// default dead-letter topic instead.
    pub fn hold(&self, ruling: Ruling, view: &RecordView) -> Ruling {
        let topic = match &ruling {
            Ruling::Reroute { topic, .. } => topic,
            Ruling::ToTopic {
                topic: Some(topic), ..
            } => topic,
            _ => return ruling,
        };
        let Err(why) = self.may_go(topic, view) else {
            return ruling;
        };
        let pipeline = &self.pipeline;
        tracing::warn!(
            pipeline,
            "sending the dead letter to the default topic: {why}"
        );
        counter!("millstream_topics_refused_total", "pipeline" => pipeline.clone()).increment(1);
        let (value, headers) = match ruling {
            Ruling::ToTopic { value, headers, .. } => (value, headers),
            Ruling::Reroute { headers, .. } => (LetterValue::Same, headers),
            other => return other,
        };
        Ruling::ToTopic {
            topic: None,
            value,
            headers,
        }
    }

    fn may_go(&self, topic: &str, view: &RecordView) -> Result<(), String> {
        if !self.topics.contains(topic) {
            return Err(format!(
                "a plugin named topic {topic}, which output-topics of the pipeline does not grant"
            ));
        }
        if hops(view) >= HOPS_MAX {
            return Err(format!(
                "pipelines have written this record to topics {HOPS_MAX} times ({HOPS}), next to \
                 {topic}: the pipelines form a loop"
            ));
        }
        Ok(())
    }
}

/// Fails records for what the route decided about their events, each with all its events.
pub(super) fn refuse(
    refused: BTreeMap<u32, String>,
    events: &Events,
    route: &Program,
    class: Class,
    routed: &mut Routed,
) {
    if refused.is_empty() {
        return;
    }
    for (event, decision) in events.list.iter().zip(&mut routed.decisions) {
        if refused.contains_key(&event.record) {
            *decision = None;
        }
    }
    let blamed = refused
        .into_iter()
        .map(|(record, why)| route.blame(Failure::new(record, Stage::Route, class, why)));
    // Both lists are in order and have no record in common.
    routed.failures.extend(blamed);
    routed.failures.sort_by_key(|failure| failure.record);
}

/// The hop header for a record that is made from this one.
pub(in crate::pipeline) fn hop(view: &RecordView) -> (Vec<u8>, Option<Vec<u8>>) {
    let hops = hops(view).saturating_add(1).to_string();
    (HOPS.into(), Some(hops.into_bytes()))
}

/// How often a record was written to a topic, from the last header, since a letter
/// keeps its record's headers. An invalid number is over the limit.
fn hops(view: &RecordView) -> u32 {
    let last = view
        .headers()
        .filter(|(name, _)| *name == HOPS.as_bytes())
        .last();
    last.map_or(0, |(_, value)| {
        let text = std::str::from_utf8(value.unwrap_or_default()).ok();
        text.and_then(|text| text.parse().ok()).unwrap_or(u32::MAX)
    })
}

#[cfg(test)]
mod tests;
