//! A dead-letter policy that retries failures that may pass, and sends other
//! records unchanged to a topic. Classes can also be dropped, halt the
//! partition, or be rerouted. It is the default policy.
//!
//! ```toml
//! [pipeline.dead-letter]
//! plugin = "bundled:retry-then-topic"
//! [pipeline.dead-letter.config]         # every key is optional; these are the defaults
//! # topic = "notifications-dlq"         # default: `<topic>-dlq`
//! attempts = 5                          # tries in total, the first one included
//! delay-ms = 100                        # before the second try; doubles each time
//! max-delay-ms = 10000                  # the longest delay
//! retry = ["transient"]                 # classes to retry
//! drop = []                             # classes to drop (they are counted)
//! halt = []                             # classes that halt the partition
//! reroute = {}                          # class = topic: the unchanged record, for another reader
//! ```
//!
//! While a record waits for a retry its partition waits, so that order is kept.
//! Most other classes fail the same way again: a plugin has no clock and no
//! I/O, so it answers the same for the same record.

use millstream_plugin::{Config, DeadLetter, Decision, FailedRecord, Letter, dead_letter};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// The failure classes that the contract (`wit/plugin.wit`) lists.
const CLASSES: [&str; 11] = [
    "malformed",
    "rejected",
    "unaddressable",
    "transient",
    "too-large",
    "trap",
    "timeout",
    "out-of-memory",
    "bad-output",
    "unroutable",
    "store-refused",
];

/// The plugin; its fields are the configuration.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RetryThenTopic {
    topic: Option<String>,
    attempts: u32,
    delay_ms: u32,
    max_delay_ms: u32,
    retry: Vec<String>,
    drop: Vec<String>,
    halt: Vec<String>,
    reroute: BTreeMap<String, String>,
}

impl Default for RetryThenTopic {
    fn default() -> Self {
        RetryThenTopic {
            topic: None,
            attempts: 5,
            delay_ms: 100,
            max_delay_ms: 10_000,
            retry: vec!["transient".into()],
            drop: Vec::new(),
            halt: Vec::new(),
            reroute: BTreeMap::new(),
        }
    }
}

// ANCHOR: policy
impl DeadLetter for RetryThenTopic {
    fn new(config: Config) -> Result<Self, String> {
        let policy: Self = config.parse()?;
        policy.check().map_err(|e| format!("config: {e}"))?;
        Ok(policy)
    }

    fn decide(&self, failed: FailedRecord) -> Decision {
        let among = |classes: &[String]| classes.iter().any(|class| class == failed.class());
        if among(&self.retry) && failed.attempts() < self.attempts {
            return Decision::Retry(self.delay(failed.attempts()));
        }
        if among(&self.drop) {
            return Decision::Drop;
        }
        if among(&self.halt) {
            return Decision::Halt;
        }
        if let Some(topic) = self.reroute.get(failed.class()) {
            return Decision::Reroute {
                topic: topic.clone(),
                headers: Vec::new(),
            };
        }
        Decision::ToTopic(Letter {
            topic: self.topic.clone(),
            ..Letter::default()
        })
    }
}
// ANCHOR_END: policy

impl RetryThenTopic {
    /// `delay-ms` after the first attempt, doubled after each further one.
    fn delay(&self, attempts: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1));
        let delay = self.delay_ms.saturating_mul(doubled).min(self.max_delay_ms);
        Duration::from_millis(delay.into())
    }

    fn check(&self) -> Result<(), String> {
        if self.attempts == 0 {
            return Err(
                "attempts: must be at least 1; the first try counts, so 1 means no retry".into(),
            );
        }
        if self.delay_ms > self.max_delay_ms {
            let (delay, max) = (self.delay_ms, self.max_delay_ms);
            return Err(format!(
                "delay-ms: {delay} is more than max-delay-ms, {max}"
            ));
        }
        let reroute: Vec<String> = self.reroute.keys().cloned().collect();
        let ends = [
            ("drop", &self.drop),
            ("halt", &self.halt),
            ("reroute", &reroute),
        ];
        for (key, classes) in ends.into_iter().chain([("retry", &self.retry)]) {
            if let Some(class) = classes.iter().find(|c| !CLASSES.contains(&c.as_str())) {
                let names = CLASSES.join(", ");
                return Err(format!(
                    "{key}: unknown class {class:?}; the classes are {names}"
                ));
            }
        }
        for (index, (key, classes)) in ends.iter().enumerate() {
            for (other, others) in &ends[index + 1..] {
                if let Some(class) = classes.iter().find(|class| others.contains(class)) {
                    return Err(format!("{class:?} is in {key} and in {other}"));
                }
            }
        }
        for (class, topic) in &self.reroute {
            check_topic(topic).map_err(|e| format!("reroute: {class}: {e}"))?;
        }
        self.topic.as_deref().map_or(Ok(()), check_topic)
    }
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

dead_letter!(RetryThenTopic);

#[cfg(test)]
mod tests {
    use super::*;
    use millstream_plugin::testing::{DeadLetterTest, TestFailure, TestRecord};

    fn decide(config: &str, class: &str, attempts: u32) -> Decision {
        let policy = DeadLetterTest::<RetryThenTopic>::new(config).unwrap();
        let failure = TestFailure::new(class, "why", TestRecord::value("v")).attempts(attempts);
        policy.run(&[failure]).remove(0)
    }

