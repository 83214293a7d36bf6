//! Tasks in memory.

use super::{MemoryStore, State, Stream};
use crate::record::{ClientId, News, StreamName};
use crate::store::tasks::{RECEIVED, RESULT_MAX, TIMED_OUT, timed_out};
use crate::store::time::now_millis;
use crate::store::{NewTask, Repeat, Retention, StreamEvent, Taken, Task, Unsent};
use bytes::Bytes;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// All known tasks. Expired ones are removed when a new one is taken.
#[derive(Default)]
pub(super) struct Tasks {
    known: HashMap<String, Known>,
    /// Earlier requests, by owner and idempotency key.
    repeats: HashMap<(ClientId, String), (Repeat, String)>,
    /// For each client, when its rate limit has recovered fully.
    paid: HashMap<ClientId, Instant>,
}

struct Known {
    task: Task,
    timeout: Duration,
    keep: Duration,
    /// When it times out; `None` once it has timed out or ended.
    due: Option<Instant>,
    expires: Instant,
    /// The deadline for its taker to send it.
    until: Instant,
    /// How many times it was taken.
    taken: u64,
    sent: bool,
}

impl Known {
    fn new(new: &NewTask<'_>, now: Instant) -> Known {
        let task = Task {
            owner: new.owner.clone(),
            status: RECEIVED.into(),
            ended: false,
            result: None,
            received: now_millis(),
            updated: None,
        };
        Known {
            task,
            timeout: new.timeout,
            keep: new.keep,
            due: Some(now + new.sending + new.timeout),
            expires: now + new.sending + new.keep,
            until: now + new.sending,
            taken: 1,
            sent: false,
        }
    }
}

impl Tasks {
    fn get(&self, id: &str) -> Option<&Known> {
        let known = self.known.get(id)?;
        (known.expires > Instant::now()).then_some(known)
    }

    pub(super) fn owner(&self, id: &str) -> Option<ClientId> {
        Some(self.get(id)?.task.owner.clone())
    }

    /// Applies an event's report to its task. Returns whether the event is to be
    /// stored: false if the task has already ended.
    pub(super) fn report(&mut self, event: &StreamEvent) -> bool {
        let Some(report) = &event.task else {
            return true;
        };
        let id = std::str::from_utf8(report.id).unwrap_or_default();
        let now = Instant::now();
        let known = self.known.get_mut(id);
        let Some(known) = known.filter(|known| known.expires > now) else {
            return true;
        };
        if known.task.ended {
            return false;
        }
        if !report.status.is_empty() {
            known.task.status = String::from_utf8_lossy(report.status).into_owned();
        }
        let kept = event.data.len() <= RESULT_MAX;
        known.task.result = kept.then(|| Bytes::copy_from_slice(event.data));
        known.task.ended = report.ends;
        known.task.updated = Some(now_millis());
        known.sent = true;
        known.due = (!report.ends).then(|| now + known.timeout);
        known.expires = now + known.keep;
        true
    }

    /// How long the client must wait, if it exceeds its rate.
    fn limit(&mut self, new: &NewTask<'_>) -> Option<Duration> {
        let rate = new.rate?;
        let now = Instant::now();
        let each = Duration::from_secs_f64(1.0 / rate.per_second);
        let paid = self.paid.entry(new.owner.clone()).or_insert(now);
        *paid = (*paid).max(now);
        let wait = (*paid - now).saturating_sub(each * rate.burst.saturating_sub(1));
        if !wait.is_zero() {
            return Some(wait);
        }
        *paid += each;
        None
    }

    fn forget_expired(&mut self) {
        let now = Instant::now();
        self.known.retain(|_, known| known.expires > now);
        let known = &self.known;
        self.repeats.retain(|_, (_, id)| known.contains_key(id));
        self.paid.retain(|_, paid| *paid > now);
    }

