//! A route's answer is checked, never trusted.

use super::types::{Decision, StreamDelivery, ToTopic};
use crate::plugin::abi::{Header, route as wire};
use crate::plugin::outgoing;
use crate::plugin::room::Size;
use crate::record::{Class, Failure, Span};
use bytes::Bytes;

/// An answer whose bytes are shared by the decisions read from it.
pub(super) struct Answer {
    pub arena: Bytes,
    headers: Vec<Header>,
    pub decisions: Vec<wire::Decision>,
}

impl From<wire::Answer> for Answer {
    fn from(answer: wire::Answer) -> Answer {
        Answer {
            arena: answer.arena.0.into(),
            headers: answer.headers.0,
            decisions: answer.decisions.0,
        }
    }
}

/// The size of decisions, written out.
pub(super) fn size(decisions: &[Option<Decision>]) -> Size {
    let mut size = Size::default();
    let topics = decisions.iter().flatten().filter_map(|d| d.topic.as_ref());
    for to in topics {
        let key = to.key.as_ref().map_or(0, Bytes::len);
        size.add_event([to.topic.len(), key, outgoing::size_of(&to.headers)]);
    }
    size
}

/// Reads one decision, or says why it is invalid.
#[inline]
pub(super) fn read(
    answer: &Answer,
    decision: &wire::Decision,
) -> Result<Decision, (Class, String)> {
    let refused = Span::from(decision.refused);
    if !refused.is_absent() {
        return Err(refusal(answer, refused));
    }
    let stream = match decision.stream {
        0 => StreamDelivery::No,
        1 => StreamDelivery::AsConfigured,
        2 => StreamDelivery::Always,
        3 => StreamDelivery::WhileConnected,
        _ => {
            return Err(bad("the delivery mode is unknown to this version"));
        }
    };
    let topic = match Span::from(decision.topic).is_absent() {
        true => None,
        false => Some(to_topic(answer, decision)?),
    };
    Ok(Decision { stream, topic })
}

#[cold]
fn bad(message: &str) -> (Class, String) {
    (Class::BadOutput, message.to_string())
}

#[cold]
fn refusal(answer: &Answer, refused: Span) -> (Class, String) {
    let message = refused.of(&answer.arena).unwrap_or_default();
    let message = &message[..message.len().min(Failure::MESSAGE_MAX)];
    (
        Class::Unroutable,
        String::from_utf8_lossy(message).into_owned(),
    )
}

/// Not inlined: most events go to no topic.
#[inline(never)]
fn to_topic(answer: &Answer, decision: &wire::Decision) -> Result<Box<ToTopic>, (Class, String)> {
    let (arena, headers) = (&answer.arena, &answer.headers);
    let topic = outgoing::topic(decision.topic, arena).map_err(|e| bad(&e))?;
    let key = outgoing::bytes(decision.key, arena).map_err(|e| bad(&e))?;
    let range = (decision.first_header, decision.header_count);
    let headers = outgoing::headers(headers, range, arena).map_err(|e| bad(&e))?;
    Ok(Box::new(ToTopic {
        topic,
        key,
        headers,
        encoded: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::anything::{arena, headers, number, span};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_decision_is_read_or_refused_with_a_reason(
            (arena, headers) in (arena(), headers()),
            (stream, first_header, header_count) in (number(), number(), number()),
            (topic, key, refused) in (span(), span(), span()),
        ) {
            let decision = wire::Decision {
                stream,
                topic,
                key,
                first_header,
                header_count,
                refused,
            };
            let decisions = Vec::new();
            let answer = Answer { arena: arena.into(), headers, decisions };
            match read(&answer, &decision) {
                Ok(decision) => {
                    prop_assert!(size(&[Some(decision)]).events <= 1);
                }
                Err((class, message)) => {
                    prop_assert!(class == Class::Unroutable || !message.is_empty());
                }
            }
        }
    }
}
