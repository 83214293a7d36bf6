//! Many users, and workers that are killed while they do their tasks.

use super::SOON;
use super::rig::Rig;
use super::worker::{Worker, is_final};
use millstream_tests::{Message, produce, read_all, wait_until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const USERS: usize = 50;
const TASKS: usize = 20;
const SHORT_SESSION: [&str; 4] = [
    "-X",
    "session.timeout.ms=2000",
    "-X",
    "heartbeat.interval.ms=500",
];

/// The final results of each task, by its id.
type Ends = BTreeMap<String, Vec<Value>>;

/// Task `n` of a user, and its only correct result.
fn task(user: usize, n: usize) -> (Value, Value) {
    match n % 10 {
        0 => {
            let payload = json!({ "kind": "slow", "seconds": 0.0625, "note": user });
            (payload, json!({ "slept": 0.0625 }))
        }
        _ => {
            let payload = json!({ "kind": "sum", "numbers": [1000 * user, n, 0.5] });
            (payload, json!({ "sum": (1000 * user + n) as f64 + 0.5 }))
        }
    }
}

fn note(ends: &mut Ends, said: &Value) -> bool {
    let is = is_final(said);
    if is {
        let id = said["taskId"].as_str().unwrap().to_owned();
        ends.entry(id).or_default().push(said.clone());
    }
    is
}

/// Submits a user's tasks while the user's page is open, and reads until all of them have ended.
fn use_it(rig: &Rig, user: usize, ended: &AtomicUsize) -> (Ends, Ends) {
    let name = format!("user-{user}");
    let mut page = rig.listen(&name);
    let (mut expected, mut got) = (Ends::new(), Ends::new());
    for n in 0..TASKS {
        let (payload, result) = task(user, n);
        let id = rig.submit(&name, &payload);
        let end = json!({ "taskId": id, "status": "completed", "result": result });
        expected.insert(id, vec![end]);
    }
    let mut count = 0;
    while count < TASKS {
        let event = page.next_event(SOON).expect("an event of a task");
        assert_eq!(event.event.as_deref(), Some("task"));
        let said: Value = serde_json::from_str(event.data.as_deref().unwrap()).unwrap();
        let id = said["taskId"].as_str().unwrap();
        assert!(expected.contains_key(id), "{name} gets events of task {id}");
        if note(&mut got, &said) {
            count += 1;
            ended.fetch_add(1, Ordering::Relaxed);
        }
    }
    (expected, got)
}

fn kill_after(worker: &Worker, ended: &AtomicUsize, count: usize) {
    wait_until(&format!("{count} tasks have ended"), SOON, || {
        worker.assert_running();
        (ended.load(Ordering::Relaxed) >= count).then_some(())
    });
    worker.process.kill();
}

#[test]
fn a_thousand_tasks_end_once_each_for_their_owners_although_workers_are_killed() {
    let rig = Rig::start(4);
    let ended = AtomicUsize::new(0);
    let users: Vec<(Ends, Ends)> = thread::scope(|scope| {
        let (rig, ended) = (&rig, &ended);
        let users: Vec<_> = (0..USERS)
            .map(|user| scope.spawn(move || use_it(rig, user, ended)))
            .collect();
        kill_after(&rig.topics.worker(&SHORT_SESSION), ended, 200);
        kill_after(&rig.topics.worker(&SHORT_SESSION), ended, 600);
        let last = rig.topics.worker(&SHORT_SESSION);
        let users = users.into_iter().map(|user| user.join().unwrap()).collect();
        rig.topics.wait_committed();
        last.stop();
        users
    });

    // A worker that dies between a result and its commit leaves a copy. This makes a copy of every
    // result.
    let said = read_all(&rig.topics.results);
    let copies = said.iter().map(|record| {
        let copy = Message::new(record.value.clone().unwrap());
        copy.key(record.key.clone().unwrap())
            .partition(record.partition)
    });
    produce(&rig.topics.results, copies.collect::<Vec<_>>());
    let everywhere = (0..4).map(|partition| {
        let id = rig.submit("last", &json!({ "kind": "sum", "numbers": [] }));
        let end = json!({ "taskId": id, "status": "completed" });
        Message::new(end.to_string()).key(id).partition(partition)
    });
    produce(&rig.topics.results, everywhere.collect::<Vec<_>>());
    wait_until("the records behind the copies are stored", SOON, || {
        (rig.stored("last").len() == 4).then_some(())
    });

    for (user, (expected, got)) in users.iter().enumerate() {
        assert_eq!(got, expected, "events of user-{user}'s page");
        let mut stored = Ends::new();
        for entry in rig.stored(&format!("user-{user}")) {
            let said: Value = serde_json::from_str(&entry.data).unwrap();
            note(&mut stored, &said);
            assert!(expected.contains_key(said["taskId"].as_str().unwrap()));
        }
        assert_eq!(&stored, expected, "stored events of user-{user}");
    }
}

#[test]
fn only_the_owner_of_a_task_gets_its_failure() {
    let rig = Rig::start(1);
    let worker = rig.topics.worker(&[]);
    let (mut ada, mut grace) = (rig.listen("ada"), rig.listen("grace"));
    let poison = rig.submit("ada", &json!({ "kind": "poison" }));
    let sum = rig.submit("grace", &json!({ "kind": "sum", "numbers": [1, 2] }));
    let data = |frame: millstream_tests::Frame| -> Value {
        serde_json::from_str(frame.data.as_deref().unwrap()).unwrap()
    };
    let told = data(ada.next_event(SOON).unwrap());
    assert_eq!(
        (&told["taskId"], &told["status"]),
        (&json!(poison), &json!("failed"))
    );
    let told = data(grace.next_event(SOON).unwrap());
    assert_eq!(
        (&told["taskId"], &told["result"]),
        (&json!(sum), &json!({ "sum": 3 }))
    );
    assert_eq!(rig.status("ada", &poison)["status"], "failed");
    assert_eq!(rig.status("grace", &poison)["status"], 404);
    assert_eq!(
        rig.topics.letters(1)[0].key.as_deref(),
        Some(poison.as_bytes())
    );
    worker.stop();
}
