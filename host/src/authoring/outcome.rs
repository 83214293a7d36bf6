//! What became of a record, as a line of JSON that people can read and edit.

use super::json::compact;
use crate::plugin::fixture::{Line, words};
use crate::plugin::{Answer, AnswerEvent, Decision, LetterValue, Ruling, StreamDelivery, ToTopic};
use crate::record::{SharedHeaders, StreamKind, bytes_to_json};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// One line: an event, a failure, a decision, or that there was nothing. Fields
/// without a value are left out.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The number of the record's line in the fixture.
    pub record: usize,
    /// Where the record was read, if known; not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// `true` if the record made no event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    filtered: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<String>,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// A payload that is JSON on one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    json: Option<Box<RawValue>>,
    /// Any other payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
    /// The class of the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Of a route: `no`, `as-configured`, `always` or `while-connected`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stream: Option<String>,
    /// Of a policy: `to-topic`, `reroute`, `retry`, `drop` or `halt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<Value>,
    /// The policy's own value, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<Value>,
}

/// The outcomes of a line, at least one.
pub fn outcomes(line: &Line, answers: &[Answer]) -> Vec<Outcome> {
    let bare = Outcome {
        record: line.number,
        source: line.source.clone(),
        ..Outcome::default()
    };
    if answers.is_empty() {
        return vec![Outcome {
            filtered: Some(true),
            ..bare
        }];
    }
    answers
        .iter()
        .map(|answer| of(answer, bare.clone()))
        .collect()
}

fn of(answer: &Answer, bare: Outcome) -> Outcome {
    match answer {
        Answer::Event(event) => of_event(event, bare),
        Answer::Failure { class, message } => Outcome {
            failure: Some(class.name().into()),
            message: Some(message.clone()),
            ..bare
        },
        Answer::Decision(decision) => of_decision(decision, bare),
        Answer::Ruling(ruling) => of_ruling(ruling, &bare),
    }
}

fn of_event(event: &AnswerEvent, bare: Outcome) -> Outcome {
    let name = Some(event.name.clone());
    let (client, group, task) = match (event.to, event.task) {
        (_, true) => (None, None, name),
        (StreamKind::Client, _) => (name, None, None),
        (StreamKind::Group, _) => (None, name, None),
    };
    let json = as_json(&event.payload);
    Outcome {
        client,
        group,
        task,
        kind: Some(event.kind.clone()).filter(|kind| !kind.is_empty()),
        payload: json.is_none().then(|| event.payload.clone()),
        json,
        ..bare
    }
}

/// The payload itself, if it is JSON that a line can hold byte for byte.
fn as_json(payload: &str) -> Option<Box<RawValue>> {
    let raw: Box<RawValue> = serde_json::from_str(payload).ok()?;
    (raw.get().len() == payload.len() && !payload.contains(['\n', '\r'])).then_some(raw)
}

fn of_decision(decision: &Decision, bare: Outcome) -> Outcome {
    let stream = match decision.stream {
        StreamDelivery::No => "no",
        StreamDelivery::AsConfigured => "as-configured",
        StreamDelivery::Always => "always",
        StreamDelivery::WhileConnected => "while-connected",
    };
    let bare = Outcome {
        stream: Some(stream.into()),
        ..bare
    };
    match decision.topic.as_deref() {
        None => bare,
        Some(ToTopic {
            topic,
            key,
            headers,
            encoded: _,
        }) => Outcome {
            topic: Some(topic.clone()),
            key: key.as_ref().map(|key| bytes_to_json(Some(key))),
            headers: of_headers(headers),
            ..bare
        },
    }
}

fn of_ruling(ruling: &Ruling, bare: &Outcome) -> Outcome {
    let named = |action: &str| Outcome {
        action: Some(action.into()),
        ..bare.clone()
    };
    match ruling {
        Ruling::Drop => named("drop"),
        Ruling::Halt => named("halt"),
        Ruling::Retry(delay) => Outcome {
            delay_ms: Some(delay.as_millis() as u64),
            ..named("retry")
        },
        Ruling::Reroute { topic, headers } => Outcome {
            topic: Some(topic.clone()),
            headers: of_headers(headers),
            ..named("reroute")
        },
        Ruling::ToTopic {
            topic,
            value,
            headers,
        } => Outcome {
            topic: topic.clone(),
            value: match value {
                LetterValue::Same => None,
                LetterValue::Own(value) => Some(bytes_to_json(value.as_deref())),
            },
            headers: of_headers(headers),
            ..named("to-topic")
        },
    }
}

fn of_headers(headers: &SharedHeaders) -> Vec<Value> {
    let header = |(name, value): &(bytes::Bytes, Option<bytes::Bytes>)| json!({ "name": bytes_to_json(Some(name)), "value": bytes_to_json(value.as_deref()) });
    headers.iter().map(header).collect()
}

impl Outcome {
    /// The line of JSON.
    pub fn to_line(&self) -> String {
        // Strings and numbers only: always valid JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of_line(line: &str) -> Result<Outcome, String> {
        serde_json::from_str(line).map_err(|error| words(&error))
    }

