//! The topics that a pipeline's plugins may write to.

use super::checker::{Checked, Checker};
use super::http::Http;
use super::plugin::Plugin;
use super::tasks::Tasks;
use super::values::Text;
use crate::plugin::{Capability, Spec, bundled};
use std::ops::Range;
use toml::Spanned;

/// Topics that only Millstream writes to, and the keys that name them. A plugin
/// that writes there could act in the name of any client.
pub(super) struct Reserved(Vec<(String, &'static str)>);

impl Reserved {
    pub fn of(tasks: Option<&Spanned<Tasks>>, http: &Http) -> Reserved {
        let requests = tasks.map(|tasks| (&tasks.get_ref().request_topic, "[tasks] request-topic"));
        let presence = http.presence_topic.as_ref();
        let presence = presence.map(|topic| (topic, "[http] presence-topic"));
        let named = requests.into_iter().chain(presence);
        Reserved(
            named
                .map(|(topic, key)| (topic.get_ref().0.clone(), key))
                .collect(),
        )
    }

    fn key_of(&self, topic: &str) -> Option<&'static str> {
        let found = self.0.iter().find(|(reserved, _)| reserved == topic);
        found.map(|(_, key)| *key)
    }
}

impl Checker<'_> {
    /// The topics in `output-topics`, and the pipeline's default topics for dead
    /// letters.
    pub(super) fn output_topics(
        &self,
        given: Vec<Spanned<Text>>,
        (inputs, span): (&[String], Range<usize>),
        reserved: &Reserved,
    ) -> Checked<Vec<String>> {
        let mut granted = Vec::new();
        for topic in given {
            let name = self.topic(&topic)?;
            self.may_be_output(&name, topic.span(), inputs, reserved)?;
            granted.push(name);
        }
        for letters in inputs.iter().map(|input| format!("{input}-dlq")) {
            if let Some(key) = reserved.key_of(&letters) {
                let why = format!("dead letters would go to `{letters}`, which is {key}");
                return self.error(span, why);
            }
            if !inputs.contains(&letters) {
                granted.push(letters);
            }
        }
        Ok(granted)
    }

    /// A plugin that may write to topics. Topics in the configuration of a bundled
    /// plugin count as granted.
    pub(super) fn writer(
        &self,
        given: Option<Spanned<Plugin>>,
        default: &'static str,
        inputs: &[String],
        reserved: &Reserved,
    ) -> Checked<Spec> {
        let config = given
            .as_ref()
            .and_then(|given| given.get_ref().config.as_ref());
        let span = config.map(Spanned::span).unwrap_or_default();
        let of = given.as_ref().map_or(0..0, Spanned::span);
        let plugin = self.plugin(given, default)?;
        if plugin.granted.has(Capability::Keyvalue) {
            let why = "only a transform can have the capability keyvalue";
            return self.error(of, why);
        }
        for topic in bundled::topics(&plugin.source.name(), &plugin.config) {
            self.may_be_output(topic, span.clone(), inputs, reserved)?;
        }
        Ok(plugin)
    }

    fn may_be_output(
        &self,
        topic: &str,
        span: Range<usize>,
        inputs: &[String],
        reserved: &Reserved,
    ) -> Checked<()> {
        if inputs.iter().any(|input| input == topic) {
            return self.error(
                span,
                format!(
                    "the pipeline reads `{topic}`: a plugin that writes to it would create a loop; \
                     name another topic"
                ),
            );
        }
        match reserved.key_of(topic) {
            Some(key) => self.error(
                span,
                format!("`{topic}` is {key}: only Millstream writes to it; name another topic"),
            ),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
