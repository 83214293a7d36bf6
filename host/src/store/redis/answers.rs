//! Interprets the answers of Redis.

use super::bell::Rung;
use crate::record::NO_TIME;
use crate::store::time::now_millis;
use crate::store::{Ledger, Refusal, Unavailable, Unstored};
use metrics::counter;
use redis::{FromRedisValue, ServerError, Value};

/// The result of a transaction.
pub(super) enum Outcome {
    /// It was executed.
    Done(Done),
    /// It was not executed: a watched key had changed.
    Conflict,
    /// It was not executed, for this reason.
    Refused(Unavailable),
}

/// What a transaction did. EXEC does not roll back.
#[derive(Default)]
pub(super) struct Done {
    /// The events that the store refuses, and those of tasks that have ended.
    pub unstored: Unstored,
    /// The events that Redis did not store now.
    pub missing: Vec<usize>,
    /// Whether the ledger was written.
    pub moved: bool,
    /// Redis's error for the first command that it did not execute now.
    pub trouble: Option<String>,
}

/// The positions of a transaction's commands; its events come first.
#[derive(Clone, Copy, Default)]
pub(super) struct CommandPlaces {
    pub events: usize,
    /// The command that moves the ledger, or its replacement.
    pub ledger: usize,
    /// From here on commands may be refused: the next append makes up for them.
    pub spare: Option<usize>,
    /// The ring, which may be refused: the next ring makes up for it.
    pub rung: Rung,
}

/// Parses a transaction's answers; EXEC's is the last.
pub(super) fn outcome(mut answers: Vec<Value>, places: CommandPlaces) -> Outcome {
    let sent = answers.len();
    match answers.pop() {
        Some(Value::Nil) => Outcome::Conflict,
        Some(Value::Array(all)) => {
            let done = done_of(&all, places, sent);
            // Events of a task that has ended are not stored.
            let dropped = done.unstored.dropped.len() as u64;
            counter!("millstream_task_results_dropped_total").increment(dropped);
            Outcome::Done(done)
        }
        // Not executed: report the first error, not EXECABORT.
        other => {
            let mut all = answers.iter().chain(&other);
            let said = all.find_map(error_of).map(ToString::to_string);
            let said = said.unwrap_or_else(|| "unexpected answer to EXEC".into());
            Outcome::Refused(Unavailable(format!("Redis: {said}")))
        }
    }
}

fn done_of(answers: &[Value], places: CommandPlaces, sent: usize) -> Done {
    let rung = places.rung.within(sent, answers.len());
    let mut done = Done::default();
    for (index, answer) in answers.iter().enumerate() {
        let is_event = index < places.events;
        match error_of(answer) {
            Some(_) if rung.contains(&index) => {}
            Some(_) if places.spare.is_some_and(|spare| index >= spare) => {}
            Some(error) if is_trouble(error) => {
                done.trouble.get_or_insert_with(|| error.to_string());
                done.missing.extend(is_event.then_some(index));
            }
            Some(error) if is_event => done.unstored.refused.push(Refusal {
                event: index,
                message: error.to_string(),
            }),
            None if is_event && *answer == Value::Nil => done.unstored.dropped.push(index),
            None => done.moved |= index == places.ledger,
            Some(_) => {}
        }
    }
    done
}

fn error_of(answer: &Value) -> Option<&ServerError> {
    match answer {
        Value::ServerError(error) => Some(error),
        _ => None,
    }
}

/// Whether the error is a problem of Redis itself; any other error is about the
/// command's key or value. Permissions may change between queueing and execution,
/// and those of a script are checked only at execution.
fn is_trouble(error: &ServerError) -> bool {
    const CODES: [&str; 11] = [
        "NOPERM",
        "NOAUTH",
        "OOM",
        "READONLY",
        "MISCONF",
        "LOADING",
        "MASTERDOWN",
        "NOREPLICAS",
        "CLUSTERDOWN",
        "TRYAGAIN",
        "BUSY",
    ];
    let of_script = |said: &str| CODES.iter().any(|code| said.starts_with(code));
    CODES.contains(&error.code())
        || error.details().is_some_and(|said| {
            said.starts_with("The user executing the script") || of_script(said)
        })
}

/// Parses TIME's answer, in milliseconds; our own time if TIME is not permitted.
pub(super) fn time_of(time: &Value) -> u64 {
    let read = FromRedisValue::from_redis_value_ref(time);
    read.map_or_else(
        |_| now_millis(),
        |(seconds, micros): (u64, u64)| seconds * 1000 + micros / 1000,
    )
}

/// Parses HMGET's answer; without `next` there is no ledger.
pub(super) fn ledger_of(fields: &Value) -> Result<Option<Ledger>, Unavailable> {
    type Fields = (
        Option<i64>,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<u32>,
        Option<i64>,
    );
    if let Value::ServerError(error) = fields {
        return Err(Unavailable(format!("Redis: {error}")));
    }
    let (next, topic_id, cluster_id, digests, attempts, clock): Fields =
        FromRedisValue::from_redis_value_ref(fields)
            .map_err(|e| Unavailable(format!("can't parse a ledger in Redis: {e}")))?;
    Ok(next.map(|next| Ledger {
        next,
        topic_id: topic_id.unwrap_or_default(),
        cluster_id: cluster_id.unwrap_or_default(),
        digests: digests.unwrap_or_default(),
        attempts: attempts.unwrap_or_default(),
        clock: clock.unwrap_or(NO_TIME),
    }))
}

/// Parses ZMSCORE's answer: the scores, in the requested order.
pub(super) fn scores_of(scores: &Value) -> Result<Vec<Option<f64>>, Unavailable> {
    FromRedisValue::from_redis_value_ref(scores).map_err(|e| Unavailable(format!("Redis: {e}")))
}
