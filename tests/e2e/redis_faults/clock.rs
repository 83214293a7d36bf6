//! The clock is set back.

use super::LONG;
use super::load::{Lines, Load, client};
use millstream_tests::{Clock, Daemon, Redis, Sse, servers, wait_until};
use std::time::{Duration, SystemTime};

const HOUR: i64 = 3600;

/// Redis' time, in seconds since 1970.
fn time_of(redis: &Redis) -> u64 {
    let time: (u64, u64) = redis::cmd("TIME").query(&mut redis.connect()).unwrap();
    time.0
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap().as_secs()
}

/// Sets Redis' clock, and optionally others, back by an hour, and waits until Redis uses it.
fn set_back(clock: &Clock, redis: &Redis) {
    assert!(
        time_of(redis).abs_diff(now()) < 600,
        "the clock is right at first"
    );
    clock.shift(-HOUR);
    wait_until("Redis' clock is an hour back", LONG, || {
        (time_of(redis) < now() - 3000).then_some(())
    });
}

/// Reads all events that the load has for this client; their ids must rise.
fn assert_heard(sse: &mut Sse, count: usize) {
    let events = sse.events(count, LONG);
    let id = |event: &millstream_tests::Frame| -> (u64, u64) {
        let id = event.id.as_deref().expect("the event has an id");
        let (time, n) = id.split_once('-').unwrap();
        (time.parse().unwrap(), n.parse().unwrap())
    };
    assert!(
        events.is_sorted_by(|a, b| id(a) < id(b)),
        "the ids of a stream rise"
    );
}

#[test]
fn setting_the_clock_back_under_load_changes_nothing() {
    let clock = Clock::right();
    let (load, redis) = (Load::new("clock"), servers().own_redis_by(&clock, &[]));
    let daemon = Daemon::builder(&load.config(&redis.addr(), Lines::default()))
        .clock(&clock)
        .start();
    daemon.wait_ready(LONG);
    let path = format!("/v1/events?client={}", client(0));
    let mut sse = Sse::open(&daemon.sse(), &path, &[]);
    sse.next(Duration::from_secs(20)).expect("an opening frame");
    load.produce(97 * 50);
    load.wait_done(&redis, 1000);
    set_back(&clock, &redis);
    load.produce(97 * 50);
    assert_heard(&mut sse, 100);
    clock.shift(0);
    load.produce(97 * 10);
    assert_heard(&mut sse, 10);
    load.assert_complete_and_healthy(&redis, &daemon);
}

#[test]
fn events_are_kept_for_their_retention_after_the_clock_is_set_back() {
    let clock = Clock::right();
    let (load, redis) = (Load::new("past"), servers().own_redis_by(&clock, &[]));
    // New clients get ids from an hour ago.
    set_back(&clock, &redis);
    let config = load
        .config(&redis.addr(), Lines::default())
        .replace("max-events", "max-age = \"10m\", max-events");
    let daemon = Daemon::ready(&config);
    load.produce(1000);
    load.assert_complete_and_healthy(&redis, &daemon);
}
