//! `[[pipeline]]`.

use super::checker::{Checked, Checker};
use super::decode::{Decode, DecodedAs};
use super::encode::Encode;
use super::grants::Reserved;
use super::plugin::Plugin;
use super::values::{self, Bytes, List, Text, Time};
use crate::pipeline::{
    BreakerAction, BreakerSettings, Deliver, LostLedger, OnLoss, PipelineSettings, PluginSettings,
    StartAt,
};
use crate::plugin::{Capability, bundled};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Pipeline {
    pub name: Spanned<Text>,
    pub topics: Spanned<List<Spanned<Text>>>,
    pub output_topics: Option<List<Spanned<Text>>>,
    pub group_id: Option<Spanned<Text>>,
    #[serde(default)]
    pub start: StartAt,
    #[serde(default)]
    pub deliver: Deliver,
    #[serde(default)]
    pub lost_records: OnLoss,
    #[serde(default)]
    pub remade_topic: OnLoss,
    pub lost_ledger: Option<Spanned<LostLedger>>,
    pub decode: Option<Spanned<Decode>>,
    pub decode_key: Option<Spanned<Decode>>,
    #[serde(default)]
    pub decoded: DecodedAs,
    #[serde(default)]
    pub encode: BTreeMap<String, Spanned<Encode>>,
    #[serde(default)]
    pub breaker: Breaker,
    pub create_dead_letter_topics: Option<bool>,
    #[serde(default)]
    pub oversize_letters: Oversize,
    pub replays: Option<Spanned<bool>>,
    pub workers: Option<Spanned<usize>>,
    #[serde(default)]
    pub batch: Batch,
    #[serde(default)]
    pub retry: Retry,
    pub transform: Option<Spanned<Plugin>>,
    pub route: Option<Spanned<Plugin>>,
    pub dead_letter: Option<Spanned<Plugin>>,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Oversize {
    #[default]
    Omit,
    Wait,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Breaker {
    #[serde(default)]
    pub action: BreakerAction,
    pub max_failures: Option<Spanned<f64>>,
    pub min_records: Option<Spanned<u64>>,
    pub window: Option<Spanned<u64>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Batch {
    pub max_records: Option<Spanned<usize>>,
    pub max_bytes: Option<Spanned<Bytes>>,
    pub max_record_bytes: Option<Spanned<Bytes>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Retry {
    pub max_attempts: Option<Spanned<u32>>,
    pub max_delay: Option<Spanned<Time>>,
}

/// Every `[[pipeline]]`.
pub(super) fn pipelines<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Spanned<Pipeline>>, D::Error> {
    values::list(deserializer, "[[pipeline]], once for each pipeline")
}

impl Checker<'_> {
    pub(super) fn pipelines(
        &self,
        pipelines: Vec<Spanned<Pipeline>>,
        group: &str,
        reserved: &Reserved,
        has_registry: bool,
    ) -> Checked<Vec<PipelineSettings>> {
        if pipelines.is_empty() && self.role.ingests() {
            return self.error(
                self.text.len()..self.text.len(),
                "missing [[pipeline]] table: add at least one, with a name and topics",
            );
        }
        let mut done: Vec<PipelineSettings> = Vec::new();
        for pipeline in pipelines {
            let span = pipeline.get_ref().name.span();
            let pipeline = self.pipeline(pipeline.into_inner(), group, reserved, has_registry)?;
            if done.iter().any(|other| other.name == pipeline.name) {
                return self.error(
                    span,
                    format!("two pipelines have the name `{}`", pipeline.name),
                );
            }
            let shares = |other: &&PipelineSettings| {
                other.group == pipeline.group
                    && other
                        .topics
                        .iter()
                        .any(|topic| pipeline.topics.contains(topic))
            };
            if let Some(other) = done.iter().find(shares) {
                let (a, b) = (&other.name, &pipeline.name);
                let message = format!(
                    "pipelines `{a}` and `{b}` read the same topic in the same group, so each \
                     would get only some of its records: give one of them another group-id"
                );
                return self.error(span, message);
            }
            done.push(pipeline);
        }
        Ok(done)
    }

    fn pipeline(
        &self,
        given: Pipeline,
        group: &str,
        reserved: &Reserved,
        has_registry: bool,
    ) -> Checked<PipelineSettings> {
        let topics_span = given.topics.span();
        let topics: Vec<String> = given
            .topics
            .into_inner()
            .0
            .into_iter()
            .map(|topic| self.topic(&topic))
            .collect::<Checked<_>>()?;
        if topics.is_empty() {
            return self.error(topics_span, "expected at least one topic");
        }
        let outputs = given.output_topics.map_or_else(Vec::new, |list| list.0);
        let output_topics = self.output_topics(outputs, (&topics, topics_span), reserved)?;
        let plugins = PluginSettings {
            transform: self.plugin(given.transform, "by-field")?,
            route: self.writer(given.route, "per-client", &topics, reserved)?,
            dead_letter: self.writer(given.dead_letter, "retry-then-topic", &topics, reserved)?,
        };
        let route = &plugins.route;
        let named = bundled::topics(&route.source.name(), &route.config);
        let mut encode = BTreeMap::new();
        for (topic, by) in given.encode {
            if !output_topics.contains(&topic) && !named.contains(&&*topic) {
                let why = format!(
                    "no route of this pipeline may write to {topic:?}: add it to output-topics"
                );
                return self.error(by.span(), why);
            }
            let by = self.encode(&topic, by, has_registry)?;
            encode.insert(topic, by);
        }
        let keeps_state = plugins.transform.granted.has(Capability::Keyvalue);
        let (lost_ledger, replays) = (given.lost_ledger, given.replays);
        let (lost_ledger, replays) = self.with_state(keeps_state, lost_ledger, replays)?;
        let name = self.name_or(Some(&given.name), "", "name")?;
        let group = self.name_or(given.group_id.as_ref(), group, "group-id")?;
        let default = PipelineSettings::new(name, topics, group, plugins);
        let (batch, retry) = (given.batch, given.retry);
        Ok(PipelineSettings {
            file: self.path.into(),
            output_topics,
            encode,
            start: given.start,
            lost_records: given.lost_records,
            remade_topic: given.remade_topic,
            lost_ledger,
            decode: self.decode(given.decode_key, given.decode, &given.decoded, has_registry)?,
            breaker: self.breaker(given.breaker)?,
            replays,
            create_dead_letter_topics: given
                .create_dead_letter_topics
                .unwrap_or(default.create_dead_letter_topics),
            omit_oversize: given.oversize_letters == Oversize::Omit,
            deliver: given.deliver,
            workers: self.number(given.workers, default.workers, 1..=64)?,
            batch_records: self.number(batch.max_records, default.batch_records, 1..=10_000)?,
            batch_bytes: self.bytes(batch.max_bytes, default.batch_bytes, 1 << 10..=16 << 20)?,
            record_bytes: self.bytes(
                batch.max_record_bytes,
                default.record_bytes,
                1 << 10..=16 << 20,
            )?,
            max_attempts: self.number(retry.max_attempts, default.max_attempts, 1..=1_000_000)?,
            max_delay: retry
                .max_delay
                .map_or(default.max_delay, |time| time.into_inner().0),
            ..default
        })
    }

    /// What must hold where a transform keeps state.
    fn with_state(
        &self,
        keeps_state: bool,
        lost_ledger: Option<Spanned<LostLedger>>,
        replays: Option<Spanned<bool>>,
    ) -> Checked<(LostLedger, bool)> {
        if let (true, Some(replays)) = (keeps_state, &replays)
            && *replays.get_ref()
        {
            return self.error(
                replays.span(),
                "`replays = true` and the capability keyvalue exclude each other: a record that is \
                 processed a second time would change the transform's values a second time",
            );
        }
        let lost_ledger = match (keeps_state, lost_ledger) {
            (true, Some(given)) if *given.get_ref() == LostLedger::Committed => {
                return self.error(
                    given.span(),
                    "`lost-ledger = \"committed\"` and the capability keyvalue exclude each other: the \
                     transform's values are lost with the ledger; use \"halt\", or \"start\" to make \
                     them anew from the first record",
                );
            }
            (true, None) => LostLedger::Halt,
            (_, given) => given.map_or_else(LostLedger::default, Spanned::into_inner),
        };
        Ok((lost_ledger, replays.is_some_and(Spanned::into_inner)))
    }

    fn breaker(&self, given: Breaker) -> Checked<BreakerSettings> {
        let default = BreakerSettings::default();
        let max_failures = match given.max_failures {
            None => default.max_failures,
            Some(share) if (0.0..=1.0).contains(share.get_ref()) => share.into_inner(),
            Some(other) => return self.error(other.span(), "expected a share from 0.0 to 1.0"),
        };
        Ok(BreakerSettings {
            action: given.action,
            max_failures,
            min_records: self.number(given.min_records, default.min_records, 1..=1_000_000)?,
            window: self.number(given.window, default.window, 1..=1_000_000_000)?,
        })
    }
}

#[cfg(test)]
mod tests;