    fn delay(config: &str, attempts: u32) -> u64 {
        match decide(config, "transient", attempts) {
            Decision::Retry(delay) => delay.as_millis() as u64,
            other => panic!("attempt {attempts}: {other:?}"),
        }
    }

    fn refusal(config: &str) -> String {
        DeadLetterTest::<RetryThenTopic>::new(config).err().unwrap()
    }

    fn to_topic(topic: Option<&str>) -> Decision {
        Decision::ToTopic(Letter {
            topic: topic.map(Into::into),
            ..Letter::default()
        })
    }

    #[test]
    fn permanent_failures_go_to_the_default_topic_at_once() {
        for class in CLASSES.into_iter().filter(|class| *class != "transient") {
            assert_eq!(decide("{}", class, 1), to_topic(None), "{class}");
        }
        assert_eq!(
            decide("{}", "a class of a later version", 1),
            to_topic(None)
        );
    }

    #[test]
    fn a_transient_failure_goes_to_the_topic_after_the_last_attempt() {
        let config = r#"{"attempts":3,"topic":"lost"}"#;
        let retried =
            |attempts| matches!(decide(config, "transient", attempts), Decision::Retry(_));
        assert!(retried(1) && retried(2));
        assert_eq!(decide(config, "transient", 3), to_topic(Some("lost")));
        assert_eq!(decide(config, "transient", 4), to_topic(Some("lost")));
    }

    #[test]
    fn with_one_attempt_nothing_is_retried() {
        assert_eq!(decide(r#"{"attempts":1}"#, "transient", 1), to_topic(None));
    }

    #[test]
    fn the_delay_doubles_up_to_its_limit() {
        let config = r#"{"attempts":4000000000,"delay-ms":100,"max-delay-ms":700}"#;
        assert_eq!(
            [1, 2, 3, 4, 5].map(|n| delay(config, n)),
            [100, 200, 400, 700, 700]
        );
        for attempts in (25..40).chain([3_999_999_999]) {
            assert_eq!(delay(config, attempts), 700, "{attempts}");
        }
        assert_eq!([1, 4].map(|n| delay("{}", n)), [100, 800]);
    }

    #[test]
    fn only_the_listed_classes_are_retried() {
        let config = r#"{"retry":["timeout","store-refused"]}"#;
        let retried = |class| matches!(decide(config, class, 1), Decision::Retry(_));
        assert!(retried("timeout") && retried("store-refused") && !retried("transient"));
        assert_eq!(decide(r#"{"retry":[]}"#, "transient", 1), to_topic(None));
    }

    #[test]
    fn an_unknown_class_is_refused_with_the_known_ones() {
        let wrong = refusal(r#"{"retry":["transient","transeint"]}"#);
        assert!(
            wrong.starts_with(r#"config: retry: unknown class "transeint""#),
            "{wrong}"
        );
        assert!(CLASSES.iter().all(|class| wrong.contains(class)), "{wrong}");
    }

    #[test]
    fn classes_may_be_dropped_halted_or_rerouted_after_their_retries() {
        let config = r#"{"drop":["rejected"],"halt":["trap","transient"],
            "reroute":{"unaddressable":"nobody"},"attempts":2}"#;
        let elsewhere = Decision::Reroute {
            topic: "nobody".into(),
            headers: Vec::new(),
        };
        assert_eq!(decide(config, "rejected", 1), Decision::Drop);
        assert_eq!(decide(config, "trap", 1), Decision::Halt);
        assert_eq!(decide(config, "unaddressable", 1), elsewhere);
        assert_eq!(decide(config, "malformed", 1), to_topic(None));
        assert!(matches!(decide(config, "transient", 1), Decision::Retry(_)));
        assert_eq!(decide(config, "transient", 2), Decision::Halt);
    }

    #[test]
    fn a_class_with_two_actions_or_an_invalid_topic_is_refused() {
        let wrong = refusal(r#"{"drop":["trap"],"reroute":{"trap":"t"}}"#);
        assert_eq!(wrong, r#"config: "trap" is in drop and in reroute"#);
        let wrong = refusal(r#"{"reroute":{"trap":"a/b"}}"#);
        assert!(
            wrong.starts_with("config: reroute: trap: topic:"),
            "{wrong}"
        );
    }

    #[test]
    fn invalid_numbers_are_refused() {
        assert!(refusal(r#"{"attempts":0}"#).contains("attempts: must be at least 1"));
        let wrong = refusal(r#"{"delay-ms":20000}"#);
        assert_eq!(
            wrong,
            "config: delay-ms: 20000 is more than max-delay-ms, 10000"
        );
        assert!(refusal(r#"{"attempts":-1}"#).contains("invalid value: integer `-1`"));
    }

    #[test]
    fn an_invalid_topic_or_an_unknown_key_is_refused() {
        for topic in ["", ".", "..", "a b", "a/b", "é", &"t".repeat(250)] {
            let wrong = refusal(&format!(r#"{{"topic":"{topic}"}}"#));
            assert!(wrong.contains("topic: invalid name"), "{wrong}");
        }
        assert!(refusal(r#"{"max_delay_ms":1}"#).contains("unknown field `max_delay_ms`"));
    }
}
