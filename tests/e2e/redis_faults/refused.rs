//! A Redis that answers with errors.

use super::load::{Lines, Load};
use super::{DURABLE, wait_not_ready};
use millstream_tests::{Daemon, Redis, servers, wait_until};
use std::fs;

/// A daemon under load, before Redis refuses.
fn under_load(name: &str, redis: &Redis) -> (Load, Daemon) {
    let load = Load::new(name);
    let daemon = Daemon::ready(&load.config(&redis.addr(), Lines::default()));
    load.produce(3000);
    load.wait_done(redis, 500);
    (load, daemon)
}

#[test]
fn the_daemon_waits_for_a_redis_out_of_memory() {
    let redis = servers().own_redis(&[]);
    let (load, daemon) = under_load("full", &redis);
    for _ in 0..2 {
        redis.order(&["CONFIG", "SET", "maxmemory", "1"]);
        load.produce(2000);
        wait_not_ready(&daemon, "OOM");
        redis.order(&["CONFIG", "SET", "maxmemory", "1gb"]);
        daemon.wait_ready(super::LONG);
    }
    load.assert_complete_and_healthy(&redis, &daemon);
}

#[test]
fn the_daemon_waits_for_a_redis_that_became_a_replica() {
    let (redis, other) = (servers().own_redis(&[]), servers().own_redis(&[]));
    let (load, daemon) = under_load("replica", &redis);
    let follow = |replica: &Redis, primary: &Redis| {
        let addr = primary.addr();
        let (host, port) = addr.split_once(':').unwrap();
        replica.order(&["REPLICAOF", host, port]);
        wait_until("the replica has all data", super::LONG, || {
            let mut info = redis::cmd("INFO");
            let info = info.arg("replication").query(&mut replica.connect());
            let info: String = info.unwrap();
            info.contains("master_link_status:up").then_some(())
        });
    };
    // A failover and back. Writes that the replica did not have yet are lost, and repaired.
    follow(&other, &redis);
    load.produce(2000);
    other.order(&["REPLICAOF", "NO", "ONE"]);
    follow(&redis, &other);
    load.produce(2000);
    wait_not_ready(&daemon, "read only replica");
    redis.order(&["REPLICAOF", "NO", "ONE"]);
    load.assert_complete_and_healthy(&redis, &daemon);
}

#[test]
fn the_daemon_waits_for_a_redis_that_can_not_save() {
    let redis = servers().own_redis(&[]);
    let (load, daemon) = under_load("unsaved", &redis);
    let in_the_way = redis.dir().join("dump.rdb");
    fs::create_dir(&in_the_way).unwrap();
    redis.order(&["CONFIG", "SET", "save", "3600 1"]);
    redis.order(&["BGSAVE"]);
    load.produce(2000);
    wait_until("saving has failed", super::LONG, || {
        load.produce(1);
        daemon.log_contains("MISCONF").then_some(())
    });
    wait_not_ready(&daemon, "MISCONF");
    fs::remove_dir(&in_the_way).unwrap();
    redis.order(&["BGSAVE"]);
    load.assert_complete_and_healthy(&redis, &daemon);
}

#[test]
fn the_daemon_waits_for_a_redis_that_is_loading() {
    // The delay for each key that it loads (in microseconds), until it is changed.
    let redis = servers().own_redis(&[DURABLE, &["--key-load-delay", "500"]].concat());
    let (load, daemon) = under_load("loading", &redis);
    let mut pipe = redis::pipe();
    for number in 0..20_000 {
        pipe.cmd("SET")
            .arg(format!("key-{number}"))
            .arg(number)
            .ignore();
    }
    pipe.exec(&mut redis.connect()).unwrap();
    redis.kill();
    load.produce(2000);
    std::thread::scope(|scope| {
        scope.spawn(|| redis.start());
        wait_not_ready(&daemon, "Redis is loading");
        redis.order(&["CONFIG", "SET", "key-load-delay", "0"]);
    });
    load.assert_complete_and_healthy(&redis, &daemon);
}
