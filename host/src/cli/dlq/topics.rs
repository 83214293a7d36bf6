//! The topics of a pipeline's letters.

use super::choice::Choice;
use crate::cli::output;
use crate::kafka::no_topic;
use crate::kafka::scan::Scan;
use crate::pipeline::PipelineSettings;
use crate::pipeline::letter_topics;
use anyhow::bail;
use std::collections::BTreeSet;

/// The topics that the pipelines' letters go to, without duplicates.
pub(super) fn of(pipelines: &[PipelineSettings]) -> Vec<String> {
    let mut topics: Vec<String> = pipelines.iter().flat_map(letter_topics).collect();
    topics.sort();
    topics.dedup();
    topics
}

/// Adds the topics to a scan. A topic that `--topic` names must exist. Of the
/// default topics at least one must: they may be created with the first letter.
pub(super) fn add(
    scan: &mut Scan,
    choice: &Choice,
    pipelines: &[PipelineSettings],
) -> anyhow::Result<()> {
    let range = choice.range();
    let named: BTreeSet<&String> = choice.topic.iter().collect();
    for topic in named {
        if !scan.add(topic, &range)? {
            bail!(no_topic(topic));
        }
    }
    if !choice.topic.is_empty() {
        return Ok(());
    }
    let topics = of(pipelines);
    let mut absent = Vec::new();
    for topic in &topics {
        if !scan.add(topic, &range)? {
            absent.push(topic.as_str());
        }
    }
    let s = if topics.len() == 1 { "" } else { "s" };
    if absent.len() == topics.len() {
        bail!(
            "Kafka has no topic{s} {}: either nothing has failed yet, or the dead-letter \
             policy sends letters to another topic (name it with --topic)",
            absent.join(", ")
        );
    }
    for topic in absent {
        output::say(format_args!(
            "millstream: no letters in {topic}: Kafka has no such topic"
        ));
    }
    Ok(())
}
