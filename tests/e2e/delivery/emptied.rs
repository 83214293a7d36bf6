//! A Redis that forgot everything, ledgers too.

use super::{config, note, wait_for};
use millstream_tests::{Daemon, Redis, metrics, produce, servers, unique, wait_until};

fn flush(redis: &Redis) {
    redis::cmd("FLUSHALL").exec(&mut redis.connect()).unwrap();
}

#[test]
fn what_an_emptied_redis_lost_is_there_again_while_it_runs_and_after_a_restart() {
    let (kafka, redis) = (&servers().kafka, servers().own_redis(&[]));
    let (topic, prefix) = (kafka.create_topic("emptied", 1), unique("emptied"));
    produce(&topic, (0..50).map(note));
    let text = config(&kafka.bootstrap(), &redis.url(), &topic, &prefix, "");
    let mut daemon = Daemon::ready(&text);
    wait_for(&redis, &prefix, 49);
    // Quiet: no record comes by which it would notice.
    flush(&redis);
    assert_eq!(wait_for(&redis, &prefix, 49), (0..50).collect::<Vec<_>>());
    // Busy.
    produce(&topic, (50..60).map(note));
    flush(&redis);
    produce(&topic, (60..100).map(note));
    assert_eq!(wait_for(&redis, &prefix, 99), (0..100).collect::<Vec<_>>());
    // A commit, by which the loss is known for one.
    wait_until("Kafka has the commit", super::LONG, || {
        (super::standing(&daemon)["committed"] == 100).then_some(())
    });
    assert_eq!(daemon.terminate(), Some(0));
    flush(&redis);
    daemon.restart();
    daemon.wait_log(
        "there is no ledger, though the group has committed offset 100",
        super::LONG,
    );
    assert_eq!(wait_for(&redis, &prefix, 99), (0..100).collect::<Vec<_>>());
    let failures = metrics(&daemon.admin()).sum("millstream_failures_total", &[]);
    assert_eq!(failures, 0.0);
}

#[test]
fn a_pipeline_that_follows_another_program_begins_where_that_one_committed() {
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
