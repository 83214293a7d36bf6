use super::load::Load;
use super::memory::{Before, MUCH, SMALL};
use millstream_tests::{Daemon, Link, servers};
use std::time::Duration;

#[test]
fn half_a_second_of_redis_latency_costs_time_but_no_memory() {
    let (load, redis) = (Load::new("slow"), &servers().redis);
    let link = Link::to(&redis.addr());
    let daemon = Daemon::ready(&load.config(&link.addr(), SMALL));
    load.wait_done(redis, load.produce(5000));
    let before = Before::of(&daemon);
    link.delay(Duration::from_millis(500));
    let done = load.done(redis);
    load.produce(MUCH);
    load.wait_done(redis, done + 5000);
    before.assert_bounded(&daemon, "half a second away");
    link.delay(Duration::ZERO);
    load.assert_complete_and_healthy(redis, &daemon);
}
