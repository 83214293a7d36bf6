//! What Redis' answers say.

use crate::store::memory::now_millis;
use crate::store::{Ledger, Refusal, Unavailable, Unstored};
use metrics::counter;
use redis::{FromRedisValue, Value};

/// What a transaction's answers say.
pub(super) enum Outcome {
    /// It was executed, without these events.
    Done(Unstored),
    /// It was not: a watched key had changed.
    Conflict,
    /// It was not, for this reason.
    Refused(Unavailable),
}

/// Reads a transaction's answers. The first `events` inside EXEC are the
/// events'.
pub(super) fn outcome(mut answers: Vec<Value>, events: usize) -> Outcome {
    let refusal = |(event, answer): (usize, Value)| match answer {
        Value::ServerError(error) => Some(Refusal {
            event,
            message: error.to_string(),
        }),
        _ => None,
    };
    match answers.pop() {
        Some(Value::Nil) => Outcome::Conflict,
        Some(Value::Array(done)) => {
            // Of a task that has ended nothing is stored any more.
            let ended = done.iter().take(events).enumerate();
            let ended = ended.filter(|(_, answer)| **answer == Value::Nil);
            let dropped: Vec<usize> = ended.map(|(event, _)| event).collect();
            counter!("millstream_task_results_dropped_total").increment(dropped.len() as u64);
            let events = done.into_iter().take(events).enumerate();
            let refused = events.filter_map(refusal).collect();
            Outcome::Done(Unstored { refused, dropped })
        }
        // Not executed: say the first thing that was wrong, not EXECABORT.
        other => {
            let mut all = answers.into_iter().chain(other).enumerate();
            let said = all.find_map(refusal).map(|refusal| refusal.message);
            let said = said.unwrap_or_else(|| "an unexpected answer to EXEC".into());
            Outcome::Refused(Unavailable(format!("Redis: {said}")))
        }
    }
}

/// Reads TIME's answer, in milliseconds; our own time where that is not allowed.
pub(super) fn time_of(time: &Value) -> u64 {
    let read = FromRedisValue::from_redis_value_ref(time);
    read.map_or_else(
        |_| now_millis(),
        |(seconds, micros): (u64, u64)| seconds * 1000 + micros / 1000,
    )
}

/// Reads HMGET's answer: no `next`, no ledger.
pub(super) fn ledger_of(fields: &Value) -> Result<Option<Ledger>, Unavailable> {
    type Fields = (
        Option<i64>,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<u32>,
    );
    if let Value::ServerError(error) = fields {
        return Err(Unavailable(format!("Redis: {error}")));
    }
    let (next, topic_id, cluster_id, digests, attempts): Fields =
        FromRedisValue::from_redis_value_ref(fields)
            .map_err(|e| Unavailable(format!("Redis holds a ledger that can't be read: {e}")))?;
    Ok(next.map(|next| Ledger {
        next,
        topic_id: topic_id.unwrap_or_default(),
        cluster_id: cluster_id.unwrap_or_default(),
        digests: digests.unwrap_or_default(),
        attempts: attempts.unwrap_or_default(),
    }))
}

/// Reads ZMSCORE's answer: the scores, in the order asked.
pub(super) fn scores_of(scores: &Value) -> Result<Vec<Option<f64>>, Unavailable> {
    FromRedisValue::from_redis_value_ref(scores).map_err(|e| Unavailable(format!("Redis: {e}")))
}
