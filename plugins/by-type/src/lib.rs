//! A route that goes by the event's type: to the client's stream, to a Kafka
//! topic, to both or to neither.
//!
//! ```toml
//! [pipeline.route]
//! plugin = "bundled:by-type"
//! [pipeline.route.config]
//! default = { deliver = "as-configured" }           # the types that no other rule names
//! [pipeline.route.config.types]
//! "typing"   = { deliver = "while-connected" }      # this type
//! "order.*"  = { topic = "orders", key = "record" } # all that begin with `order.`
//! "audit.*"  = { deliver = "never", topic = "audit", key = "none" }
//! ""         = { deliver = "always" }               # events without a type
//! ```
//!
//! An exact name wins over any `*`, and a longer beginning over a shorter. Each
//! key of a rule is optional:
//!
//! | key | values |
//! |---|---|
//! | `deliver` | the client's stream: `as-configured` (by the pipeline's `deliver`; the default), `always`, `while-connected`, `never` |
//! | `topic` | a Kafka topic that gets the payload, beside the stream |
//! | `key` | its key there: `client` (the client's id; the default), `record` (the record's own), `none` |
//!
//! In the topic the headers `millstream.client` and, unless the event has no
//! type, `millstream.type` say whose event it was and what.

use millstream_plugin::{
    Config, Deliver, Destination, Needs, Route, RoutedEvent, ToTopic, route,
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
    /// The longest first, so that the first that fits is the one.
    prefixes: Vec<(String, Rule)>,
    default: Rule,
}

impl Route for ByType {
    fn new(config: Config) -> Result<Self, String> {
        let Settings { default, types } = config.parse()?;
        default.check().map_err(|e| format!("config: default: {e}"))?;
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
        Ok(ByType { exact, prefixes, default })
    }

    fn needs(&self) -> Needs {
        let named = self.prefixes.iter().map(|(_, rule)| rule);
        let mut rules = self.exact.values().chain(named).chain([&self.default]);
        let record = rules.any(|rule| rule.key == Some(Key::Record));
        Needs { record, ..Needs::default() }
    }

    fn route<'a>(&'a self, event: RoutedEvent<'a>) -> Result<Destination<'a>, String> {
        let rule = self.rule(event.kind());
        let topic = rule.topic.as_deref().map(|topic| ToTopic {
            topic: topic.into(),
            key: rule.key.unwrap_or_default().of(event),
            headers: headers(event),
        });
        Ok(Destination { stream: rule.deliver, topic })
    }
}

impl ByType {
    fn rule(&self, kind: &str) -> &Rule {
        let longest = || self.prefixes.iter().find(|(prefix, _)| kind.starts_with(&**prefix));
        let exact = self.exact.get(kind);
        exact.or_else(|| longest().map(|(_, rule)| rule)).unwrap_or(&self.default)
    }
}

impl Rule {
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
            Key::Client => Some(event.client().as_bytes().into()),
            Key::Record => event.record().key().map(Cow::from),
            Key::None => None,
        }
    }
}

fn headers(event: RoutedEvent) -> Vec<(Cow<str>, Option<Cow<[u8]>>)> {
    let header = |name: &'static str, value: &'_ str| (name, value.as_bytes());
    todo!()
}

/// An event type, or the beginning of some and a `*`.
fn check_name(name: &str) -> Result<(), String> {
    let prefix = name.strip_suffix('*');
    if prefix == Some("") {
        return Err("for all types use `default`".into());
    }
    if prefix.unwrap_or(name).contains('*') {
        return Err("a `*` may only stand at the end".into());
    }
    // The host refuses an event that takes one of its own types.
    if matches!(name, "gap" | "open" | "error") || name.starts_with("millstream.") {
        return Err("no event has this type: it is Millstream's own".into());
    }
    Ok(())
}

/// What Kafka takes for a topic's name (its `Topic.validate`).
fn check_topic(name: &str) -> Result<(), String> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if (1..=249).contains(&name.len()) && !matches!(name, "." | "..") && name.bytes().all(legal) {
        return Ok(());
    }
    Err(format!(
        "topic: {name:?} is no legal name: 1 to 249 of a-z A-Z 0-9 `.` `_` `-`, and not `.` or `..`"
    ))
}

route!(ByType);

#[cfg(test)]
mod tests {
    use super::*;
    use millstream_plugin::testing::{RouteTest, TestDestination, TestEvent, TestRecord};

    fn route(config: &str, kind: &str) -> TestDestination {
        let plugin = RouteTest::<ByType>::new(config).unwrap();
        let event = TestEvent::new("ada", kind, "{}").record(TestRecord::value("v").key("k"));
        plugin.run(&[event]).remove(0).unwrap()
    }

    fn topic(config: &str, kind: &str) -> Option<String> {
        route(config, kind).topic.map(|(topic, _)| topic)
    }

    fn refusal(config: &str) -> String {
        RouteTest::<ByType>::new(config).err().unwrap()
    }