    /// What is compared: everything but the source, and JSON without its
    /// whitespace.
    pub fn essence(&self) -> String {
        let json = self
            .json
            .as_ref()
            .and_then(|json| RawValue::from_string(compact(json.get())).ok());
        let compact = Outcome {
            json,
            ..self.clone()
        };
        compact.without_source().to_line()
    }

    /// The same, wherever it was read.
    pub fn without_source(self) -> Outcome {
        Outcome {
            source: None,
            ..self
        }
    }

    /// In which of its parts it differs from another outcome.
    pub(super) fn differs_in(&self, other: &Outcome) -> Vec<&'static str> {
        let is = |outcome: &Outcome| {
            let Outcome {
                filtered, stream, ..
            } = outcome;
            let kind = (
                outcome.is_event(),
                stream.is_some(),
                outcome.action.is_some(),
            );
            (kind, filtered.is_some(), outcome.failure.is_some())
        };
        if is(self) != is(other) {
            return vec!["outcome"];
        }
        let address = |o: &Outcome| (o.client.clone(), o.group.clone(), o.task.clone());
        let payload = |o: &Outcome| {
            let json = o.json.as_ref().map(|json| compact(json.get()));
            (json, o.payload.clone())
        };
        let failure = |o: &Outcome| (o.failure.clone(), o.message.clone());
        let decision = |o: &Outcome| (o.stream.clone(), o.action.clone(), o.delay_ms);
        let sent = |o: &Outcome| {
            (
                o.topic.clone(),
                o.key.clone(),
                o.value.clone(),
                o.headers.clone(),
            )
        };
        let parts = [
            ("address", address(self) != address(other)),
            ("type", self.kind != other.kind),
            ("payload", payload(self) != payload(other)),
            ("failure", failure(self) != failure(other)),
            ("decision", decision(self) != decision(other)),
            ("record to Kafka", sent(self) != sent(other)),
        ];
        let differ = parts.into_iter().filter(|(_, differs)| *differs);
        differ.map(|(part, _)| part).collect()
    }

    /// The class of the failure, if it is one.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// The Kafka topic that it names, if any.
    pub fn topic(&self) -> Option<&String> {
        self.topic.as_ref()
    }

    /// Whether it is an event.
    pub fn is_event(&self) -> bool {
        self.client.is_some() || self.group.is_some() || self.task.is_some()
    }

    /// The payload, if it is JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(self.json.as_ref()?.get()).ok()
    }

    /// For a table: the addressee or the decision, the type, and the rest.
    pub fn cells(&self) -> [String; 3] {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        if let Some(class) = &self.failure {
            return ["FAILED".into(), class.clone(), text(&self.message)];
        }
        if self.filtered == Some(true) {
            return ["-".into(), String::new(), "filtered out".into()];
        }
        if let Some(stream) = &self.stream {
            let topic = self.topic.as_ref().map(|topic| format!("topic {topic}"));
            return [
                format!("stream {stream}"),
                topic.unwrap_or_default(),
                String::new(),
            ];
        }
        if let Some(action) = &self.action {
            let delay = self.delay_ms.map(|delay| format!("after {delay} ms"));
            return [action.clone(), text(&self.topic), delay.unwrap_or_default()];
        }
        let group = self.group.as_ref().map(|group| format!("group {group}"));
        let task = self.task.as_ref().map(|task| format!("task {task}"));
        let payload = self.json.as_ref().map(|json| json.get().to_owned());
        [
            self.client.clone().or(group).or(task).unwrap_or_default(),
            text(&self.kind),
            payload.unwrap_or_else(|| text(&self.payload)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(payload: &str) -> Answer {
        Answer::Event(AnswerEvent {
            to: StreamKind::Client,
            task: false,
            name: "ada".into(),
            kind: "order".into(),
            payload: payload.into(),
        })
    }

    fn line(payload: &str) -> String {
        let bare = Outcome {
            record: 1,
            ..Outcome::default()
        };
        of(&event(payload), bare).to_line()
    }

    #[test]
    fn a_payload_is_shown_as_json_where_that_loses_no_byte() {
        assert_eq!(
            line(r#"{"b":1.0, "a":[]}"#),
            r#"{"record":1,"client":"ada","type":"order","json":{"b":1.0, "a":[]}}"#
        );
        for other in ["{}\n", " {}", "hello", ""] {
            let shown = line(other);
            let read = Outcome::of_line(&shown).unwrap();
            assert_eq!(read.payload.as_deref(), Some(other), "{shown}");
        }
    }

    #[test]
    fn whitespace_that_an_editor_added_makes_no_difference() {
        let ours = Outcome::of_line(&line(r#"{"a":[1,"x y"]}"#)).unwrap();
        let theirs =
            r#"{ "record": 1, "client": "ada", "type": "order", "json": { "a": [1, "x y"] } }"#;
        let theirs = Outcome::of_line(theirs).unwrap();
        assert_eq!(ours.essence(), theirs.essence());
        assert!(Outcome::of_line(r#"{"record":1,"clinet":"x"}"#).is_err());
    }
}
