//! Kafka or Redis absent at the start, or lost later.

use super::{LONG, SECONDS, config, note};
use millstream_tests::{
    Daemon, create_topic, get, metrics, produce, read_all, scratch_dir, servers, unique, wait_until,
};
use std::fs;
use std::process::Command;
use std::time::Instant;

#[test]
fn starts_without_kafka_and_redis_and_becomes_ready_when_both_answer() {
    let (kafka, redis) = (servers().own_kafka(&[]), servers().own_redis(&[]));
    let topic = kafka.create_topic("late", 1);
    kafka.produce(&topic, (0..100).map(|id| note("ada", id)));
    kafka.terminate();
    redis.kill();
    let prefix = unique("late");
    let daemon =
        Daemon::builder(&config(&kafka.bootstrap(), &redis.url(), &topic, &prefix)).start();
    daemon.sse();
    let store = format!("the store does not answer: Redis at {}: ", redis.addr());
    let both = [&*store, "not in the consumer group yet"];
    println!("{}", daemon.wait_not_ready(&both, SECONDS));
    kafka.start();
    println!("{}", daemon.wait_not_ready(&both[..1], SECONDS));
    wait_until("only Redis is missing", LONG, || {
        let text = get(&daemon.admin(), "/readyz").text();
        (!text.contains(both[1])).then_some(())
    });
    let began = Instant::now();
    redis.start();
    daemon.wait_ready(LONG);
    println!("ready {:?} after Redis", began.elapsed());
    let stored = wait_until("all records are stored", LONG, || {
        redis
            .streams(&prefix)
            .remove("ada")
            .filter(|entries| entries.len() >= 100)
    });
    let offsets: Vec<_> = stored.iter().map(|entry| entry.source.clone()).collect();
    assert_eq!(
        offsets,
        (0..100)
            .map(|n| format!("{topic}/0/{n}/0"))
            .collect::<Vec<_>>()
    );
    println!("all stored {:?} after Redis", began.elapsed());
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn records_wait_out_a_redis_outage_and_none_becomes_a_dead_letter() {
    let redis = servers().own_redis(&["--appendonly", "yes", "--appendfsync", "always"]);
    let topic = create_topic("gone", 1);
    let dead = format!("{topic}-dlq");
    servers().kafka.create_topic_named(&dead, 1, &[]);
    let prefix = unique("gone");
    let kafka = servers().kafka.bootstrap();
    let daemon = Daemon::ready(&config(&kafka, &redis.url(), &topic, &prefix));
    let mut produced = 0;
    let mut more = |count: usize| {
        produce(
            &topic,
            (produced..produced + count).map(|id| note("ada", id)),
        );
        produced += count;
        produced
    };
    let wait_for = |count: usize| {
        wait_until("all records are stored", LONG, || {
            redis
                .streams(&prefix)
                .remove("ada")
                .filter(|entries| entries.len() >= count)
        })
    };
    wait_for(more(200));
    for round in 0..3 {
        redis.kill();
        let began = Instant::now();
        more(100);
        let why = daemon.wait_not_ready(&["the store does not answer"], SECONDS);
        let told = began.elapsed();
        more(100);
        let waiting = daemon.wait_not_ready(&["the store does not answer", "notes"], SECONDS);
        redis.start();
        let began = Instant::now();
        daemon.wait_ready(LONG);
        println!(
            "{round}: not ready after {told:?} ({why} {waiting}), again {:?}",
            began.elapsed()
        );
        let produced = more(100);
        let stored = wait_for(produced);
        let sources: Vec<_> = stored.iter().map(|entry| entry.source.clone()).collect();
        let expected: Vec<_> = (0..produced).map(|n| format!("{topic}/0/{n}/0")).collect();
        assert_eq!(sources, expected, "once and in order");
    }
    assert_eq!(read_all(&dead), [], "no dead letter");
    assert_eq!(
        metrics(&daemon.admin()).sum("millstream_failures_total", &[]),
        0.0
    );
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn a_missing_topic_is_reported_with_the_command_that_creates_it() {
    let (topic, prefix) = (unique("not-there"), unique("not-there"));
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let text = config(&kafka.bootstrap(), &redis.url(), &topic, &prefix);
    let daemon = Daemon::builder(&text).start();
    let make = format!("create it with `millstream topic create {topic}`");
    let error = daemon.wait_log(&make, LONG);
    assert!(
        error.contains("([[pipeline]] topics) does not exist"),
        "{error}"
    );
    let path = scratch_dir("config").join("millstream.toml");
    fs::write(&path, &text).unwrap();
    let place = format!("{topic}-none/0/0");
    for command in [
        &["offsets", "show"][..],
        &["dlq", "list", "--topic", &topic],
        &["dlq", "show", &place],
    ] {
        let mut said = Command::new(Daemon::program());
        let output = said.args(command).arg("-c").arg(&path).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains("`millstream topic create"), "{error}");
    }
    kafka.create_topic_named(&topic, 1, &[]);
    daemon.wait_log("the topic of [[pipeline]] topics exists now", LONG);
}

#[test]
fn offsets_commands_report_the_address_of_an_unreachable_server() {
    let path = scratch_dir("config").join("millstream.toml");
    let kafka = servers().kafka.bootstrap();
    for (kafka, redis, says) in [
        (
            "127.0.0.1:1",
            servers().redis.url(),
            "can't reach Kafka at 127.0.0.1:1: ",
        ),
        (
            &*kafka,
            "redis://127.0.0.1:1".into(),
            "Redis at 127.0.0.1:1: Connection refused",
        ),
    ] {
        let topic = create_topic("absent", 1);
        fs::write(&path, config(kafka, &redis, &topic, &unique("absent"))).unwrap();
        let mut show = Command::new(Daemon::program());
        show.args(["offsets", "show", "-c"]).arg(&path);
        let output = show.output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(says), "{error}");
        assert_eq!(error.lines().count(), 1, "no noise: {error}");
    }
}
