use super::load::Load;
use super::memory::{Before, MUCH, SMALL};
use super::{DURABLE, wait_not_ready};
use millstream_tests::{Daemon, servers, wait_until};
use std::time::{Duration, Instant};

/// How long Redis is away: `MILLSTREAM_OUTAGE` seconds, or long enough for every queue to fill.
fn outage() -> Duration {
    let given = std::env::var("MILLSTREAM_OUTAGE").ok();
    let seconds = given.map_or(10, |n| n.parse().expect("MILLSTREAM_OUTAGE is a number"));
    Duration::from_secs(seconds)
}

#[test]
fn memory_stays_flat_while_redis_is_away_under_load() {
    let (load, redis) = (Load::new("away"), servers().own_redis(DURABLE));
    let daemon = Daemon::ready(&load.config(&redis.addr(), SMALL));
    load.wait_done(&redis, load.produce(5000));
    let before = Before::of(&daemon);
    let (began, mut next) = (Instant::now(), Duration::from_secs(1));
    redis.kill();
    load.produce(MUCH);
    wait_until("the outage is over", outage() + super::LONG, || {
        let elapsed = began.elapsed();
        if elapsed >= next {
            next += Duration::from_millis(250);
            load.produce(500);
        }
        (elapsed >= outage()).then_some(())
    });
    wait_not_ready(&daemon, "the store does not answer");
    before.assert_bounded(&daemon, &format!("{:?} without Redis", outage()));
    redis.start();
    load.assert_complete(&redis);
    before.assert_bounded(&daemon, "caught up");
    load.assert_complete_and_healthy(&redis, &daemon);
}
