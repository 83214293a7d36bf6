//! The commands of a transaction that read and write tasks.

use super::errors::unavailable;
use super::keys::Keys;
use crate::record::ClientId;
use crate::store::tasks::RESULT_MAX;
use crate::store::{StreamEvent, TaskReport, Unavailable};
use redis::{FromRedisValue, Pipeline, Value};

const REPORT: &str = include_str!("tasks/report.lua");

/// Adds an event that reports about a task: stores the event and updates the
/// task, both or neither. Without a stream only the task is updated.
pub(super) fn report(
    pipe: &mut Pipeline,
    keys: &Keys,
    event: &StreamEvent,
    task: &TaskReport,
    stream: Option<(&str, u64, &[u8])>,
) {
    let key = stream.map(|_| keys.stream(event.to, event.name));
    let (nearly, most, source) = stream.unwrap_or_default();
    let of_task = keys.task(task.id);
    let eval = pipe.cmd("EVAL").arg(REPORT);
    eval.arg(2 + usize::from(key.is_some()));
    eval.arg(of_task).arg(&keys.due).arg(key);
    eval.arg(task.id).arg(task.status).arg(u8::from(task.ends));
    eval.arg(RESULT_MAX).arg(event.data);
    eval.arg(nearly).arg(most).arg(event.kind).arg(source);
}

/// Adds queries for the owners of these tasks: one answer per task, for
/// [`owner_of`].
pub(super) fn ask_owners(pipe: &mut Pipeline, keys: &Keys, tasks: &[&str]) {
    for task in tasks {
        let key = keys.task(task.as_bytes());
        pipe.cmd("HGET").arg(key).arg("owner");
    }
}

pub(super) fn owner_of(answer: &Value) -> Result<Option<ClientId>, Unavailable> {
    let owner: Option<Vec<u8>> =
        FromRedisValue::from_redis_value_ref(answer).map_err(|e| unavailable(e.into()))?;
    Ok(owner.and_then(|owner| ClientId::new(&owner).ok()))
}

/// Whether a task has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Ended,
    Open,
    /// The task is unknown.
    Unknown,
}

/// Adds queries for whether these tasks have ended: one answer per task, for
/// [`end_of`].
pub(super) fn ask_ends(pipe: &mut Pipeline, keys: &Keys, tasks: &[&[u8]]) {
    for task in tasks {
        pipe.cmd("HMGET")
            .arg(keys.task(task))
            .arg("owner")
            .arg("ended");
    }
}

pub(super) fn end_of(answer: &Value) -> End {
    let fields: Option<[Option<Vec<u8>>; 2]> = FromRedisValue::from_redis_value_ref(answer).ok();
    match fields {
        Some([_, Some(_)]) => End::Ended,
        Some([Some(_), None]) => End::Open,
        _ => End::Unknown,
    }
}
