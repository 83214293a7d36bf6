//! A Redis restored to an earlier state.

use super::LONG;
use super::load::{Lines, Load};
use millstream_tests::{Daemon, Redis, servers};

/// Kills it and restores its last snapshot.
fn restore(redis: &Redis) {
    redis.kill();
    redis.start();
}

/// Stores some records, lets Redis make a snapshot, and stores more; returns how many the snapshot
/// lacks.
fn store_around_a_snapshot(load: &Load, redis: &Redis) -> usize {
    load.wait_done(redis, load.produce(2000));
    redis.order(&["SAVE"]);
    let saved = load.done(redis);
    load.produce(4000);
    load.wait_done(redis, saved + 2000);
    load.done(redis) - saved
}

#[test]
fn a_restore_of_an_older_snapshot_under_load_is_repaired() {
    let (load, redis) = (Load::new("restored"), servers().own_redis(&[]));
    let daemon = Daemon::ready(&load.config(&redis.addr(), Lines::default()));
    for round in 0..3 {
        let lost = store_around_a_snapshot(&load, &redis);
        restore(&redis);
        load.produce(1000);
        println!("{round}: {lost} lost");
    }
    daemon.wait_log("the ledger moved", LONG);
    load.assert_complete_and_healthy(&redis, &daemon);
}

#[test]
fn a_restore_while_idle_is_repaired() {
    let (load, redis) = (Load::new("idle"), servers().own_redis(&[]));
    let daemon = Daemon::ready(&load.config(&redis.addr(), Lines::default()));
    let lost = store_around_a_snapshot(&load, &redis);
    load.wait_done(&redis, 6000);
    restore(&redis);
    println!("{lost} lost");
    load.assert_complete_and_healthy(&redis, &daemon);
}

#[test]
fn a_restore_while_the_daemon_is_stopped_is_repaired() {
    let (load, redis) = (Load::new("stopped"), servers().own_redis(&[]));
    let mut daemon = Daemon::ready(&load.config(&redis.addr(), Lines::default()));
    for killed in [false, true] {
        let lost = store_around_a_snapshot(&load, &redis);
        match killed {
            true => daemon.kill(),
            // Kafka's committed offsets are then past the restored ledgers.
            false => assert_eq!(daemon.terminate(), Some(0)),
        }
        restore(&redis);
        println!("{lost} lost");
        daemon.restart();
    }
    load.assert_complete(&redis);
    assert_eq!(daemon.terminate(), Some(0));
}
