//! A route's answer is checked, never trusted.

use super::{Decision, Deliver, ToTopic, wire};
use crate::plugin::outgoing;
use crate::record::{Class, Failure, Span};

/// Reads one decision, or says why it is none.
pub(super) fn read(
    answer: &wire::Answer,
    decision: &wire::Decision,
) -> Result<Decision, (Class, String)> {
    let bad = |message: &str| (Class::BadOutput, message.to_string());
    let refused = Span::from(decision.refused);
    if !refused.is_absent() {
        let message = refused.of(&answer.arena).unwrap_or_default();
        let message = &message[..message.len().min(Failure::MESSAGE_MAX)];
        return Err((
            Class::Unroutable,
            String::from_utf8_lossy(message).into_owned(),
        ));
    }
    let stream = match decision.stream {
        0 => Deliver::No,
        1 => Deliver::AsConfigured,
        2 => Deliver::Always,
        3 => Deliver::WhileConnected,
        _ => return Err(bad("a delivery mode that this version doesn't know")),
    };
    if Span::from(decision.topic).is_absent() {
        return Ok(Decision {
            stream,
            topic: None,
        });
    }
    let (arena, headers) = (&answer.arena, &answer.headers);
    let topic = outgoing::topic(decision.topic, arena).map_err(|e| bad(&e))?;
    let key = outgoing::bytes(decision.key, arena).map_err(|e| bad(&e))?;
    let range = (decision.first_header, decision.header_count);
    let headers = outgoing::headers(headers, range, arena).map_err(|e| bad(&e))?;
    Ok(Decision {
        stream,
        topic: Some(ToTopic {
            topic,
            key,
            headers,
        }),
    })
}
