use super::*;
use millstream::record::{Gap, News};
use millstream::store::{NewTask, RESULT_MAX, Rate, Repeat, Taken, Task, TaskReport, Unsent};
use millstream_tests::wait_until;

const LONG: Duration = Duration::from_secs(3600);

impl Subject {
    fn take(&self, id: &str, owner: &str) -> Taken {
        self.take_with(id, owner, |_| {})
    }

    fn take_with<'a>(
        &self,
        id: &'a str,
        owner: &str,
        change: impl FnOnce(&mut NewTask<'a>),
    ) -> Taken {
        // The leaked value lives as long as the test process.
        let owner = Box::leak(Box::new(client(owner)));
        let mut new = NewTask {
            id,
            owner,
            sending: Duration::ZERO,
            timeout: LONG,
            keep: 2 * LONG,
            rate: None,
            repeat: None,
        };
        change(&mut new);
        self.runtime.block_on(self.store.take_task(&new)).unwrap()
    }

    /// As the request that took it first.
    fn give_up(&self, id: &str, repeat: Option<&str>, certain: bool) {
        self.give_up_as(1, id, repeat, certain);
    }

    fn give_up_as(&self, taking: u64, id: &str, repeat: Option<&str>, certain: bool) {
        let owner = &client("ada");
        let unsent = Unsent {
            id,
            owner,
            repeat,
            taking,
            certain,
        };
        let given_up = self.store.give_task_up(&unsent);
        self.runtime.block_on(given_up).unwrap();
    }

    fn sent(&self, id: &str) {
        let sent = self.store.task_is_sent(id);
        self.runtime.block_on(sent).unwrap();
    }

    fn task(&self, id: &str) -> Option<Task> {
        self.runtime.block_on(self.store.task(id)).unwrap()
    }

    fn time_out(&self) -> usize {
        self.runtime
            .block_on(self.store.time_tasks_out("job"))
            .unwrap()
    }

    fn owners(&self, tasks: &[&str]) -> Vec<Option<String>> {
        let owners = self.writer().owners(tasks).unwrap();
        let shown = owners
            .into_iter()
            .map(|owner| owner.map(|id| id.to_string()));
        shown.collect()
    }

    /// Appends one event to ada's stream that reports this about a task; `None`: to no stream.
    fn say(&self, offset: i64, to: Option<&str>, task: &str, status: &str, data: &str) {
        let mut writer = self.writer();
        writer.begin(&key(0), None, &at(0), false).unwrap();
        let report = TaskReport {
            id: task.as_bytes(),
            status: status.as_bytes(),
            ends: status == "done",
        };
        let mut said = events(offset, &[(to.unwrap_or("nobody"), data)]);
        said[0].task = Some(report);
        let ledger = key(0);
        let mut append = batch(&ledger, offset, offset + 1, &said);
        if to.is_none() {
            append.reports = append.events;
            append.events = &[];
        }
        assert_eq!(stored(writer.append(&mut append, None)), []);
    }
}

#[test]
fn a_task_has_its_owner_and_its_last_reported_status() {
    both(|store| {
        assert_eq!(store.take("t1", "ada"), Taken::New);
        assert_eq!(store.take("t2", "bob"), Taken::New);
        let owners = store.owners(&["t2", "none", "t1", ""]);
        assert_eq!(owners, [Some("bob".into()), None, Some("ada".into()), None]);
        assert_eq!(store.owners(&[]), []);
        let task = store.task("t1").unwrap();
        assert_eq!(
            (&*task.status, task.ended, task.result, task.updated),
            ("received", false, None, None)
        );
        assert_eq!(task.owner, client("ada"));
        assert!(task.received > 1_700_000_000_000);
        assert_eq!(store.task("none"), None);

        store.say(0, Some("ada"), "t1", "half", "1/2");
        // An event without a status leaves the status unchanged.
        store.say(1, Some("ada"), "t1", "", "still");
        let task = store.task("t1").unwrap();
        assert_eq!(
            (&*task.status, task.ended, task.result.as_deref()),
            ("half", false, Some(&b"still"[..]))
        );
        assert!(task.updated.unwrap() >= task.received);
        // An event without a stream still reports about the task.
        store.say(2, None, "t1", "most", "3/4");
        assert_eq!(store.task("t1").unwrap().status, "most");
        assert_eq!(store.data("ada"), ["1/2", "still"]);
        assert_eq!(store.task("t2").unwrap().status, "received");
    });
}

