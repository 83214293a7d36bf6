//! Tasks in Redis. What looks before it writes is a script: nothing comes
//! between.

use super::bell;
use super::commands::{self, Keys};
use super::{RedisStore, unavailable};
use crate::record::ClientId;
use crate::store::memory::millis;
use crate::store::tasks::{RECEIVED, RESULT_MAX, TIMED_OUT};
use crate::store::{NewTask, StreamEvent, Taken, Task, TaskReport, Unavailable, Unsent};
use redis::{FromRedisValue, Pipeline, Value};
use std::collections::HashMap;
use std::time::Duration;

const TAKE: &str = include_str!("tasks/take.lua");
const SENT: &str = include_str!("tasks/sent.lua");
const GIVE_UP: &str = include_str!("tasks/give_up.lua");
const REPORT: &str = include_str!("tasks/report.lua");
const TIME_OUT: &str = include_str!("tasks/time_out.lua");

/// Tasks that one look times out: they hold Redis up for less than a
/// millisecond.
const SOME: usize = 100;

/// Adds an event that says something of a task: the two go together, or
/// neither does. Without a stream only the task is told.
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

/// Adds the question who owns these tasks: an answer a task, of [`owner_of`].
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
    /// Nothing is known of it, and nothing is noted.
    Unknown,
}

/// Adds the question which of these tasks have ended: an answer a task, of
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

impl RedisStore {
    pub(in crate::store) async fn take_task(
        &self,
        new: &NewTask<'_>,
    ) -> Result<Taken, Unavailable> {
        let owner = new.owner.as_str();
        let repeat = new
            .repeat
            .map(|repeat| self.keys.repeat(owner, &repeat.key));
        let content = new.repeat.map_or("", |repeat| &repeat.content);
        let (per_second, burst) = new.rate.map_or((0.0, 0), |r| (r.per_second, r.burst));
        let mut pipe = redis::pipe();
        let eval = pipe.cmd("EVAL").arg(TAKE);
        eval.arg(3 + usize::from(repeat.is_some()));
        eval.arg(self.keys.task(new.id.as_bytes()))
            .arg(&self.keys.due);
        eval.arg(self.keys.rate(owner)).arg(repeat);
        eval.arg(new.id).arg(owner).arg(RECEIVED);
        eval.arg(millis(new.timeout)).arg(millis(new.keep));
        eval.arg(millis(new.sending));
        eval.arg(per_second).arg(burst);
        eval.arg(self.keys.task(b"")).arg(content);
        let ((word, text, number),): ((String, String, u64),) = self.query(&pipe).await?;
        Ok(match &*word {
            "new" => Taken::New,
            "again" => Taken::Again(text, number),
            "busy" => Taken::Busy(text),
            "sent" => Taken::Sent(text),
            "differs" => Taken::Differs,
            _ => Taken::Limited(Duration::from_millis(number)),
        })
    }

    pub(in crate::store) async fn task_is_sent(&self, id: &str) -> Result<(), Unavailable> {
        let mut pipe = redis::pipe();
        let eval = pipe.cmd("EVAL").arg(SENT).arg(2);
        eval.arg(self.keys.task(id.as_bytes())).arg(&self.keys.due);
        eval.arg(id).ignore();
        self.query(&pipe).await
    }

    pub(in crate::store) async fn give_task_up(
        &self,
        unsent: &Unsent<'_>,
    ) -> Result<(), Unavailable> {
        let owner = unsent.owner.as_str();
        let repeat = unsent.repeat.map(|key| self.keys.repeat(owner, key));
        let mut pipe = redis::pipe();
        let eval = pipe.cmd("EVAL").arg(GIVE_UP);
        eval.arg(2 + usize::from(repeat.is_some()));
        eval.arg(self.keys.task(unsent.id.as_bytes()))
            .arg(&self.keys.due)
            .arg(repeat);
        eval.arg(unsent.id).arg(u8::from(unsent.certain));
        eval.arg(unsent.taking).ignore();
        self.query(&pipe).await
    }

    pub(in crate::store) async fn task(&self, id: &str) -> Result<Option<Task>, Unavailable> {
        let mut pipe = redis::pipe();
        pipe.cmd("HGETALL").arg(self.keys.task(id.as_bytes()));
        let (mut fields,): (HashMap<String, Vec<u8>>,) = self.query(&pipe).await?;
        let mut take = |name: &str| fields.remove(name);
        let owner = take("owner").and_then(|owner| ClientId::new(&owner).ok());
        let (Some(owner), Some(status)) = (owner, take("status")) else {
            return Ok(None);
        };
        let number = |of: Vec<u8>| std::str::from_utf8(&of).ok()?.parse().ok();
        Ok(Some(Task {
            owner,
            status: String::from_utf8_lossy(&status).into_owned(),
            ended: take("ended").is_some(),
            result: take("result").map(Into::into),
            received: take("received").and_then(number).unwrap_or_default(),
            updated: take("updated").and_then(number),
        }))
    }

    /// Ends the time of those that got no news in it, and tells their owners.
    pub(in crate::store) async fn time_tasks_out(&self, kind: &str) -> Result<usize, Unavailable> {
        let retention = self.settings.retention;
        let mut all = 0;
        loop {
            let mut pipe = redis::pipe();
            let eval = pipe.cmd("EVAL").arg(TIME_OUT).arg(3);
            eval.arg(&self.keys.due).arg(&self.keys.bell);
            eval.arg(&self.keys.news);
            eval.arg(self.keys.task(b"")).arg(self.keys.client(b""));
            eval.arg(SOME).arg(TIMED_OUT).arg(kind);
            eval.arg(commands::nearly(retention.max_events))
                .arg(retention.max_events);
            eval.arg(millis(retention.idle_expiry));
            eval.arg(bell::KEPT).arg(millis(bell::LEASE));
            let ((seen, told),): ((usize, usize),) = self.query(&pipe).await?;
            all += told;
            if seen < SOME {
                return Ok(all);
            }
        }
    }
}
