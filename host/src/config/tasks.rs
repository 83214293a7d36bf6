//! `[tasks]`: the task gateway.

use super::checker::{Checked, Checker};
use super::encode::Encode;
use super::values::{Bytes, List, Text, Time};
use crate::record::check_event_kind;
use crate::store;
use crate::tasks::TaskSettings;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use toml::Spanned;

const DAY: Duration = Duration::from_hours(24);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Tasks {
    pub request_topic: Spanned<Text>,
    pub encode: Option<Spanned<Encode>>,
    pub timeout: Option<Spanned<Time>>,
    pub keep: Option<Spanned<Time>>,
    pub acknowledge_within: Option<Spanned<Time>>,
    pub max_body: Option<Spanned<Bytes>>,
    pub rate: Option<Rate>,
    #[serde(rename = "final")]
    pub ends: Option<Spanned<List<Text>>>,
    pub event_type: Option<Spanned<Text>>,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    rename_all = "kebab-case",
    expecting = "{ per-second = 10 }"
)]
pub(super) struct Rate {
    pub per_second: Spanned<f64>,
    pub burst: Option<Spanned<u32>>,
}

impl Checker<'_> {
    pub(super) fn tasks(&self, given: Tasks, has_registry: bool) -> Checked<TaskSettings> {
        let s = Duration::from_secs;
        let default = TaskSettings::new(self.topic(&given.request_topic)?);
        let timeout = self.time(given.timeout, default.timeout, s(1)..=7 * DAY)?;
        let keep_span = given.keep.as_ref().map(Spanned::span);
        let keep = self.time(given.keep, default.keep.max(timeout * 2), s(1)..=30 * DAY)?;
        if keep < timeout * 2 {
            let why = "expected at least twice timeout: the owner of a task must still be known \
                       when the task times out";
            return self.error(keep_span.unwrap_or_default(), why);
        }
        let encode = given.encode;
        let encode = encode.map(|by| self.encode(&default.request_topic, by, has_registry));
        Ok(TaskSettings {
            encode: encode.transpose()?,
            timeout,
            keep,
            acknowledge_within: self.time(
                given.acknowledge_within,
                default.acknowledge_within,
                s(1)..=s(60),
            )?,
            max_body: self.bytes(given.max_body, default.max_body, 1 << 10..=16 << 20)?,
            rate: given.rate.map(|rate| self.rate(rate)).transpose()?,
            ends: self.ends(given.ends, default.ends)?,
            event_kind: self.event_kind(given.event_type, default.event_kind)?,
            request_topic: default.request_topic,
        })
    }

    fn rate(&self, given: Rate) -> Checked<store::Rate> {
        let per_second = given.per_second;
        if !(0.001..=1e6).contains(per_second.get_ref()) {
            return self.error(per_second.span(), "expected a number from 0.001 to 1000000");
        }
        let per_second = per_second.into_inner();
        // The default: the tasks of one second may come at once.
        let burst = (per_second.ceil() as u32).max(1);
        Ok(store::Rate {
            per_second,
            burst: self.number(given.burst, burst, 1..=1_000_000)?,
        })
    }

    fn ends(
        &self,
        given: Option<Spanned<List<Text>>>,
        default: Arc<[String]>,
    ) -> Checked<Arc<[String]>> {
        let Some(given) = given else {
            return Ok(default);
        };
        let span = given.span();
        let ends: Vec<String> = given
            .into_inner()
            .0
            .into_iter()
            .map(|text| text.0)
            .collect();
        if ends.is_empty() || ends.iter().any(String::is_empty) {
            return self.error(span, "expected at least one status, none of them empty");
        }
        Ok(ends.into())
    }

    fn event_kind(&self, given: Option<Spanned<Text>>, default: String) -> Checked<String> {
        let Some(given) = given else {
            return Ok(default);
        };
        match check_event_kind(given.get_ref().0.as_bytes()) {
            Ok(()) => Ok(given.into_inner().0),
            Err(error) => self.error(given.span(), error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
