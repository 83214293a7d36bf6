//! What can go wrong in a call to Kafka, with messages that say what to do about
//! it.

use super::making;
use crate::kafka::native::ask::Code;
use rdkafka::error::RDKafkaErrorCode;
use std::fmt;
use thiserror::Error;

/// Why a call failed.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// librdkafka rejected the properties.
    #[error("librdkafka rejected the Kafka properties: {0}")]
    Properties(String),
    /// No broker answers.
    #[error("can't reach Kafka at {servers}: {why}")]
    Unreachable {
        /// `host:port`, separated by commas.
        servers: String,
        /// The reason, as far as known.
        why: String,
    },
    /// The topic does not exist.
    #[error("topic {topic} does not exist{}", absent_topic(topic, nearest.as_deref()))]
    NoTopic {
        /// The given name.
        topic: String,
        /// The most similar name, if any.
        nearest: Option<String>,
    },
    /// The group does not exist.
    #[error(
        "consumer group {group} does not exist; {}`millstream group list` shows all groups",
        like(nearest.as_deref())
    )]
    NoGroup {
        /// The given name.
        group: String,
        /// The most similar name, if any.
        nearest: Option<String>,
    },
    /// The partition does not exist.
    #[error("topic {topic} has no partition {partition}: its partitions are 0 to {last}")]
    NoPartition {
        /// The topic.
        topic: String,
        /// The given partition.
        partition: i32,
        /// The last partition of the topic.
        last: i32,
    },
    /// The cluster's access control lists deny it.
    #[error(
        "not allowed to {}: Kafka requires the permission {} on {}; ask your Kafka administrator for it",
        .0.what, .0.operation, .0.resource
    )]
    NotAllowed(Doing),
    /// The group can't be changed while it has members.
    #[error(
        "consumer group {group} has {members} active member{}, whose commits would overwrite the \
         new offsets: stop {}, then try again (`millstream group describe {group}` shows {})",
        if *members == 1 { "" } else { "s" },
        if *members == 1 { "it" } else { "them" },
        if *members == 1 { "it" } else { "them" }
    )]
    Active {
        /// The group.
        group: String,
        /// How many members it has.
        members: usize,
    },
    /// The group belongs to a pipeline.
    #[error(
        "consumer group {group} belongs to a Millstream pipeline, which reads {topic} from the offset \
         in its ledger: resetting the group has no effect on it. Stop the pipeline, then run \
         `millstream offsets set --topic {topic} --to ...` (use `group reset --force` only if \
         another program takes over the group)"
    )]
    Ledger {
        /// The group.
        group: String,
        /// The first topic whose offsets a ledger keeps.
        topic: String,
    },
    /// The group's coordinator is not available yet.
    #[error("can't {what}: the group's coordinator is starting or moving; try again")]
    Busy {
        /// The action and its object.
        what: String,
    },
    /// A change got no answer.
    #[error("no answer to the request to {unsure} ({why})")]
    Unsure {
        /// Why there was no answer.
        why: String,
        /// The action, and how to check whether it took effect.
        unsure: String,
    },
    /// Kafka refused.
    #[error("can't {what}: {why}")]
    Refused {
        /// The action and its object.
        what: String,
        /// The reason, from Kafka or from Millstream.
        why: String,
    },
}

/// What a call does, for its error messages.
#[derive(Clone, Debug)]
pub struct Doing {
    /// The action, such as `delete the topic orders`.
    pub what: String,
    /// Kafka's name of the required permission.
    pub operation: &'static str,
    /// The resource of the permission, such as `the topic orders`.
    pub resource: String,
    /// Whether it changes something, which may take effect even without an
    /// answer.
    pub changes: bool,
}

impl Doing {
    pub(super) fn new(
        what: impl fmt::Display,
        operation: &'static str,
        resource: impl fmt::Display,
    ) -> Doing {
        Doing {
            what: what.to_string(),
            operation,
            resource: resource.to_string(),
            changes: false,
        }
    }

    /// Marks it as a change, unless it is only validated.
    pub(super) fn changing(self, only_validate: bool) -> Doing {
        let changes = !only_validate;
        Doing { changes, ..self }
    }

    /// What to add if no answer came: how to check whether it took effect.
    pub(super) fn unsure(&self) -> Option<String> {
        let of = self.resource.strip_prefix("the ")?;
        let (kind, name) = of.split_once(' ')?;
        let look = format!("check with `millstream {kind} describe {name}`");
        let what = &self.what;
        self.changes
            .then(|| format!("{what}; it may have succeeded: {look}"))
    }

    pub(super) fn refused(&self, why: impl fmt::Display) -> ClusterError {
        ClusterError::Refused {
            what: self.what.clone(),
            why: why.to_string(),
        }
    }

