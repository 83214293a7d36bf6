//! A transform for the results of tasks: each record goes unchanged to the
//! client that owns the task.
//!
//! ```toml
//! [pipeline.transform]
//! plugin = "bundled:task-results"
//! [pipeline.transform.config]
//! event-type = "task"     # the events' type; this is the default
//! tombstones = "skip"     # records without a value: "skip", "fail" or "event"; default: "fail"
//! ```
//!
//! A value such as
//!
//! ```json
//! {"taskId": "01936d1e-…", "status": "completed", "sum": 42}
//! ```
//!
//! becomes an event of type `task` with the same payload for the owner of
//! `taskId`. `taskId` and `status` are required texts; the rest is up to the
//! worker. The host keeps the status, so that `GET /v1/tasks/<taskId>` reports
//! it, and the first status of `[tasks] final` ends the task.
//!
//! A tombstone, a record without a value, fails as `malformed` by default. With
//! `"skip"` it makes no event. With `"event"` it makes one with the payload
//! `null` for the owner of the task that the record's key names; the task's
//! status does not change.

use millstream_plugin::{Config, Events, Failure, Record, Tombstones, Transform, transform};
use serde::Deserialize;
use std::borrow::Cow;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    #[serde(default = "task")]
    event_type: String,
    #[serde(default)]
    tombstones: Tombstones,
}

fn task() -> String {
    "task".into()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said<'a> {
    #[serde(borrow)]
    task_id: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
}

/// The plugin.
pub struct TaskResults {
    event_type: String,
    tombstones: Tombstones,
}

impl Transform for TaskResults {
    fn new(config: Config) -> Result<Self, String> {
        let Settings {
            event_type,
            tombstones,
        } = config.parse()?;
        Ok(TaskResults {
            event_type,
            tombstones,
        })
    }

    fn transform(&self, record: Record, events: &mut Events) -> Result<(), Failure> {
        let Some(value) = record.value() else {
            let event = |key: &str| {
                events.task(key).kind(&self.event_type).text("null");
                Ok(())
            };
            return self.tombstones.of(record, event);
        };
        let said: Said = record.json()?;
        if said.task_id.is_empty() {
            return Err(Failure::unaddressable("`taskId` is empty"));
        }
        if !(1..=256).contains(&said.status.len()) {
            return Err(Failure::malformed("`status` must have 1 to 256 bytes"));
        }
        let event = events.task(&said.task_id).kind(&self.event_type);
        event.bytes(value);
        Ok(())
    }
}

transform!(TaskResults);

#[cfg(test)]
mod tests {
    use super::*;
    use millstream_plugin::Class;
    use millstream_plugin::testing::{MadeEvent, TestRecord, TransformTest};

    fn run(config: &str, record: TestRecord) -> Result<MadeEvent, Failure> {
        let plugin = TransformTest::<TaskResults>::new(config).unwrap();
        let mut events = plugin.one(record)?;
        assert_eq!(events.len(), 1);
        Ok(events.remove(0))
    }

    #[test]
    fn a_workers_record_goes_unchanged_to_the_tasks_owner() {
        let said = r#" {"n":1.50,"taskId":"t\u00e9","status":"half","taskID":0}"#;
        for (config, kind) in [("{}", "task"), (r#"{"event-type":"job"}"#, "job")] {
            let event = run(config, TestRecord::value(said)).unwrap();
            assert_eq!((&*event.task, &*event.client), ("té", ""));
            assert_eq!((&*event.kind, &*event.payload), (kind, said));
        }
    }

    #[test]
    fn a_record_without_task_or_status_fails() {
        for (said, class) in [
            (r#"{"status":"x"}"#, Class::Malformed),
            (r#"{"taskId":"t"}"#, Class::Malformed),
            (r#"{"taskId":"t","status":""}"#, Class::Malformed),
            (r#"{"taskId":"t","status":null}"#, Class::Malformed),
            (r#"{"taskId":"t","status":1}"#, Class::Malformed),
            (r#"{"taskId":"","status":"x"}"#, Class::Unaddressable),
            ("[]", Class::Malformed),
            ("", Class::Malformed),
        ] {
            let failure = run("{}", TestRecord::value(said)).unwrap_err();
            assert_eq!(failure.class, class, "{said}: {}", failure.message);
        }
        assert!(run("{}", TestRecord::default()).is_err());
    }

    #[test]
    fn a_tombstone_is_handled_as_configured() {
        let run = |config| {
            let plugin = TransformTest::<TaskResults>::new(config).unwrap();
            plugin.one(TestRecord::tombstone().key("t1"))
        };
        for config in ["{}", r#"{"tombstones":"fail"}"#] {
            assert_eq!(run(config).unwrap_err().class, Class::Malformed);
        }
        assert_eq!(run(r#"{"tombstones":"skip"}"#), Ok(vec![]));
        let made = run(r#"{"tombstones":"event"}"#).unwrap();
        assert_eq!(made.len(), 1);
        let made = (&*made[0].task, &*made[0].kind, &*made[0].payload);
        assert_eq!(made, ("t1", "task", "null"));
    }

    #[test]
    fn an_unknown_setting_is_refused() {
        assert!(TransformTest::<TaskResults>::new(r#"{"type":"x"}"#).is_err());
    }
}
