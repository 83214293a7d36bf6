//! Workers that join and leave while they do their tasks.

use super::SOON;
use super::worker::{Topics, Worker, is_final};
use millstream_tests::{produce, servers, unique, wait_until};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;

/// With this session timeout, the group notices only late that a worker is gone. Tests that see its
/// partitions move sooner know that it left the group.
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

/// How often each task ended, once this many tasks have ended.
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
fn sigterm_finishes_the_current_task_and_leaves_the_group_without_loss() {
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
        "{took:?}: the stopped worker did not leave the group"
    );
    let ends = ends(&topics, 41);
    assert!(ends.values().all(|times| *times == 1), "{ends:?}");
    topics.wait_committed();
    next.stop();
}

#[test]
fn a_worker_stopped_between_attempts_leaves_its_task_to_another() {
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
fn a_second_signal_ends_a_worker_at_once_and_another_does_its_task() {
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
fn a_task_may_take_longer_than_the_poll_interval() {
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
fn workers_join_and_leave_without_repeating_a_task() {
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
    // A rebalance may take the partition of the current task; the worker may finish the task first.
    let others: Vec<Worker> = (0..3).map(|_| topics.start(&[])).collect();
    let ends = ends(&topics, 4);
    assert!(ends.values().all(|times| *times == 1), "{ends:?}");
    topics.wait_committed();
    first.stop();
    others.iter().for_each(Worker::stop);
}

#[test]
fn another_worker_does_the_task_of_a_killed_worker() {
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
fn a_worker_that_lost_its_partitions_does_not_commit_for_their_new_owner() {
    let topics = Topics::create(1);
    let frozen = topics.worker(&SHORT_SESSION);
    topics.ask("t-1", &json!({ "kind": "slow", "seconds": 3 }));
    wait_running(&topics, "t-1");
    frozen.process.freeze();
    let next = topics.worker(&SHORT_SESSION); // starts when the group has removed the first
    assert_eq!(topics.end_of("t-1")["status"], "completed");
    topics.wait_committed();
    frozen.process.signal(Signal::CONT);
    frozen.wait_log("lost: requests");
    topics.ask("t-2", &sum(1));
    assert_eq!(topics.end_of("t-2")["result"], json!({ "sum": 2 }));
    topics.wait_committed();
    // The first worker also finishes its task: a copy with the same content.
    let copies = wait_until("the frozen worker ends its task", SOON, || {
        let mut copies = topics.results_of("t-1");
        copies.retain(is_final);
        (copies.len() == 2).then_some(copies)
    });
    assert_eq!(copies[0], copies[1]);
    next.stop();
    frozen.stop();
}

#[test]
fn a_task_that_outlasts_a_rebalance_is_repeated_with_the_same_result() {
    let topics = Topics::create(1);
    // In the eager protocol, all members give up all partitions when one joins.
    let eager = ["-X", "partition.assignment.strategy=range"];
    let first = topics.worker(&eager);
    topics.ask("t-1", &json!({ "kind": "slow", "seconds": 9 }));
    wait_running(&topics, "t-1");
    let others = [topics.start(&eager), topics.start(&eager)];
    first.wait_log("not finished; another worker may repeat it");
    assert_eq!(topics.end_of("t-1")["result"], json!({ "slept": 9 }));
    let copies = wait_until("the task is repeated", SOON, || {
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
fn an_unacknowledged_result_is_sent_again_before_its_task_is_committed() {
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
