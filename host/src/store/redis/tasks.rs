//! Tasks in Redis. Operations that read before they write are scripts, so they
//! are atomic.

use super::bell;
use super::store::RedisStore;
use super::trim::nearly;
use crate::record::ClientId;
use crate::store::tasks::{RECEIVED, TIMED_OUT};
use crate::store::time::millis;
use crate::store::{NewTask, Taken, Task, Unavailable, Unsent};

use std::collections::HashMap;
use std::time::Duration;

const TAKE: &str = include_str!("tasks/take.lua");
const SENT: &str = include_str!("tasks/sent.lua");
const GIVE_UP: &str = include_str!("tasks/give_up.lua");
const TIME_OUT: &str = include_str!("tasks/time_out.lua");

/// The maximum number of tasks that one script call times out: it blocks Redis
/// for less than a millisecond.
const SOME: usize = 100;

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

    /// Times out the tasks without news, and notifies their owners.
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
            eval.arg(nearly(retention.max_events))
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