#[test]
fn a_task_ends_once_and_later_results_are_not_stored() {
    both(|store| {
        store.take("t1", "ada");
        store.say(0, Some("ada"), "t1", "done", "42");
        store.say(1, Some("ada"), "t1", "done", "a copy");
        store.say(2, Some("ada"), "t1", "half", "late");
        store.say(3, None, "t1", "half", "late");
        assert_eq!(store.data("ada"), ["42"]);
        let task = store.task("t1").unwrap();
        assert_eq!(
            (&*task.status, task.ended, task.result.as_deref()),
            ("done", true, Some(&b"42"[..]))
        );
        // The other events of the same batch are stored.
        let mut all = events(4, &[("ada", "a copy"), ("ada", "own")]);
        all[0].task = Some(TaskReport {
            id: b"t1",
            status: b"done",
            ends: true,
        });
        let ledger = key(0);
        stored(store.writer().append(&mut batch(&ledger, 4, 6, &all), None));
        assert_eq!(store.data("ada"), ["42", "own"]);
    });
}

#[test]
fn a_result_too_large_to_keep_is_still_in_the_stream() {
    both(|store| {
        store.take("t1", "ada");
        store.say(0, Some("ada"), "t1", "half", "small");
        let large = "x".repeat(RESULT_MAX + 1);
        store.say(1, Some("ada"), "t1", "most", &large);
        let task = store.task("t1").unwrap();
        assert_eq!((&*task.status, task.result), ("most", None));
        assert_eq!(store.data("ada"), ["small", &large]);
    });
}

#[test]
fn a_task_without_a_timely_result_times_out_and_its_owner_is_notified_once() {
    both(|store| {
        let soon = |new: &mut NewTask| new.timeout = Duration::from_millis(50);
        store.take_with("t1", "ada", soon);
        store.take_with("t2", "bob", soon);
        store.take_with("t3", "bob", soon);
        store.take("t4", "ada");
        store.say(0, Some("bob"), "t3", "done", "3");
        let mut rung = store.listen();
        assert_eq!(store.next(&mut rung), News::Missed);
        let told = wait_until("both time out", SOON, || {
            let told = store.time_out();
            (told > 0).then_some(told)
        });
        // Not necessarily in the same pass.
        let told = told
            + wait_until("the other task", SOON, || {
                let others = if told == 2 { 0 } else { store.time_out() };
                (told + others == 2).then_some(others)
            });
        assert_eq!((told, store.time_out()), (2, 0));
        let expected = r#"{"taskId":"t1","status":"timed-out"}"#;
        let ada = store.stream("ada");
        assert_eq!(ada.len(), 1);
        assert_eq!(
            (&*ada[0].kind, &*ada[0].data),
            (&b"job"[..], expected.as_bytes())
        );
        assert_eq!(store.data("bob"), ["3", &expected.replace("t1", "t2")]);
        let mut rang = Vec::new();
        while rang.len() < 2 {
            match store.next(&mut rung) {
                News::Streams(names) => rang.extend(names),
                other => panic!("{other:?}"),
            }
        }
        rang.sort();
        assert_eq!(rang, [client_stream("ada"), client_stream("bob")]);
        let task = store.task("t1").unwrap();
        assert_eq!((&*task.status, task.ended), ("timed-out", false));
        assert_eq!(store.task("t4").unwrap().status, "received");

        // The result of a late worker is accepted, and its task ends then.
        store.say(1, Some("ada"), "t1", "half", "1/2");
        assert_eq!(store.task("t1").unwrap().status, "half");
        wait_until("the task has its time-out again, and no more", SOON, || {
            (store.time_out() == 1).then_some(())
        });
        store.say(2, Some("ada"), "t1", "done", "at last");
        assert_eq!(store.time_out(), 0);
        assert_eq!(store.data("ada"), [expected, "1/2", expected, "at last"]);
    });
}

#[test]
fn a_task_expires_after_its_retention() {
    both(|store| {
        store.take_with("t1", "ada", |new| {
            new.timeout = Duration::from_millis(10);
            new.keep = Duration::from_millis(100);
        });
        wait_until("the task is forgotten", SOON, || {
            store.task("t1").is_none().then_some(())
        });
        assert_eq!(store.owners(&["t1"]), [None]);
        // A late result does not create the task again.
        store.say(0, Some("ada"), "t1", "done", "42");
        assert_eq!(store.task("t1"), None);
        assert_eq!(store.data("ada"), ["42"]);
        assert_eq!(store.time_out(), 0);
    });
}

fn repeat(key: &str, content: &str) -> Repeat {
    let (key, content) = (key.into(), content.into());
    Repeat { key, content }
}

