//! Workers that come and go in the midst of their tasks.

use super::SOON;
use super::worker::{Topics, Worker, is_final};
use millstream_tests::{produce, servers, unique, wait_until};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;

/// Whoever does not leave the group is missed after this long only: tests that see a worker's
/// partitions move sooner know that it left.
const LONG_SESSION: [&str; 2] = ["-X", "session.timeout.ms=45000"];
const SHORT_SESSION: [&str; 6] = [
    "-X",
    "session.timeout.ms=2000",
    "-X",
    "heartbeat.interval.ms=500",
    "-X",
    "max.poll.interval.ms=3000",
];

fn sum(n: usize) -> Value {
    json!({ "kind": "sum", "numbers": [n, 1] })
}

/// How often each task ended, once all of them have.
fn ends(topics: &Topics<'_>, count: usize) -> BTreeMap<String, usize> {
    wait_until("every task ends", SOON, || {
        let mut ends = BTreeMap::new();
        for result in topics.results().iter().filter(|result| is_final(result)) {
            let id = result["taskId"].as_str().unwrap();
            *ends.entry(id.to_owned()).or_default() += 1;
        }
        (ends.len() >= count).then_some(ends)
    })
}

fn wait_running(topics: &Topics<'_>, id: &str) {
    wait_until(&format!("{id} runs"), SOON, || {
        let results = topics.results();
        let runs = |result: &Value| result["taskId"] == id && result["status"] == "running";
        results.iter().any(runs).then_some(())
    });
}

#[test]
fn sigterm_finishes_the_task_in_hand_leaves_the_group_and_loses_nothing() {
    let topics = Topics::create(2);
    let worker = topics.worker(&LONG_SESSION);
    topics.ask("slow", &json!({ "kind": "slow", "seconds": 2 }));
    wait_running(&topics, "slow");
    let requests = (0..40).map(|n| topics.request(&format!("t-{n}"), &sum(n)));
    produce(&topics.requests, requests);
    worker.stop();
    assert_eq!(topics.end_of("slow")["status"], "completed");

    let began = Instant::now();
    let next = topics.worker(&LONG_SESSION);
    let took = began.elapsed();
    assert!(
        took.as_secs() < 20,
        "{took:?}: the one before did not leave"
    );
    let ends = ends(&topics, 41);
    assert!(ends.values().all(|times| *times == 1), "{ends:?}");
    topics.wait_committed();
    next.stop();
}

#[test]
fn a_worker_that_is_stopped_between_attempts_gives_its_task_back() {
    let topics = Topics::create(1);
    let flaky = json!({ "kind": "flaky", "failures": 1 });
    topics.ask("t-1", &flaky);
    let worker = topics.worker(&["--backoff", "600"]);
    worker.wait_log("task t-1: retrying in");
    worker.stop();
    worker.wait_log("leaving it to another worker");
    let next = topics.worker(&[]);
    assert_eq!(topics.end_of("t-1")["status"], "completed");
    topics.wait_committed();
    next.stop();
}

#[test]
fn a_second_signal_ends_a_worker_at_once_and_its_task_is_done_by_another() {
    let topics = Topics::create(1);
    let worker = topics.worker(&SHORT_SESSION);
    topics.ask("t-1", &json!({ "kind": "slow", "seconds": 4 }));
    wait_running(&topics, "t-1");
    worker.process.signal(Signal::INT);
    worker.wait_log("SIGINT: finishing the task in hand");
    worker.process.signal(Signal::INT);
    let status = worker.process.wait_exit("the worker", SOON);
    assert!(!status.success());
    let next = topics.worker(&[]);
    assert_eq!(topics.end_of("t-1")["result"], json!({ "slept": 4 }));
    topics.wait_committed();
    next.stop();
}

#[test]
fn a_task_may_take_longer_than_a_worker_may_go_without_polling() {
    let topics = Topics::create(1);
    let worker = topics.worker(&SHORT_SESSION);
    topics.ask("long", &json!({ "kind": "slow", "seconds": 6 }));
    topics.ask("next", &sum(1));
    assert_eq!(ends(&topics, 2).into_values().sum::<usize>(), 2);
    topics.wait_committed();
    assert_eq!(worker.log.find("lost"), None);
    worker.stop();
}