    fn take(&mut self, new: &NewTask<'_>) -> Taken {
        self.forget_expired();
        let now = Instant::now();
        if let Some(repeat) = new.repeat {
            let key = (new.owner.clone(), repeat.key.clone());
            if let Some((before, id)) = self.repeats.get(&key)
                && let Some(known) = self.known.get_mut(id)
            {
                if before.content != repeat.content {
                    return Taken::Differs;
                }
                let id = id.clone();
                known.expires = known.expires.max(now + new.keep);
                if known.sent {
                    return Taken::Sent(id);
                }
                if now < known.until {
                    return Taken::Busy(id);
                }
                let taken = known.taken + 1;
                *known = Known::new(new, now);
                known.taken = taken;
                return Taken::Again(id, taken);
            }
        }
        if let Some(wait) = self.limit(new) {
            return Taken::Limited(wait);
        }
        self.known.insert(new.id.into(), Known::new(new, now));
        if let Some(repeat) = new.repeat {
            let key = (new.owner.clone(), repeat.key.clone());
            self.repeats.insert(key, (repeat.clone(), new.id.into()));
        }
        Taken::New
    }

    fn give_up(&mut self, unsent: &Unsent<'_>) {
        let Unsent { id, taking, .. } = *unsent;
        let ours = |known: &&mut Known| !known.sent && known.taken == taking;
        let Some(known) = self.known.get_mut(id).filter(ours) else {
            return;
        };
        if !unsent.certain || taking != 1 {
            known.until = Instant::now();
            return;
        }
        self.known.remove(id);
        let key = unsent.repeat.map(|key| (unsent.owner.clone(), key.into()));
        let is = |key: &(ClientId, String)| self.repeats.get(key).is_some_and(|(_, of)| of == id);
        if let Some(key) = key.filter(is) {
            self.repeats.remove(&key);
        }
    }

    /// Times out the tasks that are due, and returns them.
    fn time_out(&mut self) -> Vec<(String, ClientId)> {
        let now = Instant::now();
        let mut out = Vec::new();
        for (id, known) in &mut self.known {
            let is_due = known.due.is_some_and(|due| due <= now);
            if is_due && known.expires > now {
                known.due = None;
                known.expires = now + known.keep;
                known.task.status = TIMED_OUT.into();
                known.task.result = Some(timed_out(id).into());
                known.task.updated = Some(now_millis());
                out.push((id.clone(), known.task.owner.clone()));
            }
        }
        out
    }
}

impl State {
    fn tell(&mut self, owner: ClientId, id: &str, kind: &str, kept: Retention) -> StreamName {
        let name = StreamName::Client(owner);
        let stream: &mut Stream = self.streams.entry(name.clone()).or_default();
        stream.push(kind.as_bytes(), timed_out(id).as_bytes(), kept);
        name
    }
}

impl MemoryStore {
    pub(in crate::store) fn take_task(&self, new: &NewTask<'_>) -> Taken {
        self.state().tasks.take(new)
    }

    pub(in crate::store) fn task_is_sent(&self, id: &str) {
        if let Some(known) = self.state().tasks.known.get_mut(id)
            && !known.sent
        {
            known.sent = true;
            known.due = Some(Instant::now() + known.timeout);
        }
    }

    pub(in crate::store) fn give_task_up(&self, unsent: &Unsent<'_>) {
        self.state().tasks.give_up(unsent);
    }

    pub(in crate::store) fn task(&self, id: &str) -> Option<Task> {
        Some(self.state().tasks.get(id)?.task.clone())
    }

    pub(in crate::store) fn time_tasks_out(&self, kind: &str) -> usize {
        let kept = self.shared.retention;
        let mut state = self.state();
        let out = state.tasks.time_out();
        let told = out.into_iter();
        let told: Vec<_> = told
            .map(|(id, owner)| state.tell(owner, &id, kind, kept))
            .collect();
        drop(state);
        let count = told.len();
        self.ring(News::Streams(told));
        count
    }
}
