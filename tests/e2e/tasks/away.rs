//! Kafka or Redis is away: no task half exists.

use super::SOON;
use super::rig::{Gateway, id_of, json_of, said, told};
use millstream_tests::{Daemon, servers, wait_until};

const PATIENCE: &str = "acknowledge-within = \"2s\"";

#[test]
fn while_kafka_is_dead_there_is_no_task_and_none_comes_later() {
    let kafka = servers().own_kafka(&[]);
    let gateway = Gateway::on(&kafka, &servers().redis, PATIENCE, "", |c| {
        Daemon::builder(&c)
    });
    gateway.task("ada", "1");
    kafka.kill();
    for headers in [&[][..], &[("idempotency-key", "k")]] {
        let answer = gateway.post("ada", headers, "2");
        // The first may have been on its way when the connection broke.
        if json_of(&answer)["detail"] != "Kafka did not take the task: there is none" {
            println!("{}", answer.text());
            continue;
        }
        assert_eq!(answer.status, 503);
        assert!(answer.header("retry-after").is_some());
    }
    let refused = gateway.post("ada", &[("idempotency-key", "k")], "2");
    assert_eq!(refused.status, 503);
    assert_eq!(
        json_of(&refused)["detail"],
        "Kafka did not take the task: there is none"
    );
    assert!(gateway.keys("repeat:").is_empty());
    let tasks = gateway.keys("task:").len();
    kafka.start();
    let answer = wait_until("it takes tasks again", SOON, || {
        let answer = gateway.post("ada", &[("idempotency-key", "k")], "2");
        (answer.status == 202).then_some(answer)
    });
    let requests = kafka.read_all(&gateway.requests);
    // What is in Kafka has an owner.
    assert!(requests.len() <= tasks + 1, "{requests:?}");
    let new = requests
        .iter()
        .filter(|r| r.text().contains("\"payload\":2"));
    assert_eq!(
        new.filter(|r| r.text().contains(&id_of(&answer))).count(),
        1
    );
    for request in &requests {
        let id = String::from_utf8(request.key.clone().unwrap()).unwrap();
        assert_eq!(gateway.get("ada", &id).status, 200);
    }
}

#[test]
fn what_a_frozen_kafka_may_take_later_keeps_its_owner() {
    let kafka = servers().own_kafka(&[]);
    let gateway = Gateway::on(&kafka, &servers().redis, PATIENCE, "", |c| {
        Daemon::builder(&c)
    });
    gateway.task("ada", "1");
    kafka.pause();
    let answer = gateway.post("ada", &[("idempotency-key", "k")], "2");
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.header("retry-after").is_some());
    kafka.resume();
    // With the same key it is the same task, whether it arrived or not.
    let again = wait_until("it takes tasks again", SOON, || {
        let answer = gateway.post("ada", &[("idempotency-key", "k")], "2");
        (answer.status == 202).then_some(answer)
    });
    let id = id_of(&again);
    let requests = kafka.read_all(&gateway.requests);
    println!("{} records for 2 tasks", requests.len());
    let owned = |key: &[u8]| gateway.get("ada", std::str::from_utf8(key).unwrap()).status;
    assert!(
        requests
            .iter()
            .all(|r| owned(r.key.as_deref().unwrap()) == 200)
    );
    assert!(
        requests
            .iter()
            .any(|r| r.key.as_deref() == Some(id.as_bytes()))
    );
    // And its result finds her.
    let mut ada = gateway.stream("ada", "now");
    let result = millstream_tests::Message::new(said(&id, "completed").to_string()).key(&*id);
    kafka.produce(&gateway.results, [result]);
    assert_eq!(told(&mut ada, 1), [said(&id, "completed")]);
}

#[test]
fn while_redis_is_away_there_is_no_task() {
    let redis = servers().own_redis(&[]);
    let gateway = Gateway::on(&servers().kafka, &redis, "", "", |c| Daemon::builder(&c));
    gateway.task("ada", "1");
    redis.kill();
    let answer = gateway.post("ada", &[], "2");
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.header("retry-after").is_some());
    let answer = gateway.get("ada", "x");
    assert_eq!(answer.status, 503, "{}", answer.text());
    redis.start();
    wait_until("it takes tasks again", SOON, || {
        (gateway.post("ada", &[], "3").status == 202).then_some(())
    });
    let requests = gateway.requests();
    assert!(
        !requests
            .iter()
            .any(|r| r.text().ends_with("\"payload\":2}"))
    );
}

#[test]
fn without_its_topic_there_is_no_task_until_someone_makes_it() {
    let gateway = Gateway::made(PATIENCE, "", |config| {
        let line = config
            .lines()
            .find(|line| line.starts_with("request-topic"))
            .unwrap();
        let missing = format!(
            "request-topic = \"{}\"",
            millstream_tests::unique("missing")
        );
        Daemon::builder(&config.replace(line, &missing))
    });
    let answer = gateway.post("ada", &[], "1");
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(gateway.keys("task:").is_empty() && gateway.keys("due").is_empty());
}