/// Requests a task of ada's that may have been requested before.
fn ask(store: &Subject, id: &'static str, repeat: &Repeat, sending: Duration) -> Taken {
    let repeat: &'static Repeat = Box::leak(Box::new(repeat.clone()));
    store.take_with(id, "ada", |new| {
        new.repeat = Some(repeat);
        new.sending = sending;
    })
}

#[test]
fn a_repeated_request_is_the_same_task_and_is_sent_once() {
    both(|store| {
        let (same, other) = (repeat("k", "c"), repeat("k", "d"));
        assert_eq!(ask(store, "t1", &same, LONG), Taken::New);
        assert_eq!(ask(store, "t2", &same, LONG), Taken::Busy("t1".into()));
        assert_eq!(ask(store, "t2", &other, LONG), Taken::Differs);
        let bobs = store.take_with("t3", "bob", |new| {
            new.repeat = Some(Box::leak(Box::new(repeat("k", "c"))));
        });
        assert_eq!(bobs, Taken::New, "each client has separate keys");
        // Kafka may have it or not.
        store.give_up("t1", Some("k"), false);
        assert_eq!(ask(store, "t4", &same, LONG), Taken::Again("t1".into(), 2));
        assert_eq!(ask(store, "t5", &same, LONG), Taken::Busy("t1".into()));
        store.sent("t1");
        assert_eq!(ask(store, "t6", &same, LONG), Taken::Sent("t1".into()));
        assert_eq!(store.owners(&["t2", "t4", "t5", "t6"]), [const { None }; 4]);
    });
}

#[test]
fn a_task_not_sent_in_time_is_sent_by_the_next_request() {
    both(|store| {
        let same = repeat("k", "c");
        assert_eq!(
            ask(store, "t1", &same, Duration::from_millis(50)),
            Taken::New
        );
        let again = wait_until("the key is free", SOON, || {
            let taken = ask(store, "t2", &same, Duration::from_millis(50));
            (taken != Taken::Busy("t1".into())).then_some(taken)
        });
        assert_eq!(again, Taken::Again("t1".into(), 2));
        // The first sender is late: the next one may have sent it by now.
        store.give_up("t1", Some("k"), true);
        assert!(store.task("t1").is_some());
        let third = ask(store, "t3", &same, Duration::ZERO);
        assert_eq!(
            third,
            Taken::Busy("t1".into()),
            "the current sender is not disturbed"
        );
    });
}

/// No client may learn that a task was received only because its time-out passed.
#[test]
fn a_task_that_timed_out_unsent_is_sent_when_the_request_is_repeated() {
    both(|store| {
        let same: &'static Repeat = Box::leak(Box::new(repeat("k", "c")));
        let take = |id: &'static str| {
            store.take_with(id, "ada", |new| {
                new.repeat = Some(same);
                new.timeout = Duration::from_millis(10);
            })
        };
        assert_eq!(take("t1"), Taken::New);
        wait_until("the task times out", SOON, || {
            (store.time_out() == 1).then_some(())
        });
        assert_eq!(take("t2"), Taken::Again("t1".into(), 2));
        let task = store.task("t1").unwrap();
        assert_eq!(
            (&*task.status, task.result, task.updated),
            ("received", None, None)
        );
        wait_until("the task has its time-out again", SOON, || {
            (store.time_out() == 1).then_some(())
        });
        // A task that a worker has reported on was sent.
        store.say(0, Some("ada"), "t1", "half", "1/2");
        assert_eq!(take("t3"), Taken::Sent("t1".into()));
    });
}

#[test]
fn a_task_that_was_certainly_not_sent_is_forgotten() {
    both(|store| {
        let same = repeat("k", "c");
        assert_eq!(ask(store, "t1", &same, LONG), Taken::New);
        store.give_up("t1", Some("k"), true);
        assert_eq!((store.task("t1"), store.time_out()), (None, 0));
        assert_eq!(ask(store, "t2", &same, LONG), Taken::New);
        // The key now belongs to another task.
        store.give_up("t1", Some("k"), true);
        assert_eq!(ask(store, "t3", &same, LONG), Taken::Busy("t2".into()));
        store.sent("t2");
        store.give_up("t2", Some("k"), true);
        assert!(store.task("t2").is_some());
        store.take("t4", "ada");
        store.say(0, Some("ada"), "t4", "half", "1/2");
        store.give_up("t4", None, true);
        assert!(store.task("t4").is_some(), "a worker has the task");
        store.give_up("unknown", None, true);
        store.sent("unknown");
        assert_eq!(store.task("unknown"), None);
    });
}