    /// The error for the code and message of an answer. Cases that need another
    /// query are left to the caller.
    pub(super) fn failed(&self, code: Code, why: &str) -> ClusterError {
        let why = tidy(why);
        match code {
            _ if is_denial(code) => ClusterError::NotAllowed(self.clone()),
            Code::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS
            | Code::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE
            | Code::RD_KAFKA_RESP_ERR_NOT_COORDINATOR => ClusterError::Busy {
                what: self.what.clone(),
            },
            _ if is_silence(code) => match self.unsure() {
                Some(unsure) => ClusterError::Unsure { why, unsure },
                None => self.refused(why),
            },
            // The message may be only the name of a request.
            _ if why.is_empty() || why.trim_end().ends_with(':') => {
                self.refused(super::native::call::words(code))
            }
            _ => self.refused(why),
        }
    }
}

/// Whether the code says only that no answer came in time.
pub(super) fn is_silence(code: Code) -> bool {
    matches!(
        code,
        Code::RD_KAFKA_RESP_ERR__TIMED_OUT
            | Code::RD_KAFKA_RESP_ERR__TRANSPORT
            | Code::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT
    )
}

pub(super) fn is_denial(code: Code) -> bool {
    matches!(
        code,
        Code::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
            | Code::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED
            | Code::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED
            | Code::RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    )
}

/// The message of a code, without its librdkafka name.
pub(super) fn words(code: RDKafkaErrorCode) -> String {
    let said = code.to_string();
    let inner = said
        .split_once(" (")
        .and_then(|(_, inner)| inner.strip_suffix(')'));
    let inner = inner.unwrap_or(&said);
    let bare = inner.strip_prefix("Broker: ");
    bare.or_else(|| inner.strip_prefix("Local: "))
        .unwrap_or(inner)
        .into()
}

/// librdkafka's message without the parts that only its developers need.
pub(super) fn tidy(said: &str) -> String {
    let said = said.strip_prefix("Broker: ").unwrap_or(said);
    let cut = [" (after ", " (connecting to ", ": receive 0 after POLLIN"]
        .iter()
        .filter_map(|tail| said.find(tail));
    let said = &said[..cut.min().unwrap_or(said.len())];
    said.replace("/bootstrap:", ":")
        .trim_end_matches('.')
        .into()
}

/// The name most similar to `wrong`, if any is similar enough.
pub(super) fn nearest<'a>(
    wrong: &str,
    names: impl IntoIterator<Item = &'a String>,
) -> Option<String> {
    let scored = names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name));
    let (distance, name) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= 2.max(wrong.len() / 3)).then(|| name.clone())
}

fn like(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("did you mean {name}? "))
}

fn absent_topic(topic: &str, nearest: Option<&str>) -> String {
    let making = making(topic);
    match nearest {
        Some(name) => format!("; did you mean {name}? If not, {making}"),
        None => format!("; {making}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn librdkafka_messages_are_cut_to_the_cause() {
        let said = "127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused \
                    (after 0ms in state CONNECT)";
        let cut = "127.0.0.1:1: Connect to ipv4#127.0.0.1:1 failed: Connection refused";
        assert_eq!(tidy(said), cut);
        assert_eq!(tidy("Broker: Not leader."), "Not leader");
        let large = words(RDKafkaErrorCode::MessageSizeTooLarge);
        assert_eq!(large, "Message size too large");
    }

    #[test]
    fn a_change_without_an_answer_may_have_succeeded() {
        let timed_out = Code::RD_KAFKA_RESP_ERR__TIMED_OUT;
        let delete = Doing::new("delete the topic orders", "Delete", "the topic orders");
        let said = delete
            .clone()
            .changing(false)
            .failed(timed_out, "no answer");
        assert_eq!(
            said.to_string(),
            "no answer to the request to delete the topic orders; it may have succeeded: check with \
             `millstream topic describe orders` (no answer)"
        );
        let tried = delete.changing(true).failed(timed_out, "no answer");
        assert_eq!(
            tried.to_string(),
            "can't delete the topic orders: no answer"
        );
    }

    #[test]
    fn an_absent_topic_names_the_nearest_and_the_command() {
        let names = ["orders".to_owned(), "letters".to_owned()];
        let absent = |topic: &str| ClusterError::NoTopic {
            topic: topic.into(),
            nearest: nearest(topic, &names),
        };
        assert_eq!(
            absent("ordes").to_string(),
            "topic ordes does not exist; did you mean orders? If not, create it with `millstream topic \
             create ordes`"
        );
        assert_eq!(
            absent("payments-eu").to_string(),
            "topic payments-eu does not exist; create it with `millstream topic create payments-eu`"
        );
    }
}
