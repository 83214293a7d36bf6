//! Tasks that fail.

use super::worker::{Topics, json_of, trace};
use millstream_tests::{Message, delete_topic, produce, read_all, servers};
use serde_json::json;

#[test]
fn a_failed_task_becomes_a_dead_letter_with_its_stack_and_its_owner_gets_the_error() {
    let topics = Topics::create(1);
    let worker = topics.worker(&[]);
    topics.ask("t-1", &json!({ "kind": "poison" }));

    let end = topics.end_of("t-1");
    let why = json!({ "type": "RuntimeError", "message": "this task can't be done" });
    let expected = json!({ "taskId": "t-1", "status": "failed", "error": why });
    assert_eq!(end, expected);

    let record = &topics.letters(1)[0]; // the worker sends it before the result
    assert_eq!(record.key.as_deref(), Some(&b"t-1"[..]));
    assert_eq!(record.header("traceparent"), Some(&*trace("t-1")));
    let letter = json_of(record);
    assert_eq!(
        (&letter["taskId"], &letter["attempts"]),
        (&json!("t-1"), &json!(1))
    );
    assert_eq!(letter["error"]["type"], "RuntimeError");
    assert_eq!(letter["error"]["message"], "this task can't be done");
    let stack = letter["error"]["stack"].as_str().unwrap();
    assert!(
        stack.contains("in handle") && stack.contains("worker.py"),
        "{stack}"
    );
    let original = &letter["record"];
    assert_eq!(original["topic"], topics.requests);
    assert_eq!(
        (&original["partition"], &original["offset"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(original["key"], "t-1");
    assert_eq!(
        original["value"],
        r#"{"payload":{"kind":"poison"},"taskId":"t-1"}"#
    );
    let headers = json!([["millstream.client", "ada"], ["traceparent", trace("t-1")]]);
    assert_eq!(original["headers"], headers);
    topics.wait_committed();
    worker.stop();
}

#[test]
fn invalid_tasks_become_dead_letters_and_later_tasks_are_done() {
    let topics = Topics::create(1);
    let poison = [
        Message::new("no JSON").key("k"),
        Message::new(r#"{"payload": {}}"#),
        Message::new(r#"{"taskId": 7}"#),
        Message::new("[]"),
        Message::new([b'{', 0xff]).key([0, 0xff]),
        Message::tombstone("gone"),
        Message::new("[".repeat(200_000)),
        Message::new(r#"{"taskId": "\ud800"}"#),
    ];
    let count = poison.len() + 1;
    produce(&topics.requests, poison);
    // A header whose name is not UTF-8.
    let header = (vec![0xff, b'a'], Some(vec![0xfe]));
    let kafka = &servers().kafka;
    kafka.produce_raw(&topics.requests, b"no JSON", &vec![header]);
    topics.ask("t-1", &json!({ "kind": "sum", "numbers": [20, 22] }));
    let worker = topics.worker(&[]);

    assert_eq!(topics.end_of("t-1")["result"], json!({ "sum": 42 }));
    let letters: Vec<_> = topics.letters(count).iter().map(json_of).collect();
    let said = |n: usize| letters[n]["error"]["message"].as_str().unwrap();
    assert!(said(0).starts_with("the value is not JSON"), "{}", said(0));
    assert_eq!(said(1), "the value has no `taskId`");
    assert_eq!(said(2), said(1));
    assert_eq!(said(3), said(1));
    let original = |n: usize| &letters[n]["record"];
    assert_eq!(original(0)["value"], "no JSON");
    assert_eq!(original(1)["key"], json!(null));
    assert_eq!(original(4)["value"], json!({ "base64": "e/8=" }));
    assert_eq!(original(4)["key"], json!({ "base64": "AP8=" }));
    assert_eq!(original(5)["value"], json!(null));
    assert!(said(6).contains("recursion"), "{}", said(6));
    assert_eq!(said(7), said(1));
    assert_eq!(original(8)["value"], "no JSON");
    assert_eq!(
        original(8)["headers"],
        json!(null),
        "Python can't read these headers"
    );
    assert_eq!(original(0)["headers"], json!([]));
    assert!(letters.iter().all(|letter| letter["taskId"].is_null()));
    assert_eq!(topics.results().len(), 1, "no results of the invalid tasks");
    topics.wait_committed();
    worker.stop();
}

#[test]
fn a_transient_failure_is_retried_until_it_succeeds() {
    let topics = Topics::create(1);
    let worker = topics.worker(&[]);
    topics.ask("t-1", &json!({ "kind": "flaky", "failures": 2 }));
    let told = |(attempt, status): (u32, &str)| match attempt {
        0 => json!({ "taskId": "t-1", "status": status, "result": { "lucky": true } }),
        _ => json!({ "taskId": "t-1", "status": status, "attempt": attempt }),
    };
    let expected = [(2, "retrying"), (3, "retrying"), (0, "completed")].map(told);
    assert_eq!(topics.results_of("t-1"), expected);
    topics.wait_committed();
    worker.stop();
    assert!(read_all(&topics.letters).is_empty());
    for record in read_all(&topics.results) {
        assert_eq!(record.header("traceparent"), Some(&*trace("t-1")));
    }
}

#[test]
fn a_transient_failure_is_permanent_after_its_last_attempt() {
    let topics = Topics::create(1);
    let worker = topics.worker(&["--attempts", "3"]);
    topics.ask("t-1", &json!({ "kind": "flaky", "failures": 3 }));
    assert_eq!(topics.end_of("t-1")["error"]["type"], "Transient");
    assert_eq!(
        topics.results_of("t-1").len(),
        3,
        "two retries and the failure"
    );
    assert_eq!(json_of(&topics.letters(1)[0])["attempts"], 3);
    topics.wait_committed();
    worker.stop();
}

#[test]
fn results_too_large_for_kafka_or_not_valid_json_are_failures() {
    let topics = Topics::create(1);
    let worker = topics.worker(&[]);
    // Python's JSON parser accepts NaN, and the sum is NaN, too.
    let nan = r#"{"taskId": "nan", "payload": {"kind": "sum", "numbers": [NaN]}}"#;
    produce(&topics.requests, [Message::new(nan).key("nan")]);
    assert_eq!(topics.end_of("nan")["error"]["type"], "ValueError");
    // A letter with the whole record would be too large for Kafka.
    let padding = "\"".repeat(450_000);
    topics.ask("large", &json!({ "kind": "poison", "padding": padding }));
    assert_eq!(topics.end_of("large")["status"], "failed");
    let letter = json_of(&topics.letters(2)[1]);
    assert!(letter["record"]["value"]["bytes"].as_u64().unwrap() > 900_000);
    assert_eq!(
        letter["record"]["offset"], 1,
        "the offset of the whole record"
    );
    // A key that alone nearly fills a record.
    let key = "k".repeat(900_000);
    produce(&topics.requests, [Message::new("no JSON").key(&*key)]);
    let letter = json_of(&topics.letters(3)[2]);
    assert_eq!(letter["record"]["key"]["bytes"], 900_000);
    topics.wait_committed();
    worker.stop();
}

#[test]
fn a_task_completes_although_its_result_topic_is_missing_for_a_while() {
    let topics = Topics::create(1);
    // The worker quickly notices that the topic is deleted and created again.
    let worker = topics.worker(&[
        "-X",
        "topic.metadata.refresh.interval.ms=200",
        "-X",
        "topic.metadata.propagation.max.ms=0",
    ]);
    topics.ask("t-1", &json!({ "kind": "sum", "numbers": [1] }));
    topics.end_of("t-1");
    topics.wait_committed();
    delete_topic(&topics.results);
    topics.ask("t-2", &json!({ "kind": "slow", "seconds": 2 }));
    worker.wait_log("does not accept a record; retrying");
    servers().kafka.create_topic_named(&topics.results, 1, &[]);
    assert_eq!(topics.end_of("t-2")["result"], json!({ "slept": 2 }));
    topics.wait_committed();
    worker.stop();
    assert!(read_all(&topics.letters).is_empty());
}

#[test]
fn the_owner_of_a_task_that_python_cannot_parse_gets_its_failure() {
    let topics = Topics::create(1);
    let worker = topics.worker(&[]);
    let number = "7".repeat(5000);
    let value = format!(r#"{{"taskId": "t-1", "payload": {{"note": {number}}}}}"#);
    produce(&topics.requests, [Message::new(value).key("t-1")]);
    let end = topics.end_of("t-1");
    assert_eq!(end["status"], "failed");
    let why = end["error"]["message"].as_str().unwrap();
    assert!(why.contains("4300 digits"), "{why}");
    assert_eq!(json_of(&topics.letters(1)[0])["taskId"], "t-1");
    topics.wait_committed();
    worker.stop();
}
