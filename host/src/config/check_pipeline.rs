//! The checks of one pipeline and its plugins.

use super::check::{Checked, Checker};
use super::check_grants::Reserved;
use super::error::nearest;
use super::settings::{
    BreakerAction, BreakerSettings, Deliver, LostLedger, OnLoss, PipelineSettings, PluginSettings,
    StartAt,
};
use super::{file, values};
use crate::plugin::{self, Limits, Source, Spec};
use std::time::Duration;
use toml::Spanned;

impl Checker<'_> {
    pub(super) fn pipelines(
        &self,
        pipelines: Vec<Spanned<file::Pipeline>>,
        group: &str,
        reserved: &Reserved,
    ) -> Checked<Vec<PipelineSettings>> {
        if pipelines.is_empty() && self.role.ingests() {
            return self.error(
                self.text.len()..self.text.len(),
                "there is no [[pipeline]]: at least one, with a name and topics",
            );
        }
        let mut done: Vec<PipelineSettings> = Vec::new();
        for pipeline in pipelines {
            let span = pipeline.get_ref().name.span();
            let pipeline = self.pipeline(pipeline.into_inner(), group, reserved)?;
            if done.iter().any(|other| other.name == pipeline.name) {
                return self.error(
                    span,
                    format!("two pipelines are called `{}`", pipeline.name),
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
                     would get some of its records: give one of them a group-id of its own"
                );
                return self.error(span, message);
            }
            done.push(pipeline);
        }
        Ok(done)
    }

    fn pipeline(
        &self,
        given: file::Pipeline,
        group: &str,
        reserved: &Reserved,
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
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let retry = given.retry;
        Ok(PipelineSettings {
            file: self.path.into(),
            name: self.name_or(Some(&given.name), "", "name")?,
            topics,
            output_topics,
            group: self.name_or(given.group_id.as_ref(), group, "group-id")?,
            start: match given.start {
                file::Start::Earliest => StartAt::Earliest,
                file::Start::Latest => StartAt::Latest,
                file::Start::Committed => StartAt::Committed,
            },
            lost_records: on_loss(given.lost_records),
            remade_topic: on_loss(given.remade_topic),
            lost_ledger: match given.lost_ledger {
                file::LostLedger::Committed => LostLedger::Committed,
                file::LostLedger::Start => LostLedger::Start,
                file::LostLedger::Halt => LostLedger::Halt,
            },
            breaker: self.breaker(given.breaker)?,
            replays: given.replays,
            create_dead_letter_topics: given.create_dead_letter_topics.unwrap_or(true),
            omit_oversize: given.oversize_letters == file::Oversize::Omit,
            deliver: match given.deliver {
                file::Deliver::Always => Deliver::Always,
                file::Deliver::WhileConnected => Deliver::WhileConnected,
            },
            workers: self.number(given.workers, cores.min(8), 1..=64)?,
            batch_records: self.number(given.batch.max_records, 512, 1..=10_000)?,
            batch_bytes: self.bytes(given.batch.max_bytes, 1 << 20, 1 << 10..=16 << 20)?,
            record_bytes: self.bytes(given.batch.max_record_bytes, 8 << 20, 1 << 10..=16 << 20)?,
            max_attempts: self.number(retry.max_attempts, 20, 1..=1_000_000)?,
            max_delay: retry
                .max_delay
                .map_or(Duration::from_secs(60), |t| t.into_inner().0),
            tasks: None,
            fallback: false,
            plugins,
        })
    }

    fn breaker(&self, given: file::Breaker) -> Checked<BreakerSettings> {
        let max_failures = match given.max_failures {
            None => 0.5,
            Some(share) if (0.0..=1.0).contains(share.get_ref()) => share.into_inner(),
            Some(other) => return self.error(other.span(), "expected a share from 0.0 to 1.0"),
        };
        Ok(BreakerSettings {
            action: match given.action {
                file::Action::Previous => BreakerAction::Previous,
                file::Action::Halt => BreakerAction::Halt,
                file::Action::Off => BreakerAction::Off,
            },
            max_failures,
            min_records: self.number(given.min_records, 100, 1..=1_000_000)?,
            window: self.number(given.window, 10_000, 1..=1_000_000_000)?,
        })
    }

    pub(super) fn plugin(
        &self,
        given: Option<Spanned<file::Plugin>>,
        default: &'static str,
    ) -> Checked<Spec> {
        let Some(given) = given.map(Spanned::into_inner) else {
            let (source, config) = (Source::Bundled(default), serde_json::json!({}));
            return Ok(Spec {
                source,
                config,
                limits: Limits::default(),
            });
        };
        let source = self.source(&given.plugin)?;
        let config = match given.config {
            None => serde_json::json!({}),
            Some(config) => {
                let span = config.span();
                match values::to_json(config.into_inner()) {
                    Ok(json @ serde_json::Value::Object(_)) => json,
                    Ok(_) => return self.error(span, "expected a table: config = { ... }"),
                    Err(message) => return self.error(span, message),
                }
            }
        };
        Ok(Spec {
            source,
            config,
            limits: self.limits(given.limits)?,
        })
    }

    fn source(&self, given: &Spanned<values::Text>) -> Checked<Source> {
        let text = &given.get_ref().0;
        let Some(name) = text.strip_prefix("bundled:") else {
            return Ok(Source::File(self.resolve(text)));
        };
        if let Some(bundled) = plugin::bundled::names().find(|bundled| *bundled == name) {
            return Ok(Source::Bundled(bundled));
        }
        let names: Vec<_> = plugin::bundled::names().collect();
        let mut message = format!(
            "no plugin `{name}` is bundled; these are: {}",
            names.join(", ")
        );
        if let Some(nearest) = nearest(name, names.into_iter()) {
            message.push_str(&format!("; did you mean `bundled:{nearest}`?"));
        }
        self.error(given.span(), message)
    }

    fn limits(&self, given: file::Limits) -> Checked<Limits> {
        let default = Limits::default();
        let time = |given: Option<Spanned<values::Time>>, default: Duration| {
            given.map_or(default, |time| time.into_inner().0)
        };
        Ok(Limits {
            memory: self.bytes(given.memory, default.memory, 1 << 20..=plugin::MEMORY_MAX)?,
            cpu_per_batch: time(given.cpu_per_batch, default.cpu_per_batch),
            cpu_per_record: time(given.cpu_per_record, default.cpu_per_record),
            output: self.bytes(given.output, default.output, 1 << 10..=256 << 20)?,
        })
    }
}

fn on_loss(given: file::OnLoss) -> OnLoss {
    match given {
        file::OnLoss::Halt => OnLoss::Halt,
        file::OnLoss::Continue => OnLoss::Continue,
    }
}
