//! Kafka or Redis is away: no task is half created.

use super::SOON;
use super::rig::{Gateway, id_of, json_of, said, told};
use millstream_tests::{Daemon, Kafka, Link, Response, servers, unique, wait_until};

const PATIENCE: &str = "acknowledge-within = \"2s\"";
const KEY: [(&str, &str); 1] = [("idempotency-key", "k")];

fn detail(answer: &Response) -> String {
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.header("retry-after").is_some());
    json_of(answer)["detail"].as_str().unwrap().to_owned()
}

fn gateway_on(kafka: &Kafka) -> Gateway {
    Gateway::on(kafka, &servers().redis, PATIENCE, "", |config| {
        Daemon::builder(&config)
    })
}

/// Repeats a request with the same key until it is accepted; returns the task.
fn taken(gateway: &Gateway) -> String {
    wait_until("the gateway accepts tasks again", SOON, || {
        let answer = gateway.post("ada", &KEY, "2");
        (answer.status == 202).then(|| id_of(&answer))
    })
}

/// Every task that workers may read has an owner.
fn all_are_owned(gateway: &Gateway, kafka: &Kafka) -> Vec<String> {
    let requests = kafka.read_all(&gateway.requests);
    let ids = requests
        .into_iter()
        .map(|r| String::from_utf8(r.key.unwrap()).unwrap());
    let ids: Vec<String> = ids.collect();
    for id in &ids {
        assert_eq!(gateway.get("ada", id).status, 200, "{id}");
    }
    ids
}

#[test]
fn a_dead_kafka_accepts_no_task_then_or_later() {
    let kafka = servers().own_kafka(&[]);
    let gateway = gateway_on(&kafka);
    gateway.task("ada", "1");
    kafka.kill();
    // A request that the breaking connection interrupted may have been sent.
    wait_until("the gateway knows that Kafka is dead", SOON, || {
        detail(&gateway.post("ada", &[], "0"))
            .contains("there is no task")
            .then_some(())
    });
    let before = gateway.keys("task:").len();
    for headers in [&[][..], &KEY] {
        let why = detail(&gateway.post("ada", headers, "2"));
        assert_eq!(why, "Kafka did not accept the task; there is no task");
    }
    assert_eq!(gateway.keys("task:").len(), before);
    assert!(gateway.keys("repeat:").is_empty());
    kafka.start();
    let id = taken(&gateway);
    let ids = all_are_owned(&gateway, &kafka);
    assert_eq!(ids.iter().filter(|sent| **sent == id).count(), 1);
    assert!(ids.len() <= before + 1, "{ids:?}");
}

#[test]
fn a_task_that_a_frozen_kafka_may_accept_later_keeps_its_owner() {
    let kafka = servers().own_kafka(&[]);
    let gateway = gateway_on(&kafka);
    gateway.task("ada", "1");
    kafka.pause();
    let why = detail(&gateway.post("ada", &KEY, "2"));
    assert!(why.contains("may have it"), "{why}");
    // That this copy was certainly not sent proves nothing about the earlier one.
    assert_eq!(detail(&gateway.post("ada", &KEY, "2")), why);
    assert_eq!(detail(&gateway.post("ada", &KEY, "2")), why);
    kafka.resume();
    // With the same key it is the same task, whether it arrived or not.
    let id = taken(&gateway);
    assert!(why.ends_with(&id), "{why}");
    let ids = all_are_owned(&gateway, &kafka);
    println!("{} records for 2 tasks", ids.len());
    assert!(ids.contains(&id));
    // And its result reaches ada.
    let mut ada = gateway.stream("ada", "now");
    let result = millstream_tests::Message::new(said(&id, "completed").to_string()).key(&*id);
    kafka.produce(&gateway.results, [result]);
    assert_eq!(told(&mut ada, 1), [said(&id, "completed")]);
}

#[test]
fn no_task_is_accepted_while_redis_is_away() {
    let redis = servers().own_redis(&[]);
    let kafka = &servers().kafka;
    let gateway = Gateway::on(kafka, &redis, "", "", |config| Daemon::builder(&config));
    gateway.task("ada", "1");
    redis.kill();
    detail(&gateway.post("ada", &[], "2"));
    assert_eq!(gateway.get("ada", "x").status, 503);
    redis.start();
    wait_until("the gateway accepts tasks again", SOON, || {
        (gateway.post("ada", &[], "3").status == 202).then_some(())
    });
    let requests = gateway.requests();
    assert!(
        !requests
            .iter()
            .any(|r| r.text().ends_with("\"payload\":2}"))
    );
}

