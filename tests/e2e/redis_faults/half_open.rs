//! A Redis whose connections stay open but carry no data.

use super::load::Load;
use super::memory::{Before, MUCH, SMALL};
use super::wait_not_ready;
use millstream_tests::{Daemon, Link, servers};
use std::time::Duration;

#[test]
fn a_silent_connection_is_closed_and_its_pending_transaction_is_stored_once() {
    let (load, redis) = (Load::new("silent"), &servers().redis);
    let link = Link::to(&redis.addr());
    let daemon = Daemon::ready(&load.config(&link.addr(), SMALL));
    load.wait_done(redis, load.produce(5000));
    let before = Before::of(&daemon);
    link.delay(Duration::from_millis(50)); // the load lasts for all rounds
    load.produce(MUCH);
    for opened in [true, false, true] {
        load.wait_done(redis, load.done(redis) + 1000);
        link.stall();
        wait_not_ready(&daemon, "pipeline faults: Redis: no answer within 5 s");
        before.assert_bounded(&daemon, "half open");
        match opened {
            // The transaction of the closed connection arrives late.
            true => link.open(),
            // It never arrives.
            false => {
                link.cut();
                link.open();
            }
        }
        daemon.wait_ready(super::LONG);
    }
    link.delay(Duration::ZERO);
    load.assert_complete_and_healthy(redis, &daemon);
}