#[test]
fn a_task_requested_twice_may_have_been_sent_the_first_time() {
    both(|store| {
        let same = repeat("k", "c");
        assert_eq!(ask(store, "t1", &same, LONG), Taken::New);
        // Kafka may have it; then Kafka certainly has no second copy of it.
        store.give_up("t1", Some("k"), false);
        assert_eq!(ask(store, "t2", &same, LONG), Taken::Again("t1".into(), 2));
        store.give_up_as(2, "t1", Some("k"), true);
        assert_eq!(store.owners(&["t1"]), [Some("ada".into())]);
        assert_eq!(ask(store, "t3", &same, LONG), Taken::Again("t1".into(), 3));
    });
}

#[test]
fn repeating_a_request_renews_the_tasks_retention() {
    both(|store| {
        let same: &'static Repeat = Box::leak(Box::new(repeat("k", "c")));
        let take = |keep: Duration| {
            store.take_with("t1", "ada", |new| {
                new.repeat = Some(same);
                new.keep = keep;
            })
        };
        let short = Duration::from_secs(2);
        assert_eq!(take(short), Taken::New);
        store.say(0, Some("ada"), "t1", "done", "42");
        assert_eq!(take(LONG), Taken::Sent("t1".into()));
        // It does not expire when its first retention ends.
        store.take_with("t2", "bob", |new| new.keep = short);
        wait_until("a later task is forgotten", SOON, || {
            store.task("t2").is_none().then_some(())
        });
        assert!(store.task("t1").is_some());
        assert_eq!(take(short), Taken::Sent("t1".into()));
        assert!(store.task("t1").is_some());
    });
}

#[test]
fn a_tasks_time_out_starts_when_it_is_sent() {
    both(|store| {
        store.take_with("t1", "ada", |new| {
            new.sending = LONG;
            new.timeout = Duration::from_millis(1);
        });
        assert_eq!(store.time_out(), 0);
        store.sent("t1");
        wait_until("the task times out", SOON, || {
            (store.time_out() == 1).then_some(())
        });
    });
}

#[test]
fn a_client_over_its_rate_learns_how_long_to_wait() {
    both(|store| {
        let rate = Rate {
            per_second: 0.5,
            burst: 3,
        };
        let ask = |id, owner: &str| store.take_with(id, owner, |new| new.rate = Some(rate));
        for id in ["t1", "t2", "t3"] {
            assert_eq!(ask(id, "ada"), Taken::New);
        }
        let Taken::Limited(wait) = ask("t4", "ada") else {
            panic!("the fourth task was accepted at once");
        };
        assert!(
            !wait.is_zero() && wait <= Duration::from_secs(2),
            "{wait:?}"
        );
        assert_eq!(store.owners(&["t4"]), [None]);
        assert_eq!(ask("t5", "bob"), Taken::New);
        wait_until("the next task, within its time", SOON, || {
            (ask("t4", "ada") == Taken::New).then_some(())
        });
    });
}

#[test]
fn a_task_times_out_although_its_owners_stream_is_broken() {
    let store = Subject::redis(&servers().redis.url());
    let key = format!("{}:{{0}}:client:ada", store.prefix);
    let mut redis = servers().redis.connect();
    let _: () = redis::cmd("SET")
        .arg(&key)
        .arg("x")
        .query(&mut redis)
        .unwrap();
    store.take_with("t1", "ada", |new| new.timeout = Duration::from_millis(1));
    store.take_with("t2", "bob", |new| new.timeout = Duration::from_millis(1));
    wait_until("bob is notified", SOON, || {
        store.time_out();
        (store.data("bob").len() == 1).then_some(())
    });
    assert_eq!(store.task("t1").unwrap().status, "timed-out");
}

#[test]
fn deleting_a_clients_events_leaves_other_streams_alone() {
    both(|store| {
        let mut writer = store.writer();
        writer.begin(&key(0), None, &at(0), false).unwrap();
        let two = [("ada", "1"), ("bob", "2"), ("ada", "3")];
        append(&mut *writer, &key(0), 0, &two);
        let emptied = |name| {
            let client = client(name);
            let emptied = store.store.empty_stream(&client);
            store.runtime.block_on(emptied).unwrap()
        };
        assert_eq!([emptied("ada"), emptied("ada"), emptied("eve")], [2, 0, 0]);
        assert_eq!((store.data("ada").len(), store.data("bob").len()), (0, 1));
        let began = store.page("ada", Some(StreamId::default()), 9, true);
        assert_eq!(began.gap, Some(Gap::Trimmed));
    });
}
