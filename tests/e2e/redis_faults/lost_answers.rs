use super::LONG;
use super::load::{Lines, Load};
use millstream_tests::{Daemon, Link, servers, wait_until};
use std::time::Duration;

const LOST: usize = 20;

#[test]
fn transactions_with_lost_answers_leave_no_second_copy() {
    let (load, redis) = (Load::new("deaf"), &servers().redis);
    load.produce(40_000);
    let link = Link::to(&redis.addr());
    link.delay(Duration::from_millis(5)); // so that a transaction is always in flight
    let lines = Lines {
        pipeline: "batch = { max-records = 50 }",
        ..Lines::default()
    };
    let daemon = Daemon::ready(&load.config(&link.addr(), lines));
    let (mut rounds, mut executed) = (0, 0);
    while executed < LOST {
        rounds += 1;
        assert!(rounds < 10 * LOST, "only {executed} were executed");
        load.wait_done(redis, load.done(redis) + 1);
        link.lose_answers();
        let before = load.done(redis);
        wait_until("an answer was lost", LONG, || {
            (link.lost() > 0).then_some(())
        });
        link.cut();
        // The daemon can't have received answers to anything executed since.
        executed += usize::from(load.done(redis) > before);
        link.open();
    }
    let told = daemon.log().lines();
    let told = told
        .iter()
        .filter(|line| line.contains("lost an answer of the store"));
    println!(
        "{executed} executed with lost answers in {rounds} rounds, {} reported, {} of 40000 processed",
        told.count(),
        load.done(redis)
    );
    link.delay(Duration::ZERO);
    load.assert_complete_and_healthy(redis, &daemon);
}
