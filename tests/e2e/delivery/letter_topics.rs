//! Dead-letter topics exist before the first letter, and what a partition waits for is reported at
//! once.

use super::{LONG, config, note, wait_for, wait_said};
use millstream_tests::{Daemon, Message, metrics, produce, read_all, servers, unique, wait_until};

fn counted(daemon: &Daemon) -> f64 {
    metrics(&daemon.admin()).sum("millstream_dead_letters_total", &["action=\"topic\""])
}

#[test]
fn the_dead_letter_topic_is_created_when_the_pipeline_starts() {
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let (topic, prefix) = (kafka.create_topic("early", 1), unique("early"));
    let dead = format!("{topic}-dlq");
    let text = config(&kafka.bootstrap(), &redis.url(), &topic, &prefix, "");
    let daemon = Daemon::ready(&text);
    wait_until("the topic exists", LONG, || {
        kafka.has_topic(&dead).then_some(())
    });
    daemon.wait_log("created a dead-letter topic", LONG);
    produce(&topic, [Message::new("no JSON").partition(0), note(1)]);
    wait_for(redis, &prefix, 1);
    assert_eq!(read_all(&dead).len(), 1);
    assert!(
        !daemon.log_contains("\"waiting\"") && !daemon.log_contains("waiting"),
        "nothing waits"
    );
    assert_eq!(counted(&daemon), 1.0);
}

#[test]
fn a_letter_is_counted_when_stored_and_a_missing_topic_is_reported_before_kafka_refuses_it() {
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let (topic, prefix) = (kafka.create_topic("absent", 1), unique("absent"));
    let dead = format!("{topic}-dlq");
    let more = "create-dead-letter-topics = false";
    let text = config(&kafka.bootstrap(), &redis.url(), &topic, &prefix, more);
    produce(&topic, [Message::new("no JSON").partition(0), note(1)]);
    let daemon = Daemon::builder(&text).start();
    let command = format!("`millstream topic create {dead}`");
    wait_said(&daemon, &[&format!("{topic}/0 waits"), &command]);
    wait_said(&daemon, &[&command, "does not accept a record"]);
    let lines = daemon.log().lines();
    let first = |text: &str| {
        lines
            .iter()
            .position(|line| line.contains("waiting") && line.contains(text))
    };
    assert!(first(&command) < first("does not accept"), "{lines:#?}");
    assert_eq!(counted(&daemon), 0.0);
    kafka.create_topic_named(&dead, 1, &[]);
    wait_for(redis, &prefix, 1);
    assert_eq!(counted(&daemon), 1.0);
    daemon.wait_ready(LONG);
}
