//! A Redis that lost everything, ledgers included.

use super::{LONG, config, note, said, standing, wait_for, wait_said};
use crate::tools::command;
use millstream_tests::{Daemon, Redis, metrics, produce, servers, unique, wait_until};

fn flush(redis: &Redis) {
    redis::cmd("FLUSHALL").exec(&mut redis.connect()).unwrap();
}

#[test]
fn records_are_delivered_again_after_redis_is_emptied_at_run_time_or_before_a_restart() {
    let (kafka, redis) = (&servers().kafka, servers().own_redis(&[]));
    let (topic, prefix) = (kafka.create_topic("emptied", 1), unique("emptied"));
    produce(&topic, (0..50).map(note));
    let start = "lost-ledger = \"start\"";
    let text = config(&kafka.bootstrap(), &redis.url(), &topic, &prefix, start);
    let mut daemon = Daemon::ready(&text);
    wait_for(&redis, &prefix, 49);
    // Idle: no new record shows that Redis is empty.
    flush(&redis);
    assert_eq!(wait_for(&redis, &prefix, 49), (0..50).collect::<Vec<_>>());
    // Under load.
    produce(&topic, (50..60).map(note));
    flush(&redis);
    produce(&topic, (60..100).map(note));
    assert_eq!(wait_for(&redis, &prefix, 99), (0..100).collect::<Vec<_>>());
    // The commit shows that the ledger was lost.
    wait_until("Kafka has the commit", super::LONG, || {
        (super::standing(&daemon)["committed"] == 100).then_some(())
    });
    assert_eq!(daemon.terminate(), Some(0));
    flush(&redis);
    daemon.restart();
    daemon.wait_log(
        "no ledger found, but the group has committed offset 100",
        super::LONG,
    );
    assert_eq!(wait_for(&redis, &prefix, 99), (0..100).collect::<Vec<_>>());
    let failures = metrics(&daemon.admin()).sum("millstream_failures_total", &[]);
    assert_eq!(failures, 0.0);
}

#[test]
fn start_committed_continues_at_the_commit_of_another_program() {
    let (kafka, redis) = (&servers().kafka, servers().own_redis(&[]));
    let (topic, prefix) = (kafka.create_topic("follows", 1), unique("follows"));
    produce(&topic, (0..50).map(note));
    let at = |more| config(&kafka.bootstrap(), &redis.url(), &topic, &prefix, more);
    let mut daemon = Daemon::ready(&at(""));
    wait_for(&redis, &prefix, 49);
    assert_eq!(daemon.terminate(), Some(0));
    flush(&redis);
    produce(&topic, (50..60).map(note));
    daemon.set_config(&at("start = \"committed\""));
    daemon.restart();
    assert_eq!(wait_for(&redis, &prefix, 59), (50..60).collect::<Vec<_>>());
}

/// A daemon that has delivered fifty records and committed them to Kafka.
fn delivered(more: &str) -> (Redis, String, String, Daemon) {
    let (kafka, redis) = (&servers().kafka, servers().own_redis(&[]));
    let (topic, prefix) = (kafka.create_topic("lost-ledger", 1), unique("lost-ledger"));
    produce(&topic, (0..50).map(note));
    let text = config(&kafka.bootstrap(), &redis.url(), &topic, &prefix, more);
    let daemon = Daemon::ready(&text);
    wait_for(&redis, &prefix, 49);
    wait_until("Kafka has the commit", LONG, || {
        (standing(&daemon)["committed"] == 50).then_some(())
    });
    (redis, topic, prefix, daemon)
}

#[test]
fn after_redis_is_emptied_delivery_continues_at_the_commit_and_logs_it() {
    let (redis, topic, prefix, mut daemon) = delivered("");
    flush(&redis);
    // First while idle, then while stopped.
    daemon.wait_log("the group's commit at offset 50; continuing there", LONG);
    produce(&topic, (50..60).map(note));
    assert_eq!(wait_for(&redis, &prefix, 59), (50..60).collect::<Vec<_>>());
    assert_eq!(daemon.terminate(), Some(0));
    flush(&redis);
    produce(&topic, (60..70).map(note));
    daemon.restart();
    daemon.wait_log("the group's commit at offset 60; continuing there", LONG);
    assert_eq!(wait_for(&redis, &prefix, 69), (60..70).collect::<Vec<_>>());
}

#[test]
fn a_lost_ledger_halts_the_partition_if_configured() {
    let (redis, topic, prefix, mut daemon) = delivered("lost-ledger = \"halt\"");
    flush(&redis);
    println!(
        "{}",
        wait_said(&daemon, &["halted", "Redis lost the ledger", "offsets set"])
    );
    produce(&topic, (50..60).map(note));
    assert_eq!(daemon.terminate(), Some(0));
    said(&daemon.command(&["offsets", "set", "--to", "45"]));
    daemon.restart();
    assert_eq!(wait_for(&redis, &prefix, 59), (45..60).collect::<Vec<_>>());
}

#[test]
fn a_commit_of_another_program_skips_no_records() {
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let (topic, prefix) = (kafka.create_topic("others", 1), unique("others"));
    produce(&topic, (0..50).map(note));
    // A commit without metadata, as other programs write it.
    let group = [
        "consume",
        &topic,
        "--group",
        &prefix,
        "--from-beginning",
        "--max",
        "30",
    ];
    said(&command(&kafka.bootstrap(), &group).output().unwrap());
    let text = config(&kafka.bootstrap(), &redis.url(), &topic, &prefix, "");
    let daemon = Daemon::ready(&text);
    daemon.wait_log("a commit of another program", LONG);
    assert_eq!(wait_for(redis, &prefix, 49), (0..50).collect::<Vec<_>>());
}