#[test]
fn workers_that_join_and_leave_take_over_and_do_no_task_twice() {
    let topics = Topics::create(4);
    let long = || json!({ "kind": "slow", "seconds": 2.5 });
    let first = topics.worker(&[]);
    let ids: Vec<String> = (0..4).map(|n| unique(&format!("t-{n}"))).collect();
    let on_each = ids.iter().zip(0..);
    let on_each = on_each.map(|(id, partition)| topics.request(id, &long()).partition(partition));
    produce(&topics.requests, on_each);
    wait_until("a long task runs", SOON, || {
        (!topics.results().is_empty()).then_some(())
    });
    // The partition of the task in hand may be taken away: it is given time to end before.
    let others: Vec<Worker> = (0..3).map(|_| topics.start(&[])).collect();
    let ends = ends(&topics, 4);
    assert!(ends.values().all(|times| *times == 1), "{ends:?}");
    topics.wait_committed();
    first.stop();
    others.iter().for_each(Worker::stop);
}

#[test]
fn a_killed_worker_s_task_is_done_by_another() {
    let topics = Topics::create(1);
    let worker = topics.worker(&SHORT_SESSION);
    topics.ask("t-1", &json!({ "kind": "slow", "seconds": 3 }));
    wait_running(&topics, "t-1");
    worker.process.kill();
    let next = topics.worker(&SHORT_SESSION);
    assert_eq!(topics.end_of("t-1")["result"], json!({ "slept": 3 }));
    topics.wait_committed();
    next.stop();
}

#[test]
fn a_worker_that_the_group_missed_commits_nothing_of_what_others_have_now() {
    let topics = Topics::create(1);
    let frozen = topics.worker(&SHORT_SESSION);
    topics.ask("t-1", &json!({ "kind": "slow", "seconds": 3 }));
    wait_running(&topics, "t-1");
    frozen.process.freeze();
    let next = topics.worker(&SHORT_SESSION); // once the group has missed the first
    assert_eq!(topics.end_of("t-1")["status"], "completed");
    topics.wait_committed();
    frozen.process.signal(Signal::CONT);
    frozen.wait_log("lost: requests");
    topics.ask("t-2", &sum(1));
    assert_eq!(topics.end_of("t-2")["result"], json!({ "sum": 2 }));
    topics.wait_committed();
    // What it was working on it ended, too: a copy, with the same words.
    let copies = wait_until("the frozen one ends its task", SOON, || {
        let mut copies = topics.results_of("t-1");
        copies.retain(is_final);
        (copies.len() == 2).then_some(copies)
    });
    assert_eq!(copies[0], copies[1]);
    next.stop();
    frozen.stop();
}

#[test]
fn a_task_that_outlasts_a_rebalance_is_done_again_and_says_the_same() {
    let topics = Topics::create(1);
    // As the older protocol has it: whoever joins, everyone gives up everything.
    let eager = ["-X", "partition.assignment.strategy=range"];
    let first = topics.worker(&eager);
    topics.ask("t-1", &json!({ "kind": "slow", "seconds": 9 }));
    wait_running(&topics, "t-1");
    let others = [topics.start(&eager), topics.start(&eager)];
    first.wait_log("not finished; another worker may repeat it");
    assert_eq!(topics.end_of("t-1")["result"], json!({ "slept": 9 }));
    let copies = wait_until("it is done again", SOON, || {
        let mut copies = topics.results_of("t-1");
        copies.retain(is_final);
        (copies.len() == 2).then_some(copies)
    });
    assert_eq!(copies[0], copies[1]);
    topics.wait_committed();
    first.stop();
    others.iter().for_each(Worker::stop);
}

#[test]
fn what_kafka_does_not_acknowledge_is_sent_again_and_nothing_is_committed_before() {
    let kafka = servers().own_kafka(&[]);
    let topics = Topics::on(&kafka, 1);
    let worker = topics.worker(&["-X", "message.timeout.ms=2000"]);
    topics.ask("t-1", &json!({ "kind": "slow", "seconds": 2 }));
    wait_running(&topics, "t-1");
    kafka.pause();
    worker.wait_log("does not accept a record; retrying");
    kafka.resume();
    assert_eq!(topics.end_of("t-1")["status"], "completed");
    topics.wait_committed();
    worker.stop();
}