/// Otherwise the owner would be notified of a time-out of a task that she does not know.
#[test]
fn a_task_whose_redis_answer_was_lost_is_forgotten() {
    let redis = servers().own_redis(&[]);
    let link = Link::to(
        redis
            .url()
            .trim_start_matches("redis://")
            .trim_end_matches('/'),
    );
    let (address, prefix) = (link.addr(), unique("tasks"));
    let kafka = &servers().kafka;
    let (requests, results) = (
        kafka.create_topic("requests", 1),
        kafka.create_topic("results", 1),
    );
    let of = [&*prefix, &requests, &results];
    let url = format!("redis://{address}");
    let config = super::rig::config(&kafka.bootstrap(), &url, of, "", "");
    let daemon = Daemon::ready(&config);
    let ask = || {
        let kind = [("content-type", "application/json")];
        let path = "/v1/tasks?client=ada";
        millstream_tests::request("POST", &daemon.sse(), path, &kind, b"1").unwrap()
    };
    assert_eq!(ask().status, 202);
    let tasks = || -> Vec<String> {
        let pattern = format!("{prefix}:{{0}}:task:*");
        redis::cmd("KEYS")
            .arg(pattern)
            .query(&mut redis.connect())
            .unwrap()
    };
    assert_eq!(tasks().len(), 1);
    link.lose_answers();
    detail(&ask());
    assert_eq!(
        tasks().len(),
        2,
        "the task was accepted, and the answer was lost"
    );
    link.cut();
    link.open();
    wait_until("the task is forgotten", SOON, || {
        (tasks().len() == 1).then_some(())
    });
    assert_eq!(kafka.read_all(&requests).len(), 1);
}

#[test]
fn no_task_is_accepted_until_its_topic_is_created() {
    let topic = unique("made-later");
    let gateway = Gateway::made(PATIENCE, "", |config| {
        let given = config
            .lines()
            .find(|line| line.starts_with("request-topic"))
            .unwrap();
        let missing = format!("request-topic = \"{topic}\"");
        Daemon::builder(&config.replace(given, &missing))
    });
    detail(&gateway.post("ada", &[], "1"));
    assert!(gateway.keys("task:").is_empty() && gateway.keys("due").is_empty());
    let error = gateway.daemon.wait_log(&format!("topic {topic} ("), SOON);
    let make = format!(
        "([tasks] request-topic) does not exist; create it with `millstream topic create {topic}`"
    );
    assert!(error.contains(&make), "{error}");
    let kafka = &servers().kafka;
    kafka.create_topic_named(&topic, 1, &[]);
    let id = taken(&gateway);
    assert_eq!(
        kafka.read_all(&topic)[0].key.as_deref(),
        Some(id.as_bytes())
    );
}

/// An idempotent producer fails permanently after a refusal.
#[test]
fn a_gateway_sends_tasks_once_kafka_permits_writing() {
    let kafka = servers().own_kafka_with_rules();
    let denied: [&[&str]; 2] = [
        &["--operation", "Write", "--topic", "*"],
        &["--operation", "IdempotentWrite", "--cluster"],
    ];
    let rule = |how: &[&'static str]| {
        for what in denied {
            kafka.acl(&[how, &["--deny-principal", "User:*"], what].concat());
        }
    };
    let mut gateway = gateway_on(&kafka);
    // Once one rule exists, everything that no rule allows is denied.
    let admin = ["--add", "--allow-principal", "User:*", "--operation", "All"];
    kafka.acl(&[&admin[..], &["--cluster"]].concat());
    rule(&["--add"]);
    gateway.daemon.restart();
    wait_until("the broken producer is replaced", SOON, || {
        detail(&gateway.post("ada", &KEY, "2"));
        let said = "the Kafka producer of tasks failed and was replaced";
        gateway.daemon.log_contains(said).then_some(())
    });
    assert!(gateway.keys("task:").is_empty());
    rule(&["--remove", "--force"]);
    let id = taken(&gateway);
    assert_eq!(all_are_owned(&gateway, &kafka), [id]);
}

#[test]
fn a_task_too_large_for_its_topic_is_refused_and_not_kept() {
    let gateway = Gateway::start();
    servers()
        .kafka
        .alter_topic(&gateway.requests, "max.message.bytes", "2000");
    let large = wait_until("the limit holds", SOON, || {
        let answer = gateway.post("ada", &[], &format!("\"{}\"", "x".repeat(3000)));
        (answer.status != 202).then_some(answer)
    });
    assert_eq!(large.status, 413, "{}", large.text());
    assert!(
        large.text().contains("max.message.bytes"),
        "{}",
        large.text()
    );
    gateway.task("ada", "1");
}
