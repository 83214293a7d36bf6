//! Looks up the clients that own tasks.

use super::road::Road;
use crate::plugin::Made;
use crate::record::{Class, ClientId, Event, Failure, Span, Stage, TaskNews};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashMap;

/// The longest status in bytes. A longer one is ignored.
const STATUS_MAX: usize = 256;

/// The part of an event's payload that is read for its task.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
}

impl Road<'_> {
    /// Looks up the owners of all tasks that events are for, in one round trip. Waits
    /// for the store; `None` if that was given up.
    pub(in crate::pipeline) fn look_up_owners(&mut self, made: &mut Made) -> Option<()> {
        let tasks = tasks_of(made);
        if tasks.is_empty() {
            return Some(());
        }
        let Some(ends) = self.settings.tasks.clone() else {
            let why =
                "the event is for the owner of a task, but the configuration has no [tasks] table";
            address(made, |_| Err(why.into()), &[]);
            return Some(());
        };
        let asked: Vec<&str> = tasks.iter().map(String::as_str).collect();
        let owners = loop {
            match self.store.owners(&asked) {
                Ok(owners) => break owners,
                Err(error) if (self.wait)(&error) => {}
                Err(_) => return None,
            }
        };
        let owners: HashMap<_, _> = asked.into_iter().zip(owners).collect();
        let owner = |task: &str| {
            let owner = owners.get(task).cloned().flatten();
            owner.ok_or_else(|| {
                format!("task `{task}` has no owner: it is unknown, or older than [tasks] keep")
            })
        };
        address(made, owner, &ends);
        Some(())
    }
}

/// The IDs of the tasks that events are for, each once.
fn tasks_of(made: &Made) -> Vec<String> {
    let tasks = made.events.list.iter().filter_map(|event| event.task);
    let mut tasks: Vec<_> = tasks.map(|task| text(made, task.id).to_owned()).collect();
    tasks.sort_unstable();
    tasks.dedup();
    tasks
}

/// A span as text, which was checked when the events were made.
fn text(made: &Made, span: Span) -> &str {
    std::str::from_utf8(made.events.bytes(span)).unwrap_or_default()
}

/// Addresses each event for a task to the task's owner, and notes the task's status;
/// a status in `ends` ends it. If a task has no owner, the record fails with all its
/// events.
fn address(made: &mut Made, owner: impl Fn(&str) -> Result<ClientId, String>, ends: &[String]) {
    let mut failures: Vec<Failure> = Vec::new();
    for index in 0..made.events.list.len() {
        let event = made.events.list[index];
        let Some(task) = event.task else { continue };
        match owner(text(made, task.id)) {
            Ok(owner) => {
                let task = news(made, event, task.id, ends);
                let name = Span::push(&mut made.events.arena, owner.as_str().as_bytes());
                let task = Some(task);
                made.events.list[index] = Event {
                    name,
                    task,
                    ..event
                };
            }
            Err(why) if failures.last().is_none_or(|f| f.record != event.record) => {
                let class = Class::Unaddressable;
                failures.push(Failure::new(event.record, Stage::Address, class, why));
            }
            Err(_) => {}
        }
    }
    let failed = |event: &Event| failures.binary_search_by_key(&event.record, |f| f.record);
    made.events.list.retain(|event| failed(event).is_err());
    end_with_the_last(made);
    made.failures.append(&mut failures);
    made.failures.sort_by_key(|failure| failure.record);
}

/// If one of a record's events ends a task, makes the record's last event for the task
/// end it: events after the end are not stored, and all of a record's events must be.
fn end_with_the_last(made: &mut Made) {
    let mut lasts: HashMap<(u32, Vec<u8>), usize> = HashMap::new();
    for index in 0..made.events.list.len() {
        let Event { record, task, .. } = made.events.list[index];
        let Some(task) = task else { continue };
        let of = (record, made.events.bytes(task.id).to_vec());
        let Some(before) = lasts.insert(of, index) else {
            continue;
        };
        let before = made.events.list[before].task.as_mut();
        let ended = before.is_some_and(|task| std::mem::take(&mut task.ends));
        if let Some(task) = &mut made.events.list[index].task {
            task.ends |= ended;
        }
    }
}