    #[test]
    fn without_configuration_every_event_goes_to_its_stream() {
        let out = route("{}", "mail");
        assert_eq!((out.stream, out.topic), (Deliver::AsConfigured, None));
    }

    #[test]
    fn a_type_takes_its_own_rule_and_the_others_the_default() {
        let config = r#"{"default":{"deliver":"always"},"types":{
            "typing":{"deliver":"while-connected"},"secret":{"deliver":"never"}}}"#;
        assert_eq!(route(config, "typing").stream, Deliver::WhileConnected);
        assert_eq!(route(config, "secret").stream, Deliver::No);
        assert_eq!(route(config, "typing2").stream, Deliver::Always);
        assert_eq!(route(config, "").stream, Deliver::Always);
    }

    #[test]
    fn an_exact_name_wins_then_the_longest_beginning() {
        let config = r#"{"types":{"o*":{"topic":"short"},"order.*":{"topic":"long"},
            "order.new":{"topic":"exact"},"z*":{"topic":"other"},"":{"topic":"untyped"}}}"#;
        let expected = [
            ("order.new", Some("exact")),
            ("order.new.big", Some("long")),
            ("order.", Some("long")),
            ("order", Some("short")),
            ("", Some("untyped")),
            ("mail", None),
        ];
        for (kind, expected) in expected {
            assert_eq!(topic(config, kind).as_deref(), expected, "{kind}");
        }
    }

    #[test]
    fn an_event_in_a_topic_says_whose_it_was_and_what() {
        let headers = route(r#"{"default":{"topic":"t"}}"#, "mail").headers;
        let header = |name: &str, value: &str| (name.to_owned(), Some(value.as_bytes().to_vec()));
        assert_eq!(headers, [header("millstream.client", "ada"), header("millstream.type", "mail")]);
        let untyped = route(r#"{"default":{"topic":"t"}}"#, "").headers;
        assert_eq!(untyped, [header("millstream.client", "ada")]);
    }

    #[test]
    fn the_key_is_the_clients_the_records_or_none() {
        let key = |key: &str| {
            let config = format!(r#"{{"default":{{"topic":"t"{key}}}}}"#);
            route(&config, "mail").topic.unwrap().1
        };
        assert_eq!(key(""), Some(b"ada".to_vec()));
        assert_eq!(key(r#","key":"client""#), Some(b"ada".to_vec()));
        assert_eq!(key(r#","key":"record""#), Some(b"k".to_vec()));
        assert_eq!(key(r#","key":"none""#), None);
    }

    #[test]
    fn an_absent_record_key_stays_absent() {
        let config = r#"{"default":{"topic":"t","key":"record"}}"#;
        let plugin = RouteTest::<ByType>::new(config).unwrap();
        let event = TestEvent::new("ada", "mail", "{}").record(TestRecord::value("v"));
        let out = plugin.run(&[event]).remove(0).unwrap();
        assert_eq!(out.topic, Some(("t".into(), None)));
    }

    #[test]
    fn an_unknown_key_or_value_is_refused_with_what_may_stand_there() {
        let wrong = refusal(r#"{"default":{"deliver":"no"}}"#);
        let names = "one of `as-configured`, `always`, `while-connected`, `never`";
        assert!(wrong.contains(names), "{wrong}");
        let wrong = refusal(r#"{"default":{"topic":"t","key":"user"}}"#);
        assert!(wrong.contains("one of `client`, `record`, `none`"), "{wrong}");
        assert!(refusal(r#"{"type":{}}"#).contains("unknown field `type`"));
        assert!(refusal(r#"{"types":{"a":{"topics":"t"}}}"#).contains("unknown field `topics`"));
    }

    #[test]
    fn a_rule_without_effect_is_refused() {
        let rule = |name: &str| refusal(&format!(r#"{{"types":{{"{name}":{{}}}}}}"#));
        assert_eq!(rule("*"), r#"config: types."*": for all types use `default`"#);
        assert!(rule("a*b").contains("only stand at the end"));
        assert!(rule("a**").contains("only stand at the end"));
        assert!(rule("gap").contains("Millstream's own"));
        assert!(rule("millstream.*").contains("Millstream's own"));
        let keyed = refusal(r#"{"default":{"key":"none"}}"#);
        assert_eq!(keyed, "config: default: `key` has no effect without `topic`");
    }

    #[test]
    fn an_illegal_topic_is_refused() {
        let long = "t".repeat(250);
        for topic in ["", ".", "..", "a b", "a/b", "é", &long] {
            let wrong = refusal(&format!(r#"{{"types":{{"a":{{"topic":"{topic}"}}}}}}"#));
            assert!(wrong.contains(r#"types."a": topic: "#) && wrong.contains("no legal name"));
        }
    }

    #[test]
    fn the_records_key_is_asked_for_only_where_a_rule_uses_it() {
        let needs = |config| {
            let plugin = ByType::new_for_test(config);
            plugin.needs().record
        };
        assert!(!needs("{}"));
    }
}
