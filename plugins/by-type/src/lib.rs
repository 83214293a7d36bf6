//! A route by event type: to the stream of the client or group, to a Kafka
//! topic, to both or to neither.
//!
//! ```toml
//! [pipeline.route]
//! plugin = "bundled:by-type"
//! [pipeline.route.config]
//! default = { deliver = "as-configured" }           # types without another rule
//! [pipeline.route.config.types]
//! "typing"   = { deliver = "while-connected" }      # this type
//! "order.*"  = { topic = "orders", key = "record" } # types that begin with `order.`
//! "audit.*"  = { deliver = "never", topic = "audit", key = "none" }
//! ""         = { deliver = "always" }               # events without a type
//! ```
//!
//! An exact name wins over any `*`, and a longer prefix over a shorter one.
//! Each key of a rule is optional:
//!
//! | key | values |
//! |---|---|
//! | `deliver` | the stream: `as-configured` (by the pipeline's `deliver`; the default), `always`, `while-connected` (a group's event always), `never` |
//! | `topic` | a Kafka topic that receives the payload, beside the stream |
//! | `key` | its key there: `client` (the client's id, or the group's name; the default), `record` (the record's own), `none` |
//!
//! In the topic, the header `millstream.client` or `millstream.group` names the
//! addressee, and `millstream.type` the type if there is one.

#[cfg(test)]
mod tests;

use millstream_plugin::{
    Address, Config, Deliver, Destination, Needs, Route, RoutedEvent, ToTopic, route,
};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    #[serde(default)]
    default: Rule,
    #[serde(default)]
    types: BTreeMap<String, Rule>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Rule {
    #[serde(default, with = "DeliverName")]
    deliver: Deliver,
    topic: Option<String>,
    key: Option<Key>,
}

#[derive(Deserialize)]
#[serde(remote = "Deliver", rename_all = "kebab-case")]
enum DeliverName {
    AsConfigured,
    Always,
    WhileConnected,
    #[serde(rename = "never")]
    No,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Key {
    #[default]
    Client,
    Record,
    None,
}

/// The plugin.
pub struct ByType {
    exact: BTreeMap<String, Rule>,
    /// The longest prefix first, so that the first match applies.
    prefixes: Vec<(String, Rule)>,
    default: Rule,
}

impl Route for ByType {
    fn new(config: Config) -> Result<Self, String> {
        let Settings { default, types } = config.parse()?;
        default
            .check()
            .map_err(|e| format!("config: default: {e}"))?;
        let (mut exact, mut prefixes) = (BTreeMap::new(), Vec::new());
        for (name, rule) in types {
            check_name(&name)
                .and_then(|()| rule.check())
                .map_err(|e| format!("config: types.{name:?}: {e}"))?;
            match name.strip_suffix('*') {
                Some(prefix) => prefixes.push((prefix.to_owned(), rule)),
                None => drop(exact.insert(name, rule)),
            }
        }
        prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        Ok(ByType {
            exact,
            prefixes,
            default,
        })
    }

    fn needs(&self) -> Needs {
        let named = self.prefixes.iter().map(|(_, rule)| rule);
        let mut rules = self.exact.values().chain(named).chain([&self.default]);
        let record = rules.any(|rule| rule.key == Some(Key::Record));
        Needs {
            record,
            ..Needs::default()
        }
    }

    fn route<'a>(&'a self, event: RoutedEvent<'a>) -> Result<Destination<'a>, String> {
        let rule = self.rule(event.kind());
        Ok(Destination {
            stream: rule.deliver,
            topic: rule.topic.as_deref().map(|topic| rule.to(topic, event)),
        })
    }
}

impl ByType {
    fn rule(&self, kind: &str) -> &Rule {
        let longest = || {
            self.prefixes
                .iter()
                .find(|(prefix, _)| kind.starts_with(&**prefix))
        };
        let exact = self.exact.get(kind);
        exact
            .or_else(|| longest().map(|(_, rule)| rule))
            .unwrap_or(&self.default)
    }
}

impl Rule {
    fn to<'a>(&self, topic: &'a str, event: RoutedEvent<'a>) -> ToTopic<'a> {
        let whose = match event.address() {
            Address::Client(id) => ("millstream.client", id),
            Address::Group(name) => ("millstream.group", name),
        };
        let named = [whose, ("millstream.type", event.kind())];
        let present = named.into_iter().filter(|(_, value)| !value.is_empty());
        let header = |(name, value): (_, &'a str)| (Cow::from(name), Some(value.as_bytes().into()));
        ToTopic {
            topic: topic.into(),
            key: self.key.unwrap_or_default().of(event),
            headers: present.map(header).collect(),
        }
    }

    fn check(&self) -> Result<(), String> {
        match &self.topic {
            Some(topic) => check_topic(topic),
            None if self.key.is_some() => Err("`key` has no effect without `topic`".into()),
            None => Ok(()),
        }
    }
}

impl Key {
    fn of(self, event: RoutedEvent) -> Option<Cow<[u8]>> {
        match self {
            Key::Client => Some(event.address().name().as_bytes().into()),
            Key::Record => event.record().key().map(Cow::from),
            Key::None => None,
        }
    }
}

/// An event type, or a prefix followed by `*`.
fn check_name(name: &str) -> Result<(), String> {
    let prefix = name.strip_suffix('*');
    if prefix == Some("") {
        return Err("for all types use `default`".into());
    }
    if prefix.unwrap_or(name).contains('*') {
        return Err("a `*` is only allowed at the end".into());
    }
    // The host refuses events with a reserved type.
    if matches!(name, "gap" | "open" | "error") || name.starts_with("millstream.") {
        return Err("no event has this type: it is reserved for Millstream".into());
    }
    Ok(())
}

/// A valid topic name (Kafka's `Topic.validate`).
fn check_topic(name: &str) -> Result<(), String> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if (1..=249).contains(&name.len()) && !matches!(name, "." | "..") && name.bytes().all(legal) {
        return Ok(());
    }
    Err(format!(
        "topic: invalid name {name:?}: use 1 to 249 of a-z A-Z 0-9 `.` `_` `-`, but not `.` or `..`"
    ))
}

route!(ByType);