/// What an event reports about its task.
fn news(made: &mut Made, event: Event, id: Span, ends: &[String]) -> TaskNews {
    let said: Option<Said> = serde_json::from_slice(made.events.bytes(event.payload)).ok();
    let said = said.filter(|said| said.status.len() <= STATUS_MAX);
    let Some(status) = said.map(|said| said.status.into_owned()) else {
        return TaskNews::of(id);
    };
    TaskNews {
        id,
        status: Span::push(&mut made.events.arena, status.as_bytes()),
        ends: ends.contains(&status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::StreamKind;

    /// One event for each of these: its record, its task if it is for a task's
    /// owner, its payload.
    fn made(of: &[(u32, Option<&str>, &str)]) -> Made {
        let mut made = Made::default();
        for (record, task, payload) in of {
            let arena = &mut made.events.arena;
            let name = Span::push(arena, task.unwrap_or("bob").as_bytes());
            made.events.list.push(Event {
                record: *record,
                n: 0,
                to: StreamKind::Client,
                name,
                kind: Span::push(arena, b"task"),
                payload: Span::push(arena, payload.as_bytes()),
                task: task.map(|_| TaskNews::of(name)),
            });
        }
        made
    }

    /// An event's record, its client, the status of its task, and whether that ends
    /// the task.
    type Shown = (u32, String, String, bool);

    fn addressed(mut made: Made) -> (Vec<Shown>, Vec<u32>) {
        let owner = |task: &str| match task {
            "a1" | "a2" => Ok(ClientId::new(b"ada").unwrap()),
            _ => Err("nobody".into()),
        };
        address(&mut made, owner, &["done".into()]);
        let shown = made.events.list.iter().map(|event| {
            let (status, ends) = event
                .task
                .map_or((Span::ABSENT, false), |t| (t.status, t.ends));
            let name = text(&made, event.name).to_owned();
            (event.record, name, text(&made, status).to_owned(), ends)
        });
        (
            shown.collect(),
            made.failures.iter().map(|f| f.record).collect(),
        )
    }

    #[test]
    fn events_for_tasks_go_to_their_owners_with_the_status_of_the_task() {
        let of = [
            (0, Some("a1"), r#"{"status":"half"}"#),
            (1, None, r#"{"status":"done"}"#),
            (
                2,
                Some("a2"),
                r#"{"x":{"status":"no"},"status":"d\u006fne"}"#,
            ),
            (3, Some("a1"), "no JSON"),
            (4, Some("a1"), r#"{"status":7}"#),
        ];
        let expected = [
            (0, "ada", "half", false),
            (1, "bob", "", false),
            (2, "ada", "done", true),
            (3, "ada", "", false),
            (4, "ada", "", false),
        ];
        let expected =
            expected.map(|(r, name, status, ends)| (r, name.into(), status.into(), ends));
        assert_eq!(addressed(made(&of)), (expected.to_vec(), vec![]));
    }

    #[test]
    fn the_last_of_a_records_events_for_a_task_ends_it() {
        let (done, half) = (r#"{"status":"done"}"#, r#"{"status":"half"}"#);
        let of = [
            (0, Some("a1"), done),
            (0, Some("a2"), done),
            (0, Some("a1"), half),
            (0, Some("a1"), "no JSON"),
            (1, Some("a1"), done),
            (2, Some("a2"), half),
            (2, Some("a2"), done),
        ];
        let (shown, _) = addressed(made(&of));
        let ends: Vec<bool> = shown.iter().map(|(_, _, _, ends)| *ends).collect();
        assert_eq!(ends, [false, true, false, true, true, false, true]);
    }

    #[test]
    fn a_record_with_one_event_without_an_owner_fails_with_all_its_events() {
        let of = [
            (0, Some("a1"), "{}"),
            (1, Some("a1"), "{}"),
            (1, Some("unknown"), "{}"),
            (1, Some("unknown"), "{}"),
            (1, None, "{}"),
            (2, None, "{}"),
            (3, Some("unknown"), "{}"),
        ];
        let (events, failures) = addressed(made(&of));
        let left: Vec<u32> = events.iter().map(|(record, ..)| *record).collect();
        assert_eq!((left, failures), (vec![0, 2], vec![1, 3]));
    }
}
