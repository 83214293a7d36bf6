use super::all_at_once::Crowd;
use crate::sse::rig::{Rig, numbered};
use millstream_tests::Link;

#[test]
fn no_reader_misses_or_duplicates_an_event_after_any_disconnect() {
    let rig = Rig::start();
    let link = Link::to(&rig.daemon.sse());
    let crowd = Crowd::at(&link.addr(), "client=ada");
    // The first time before its first event.
    for round in 0..4 {
        let count = round * 15;
        link.cut();
        rig.store("ada", numbered(count..count + 10), count + 10);
        link.open();
        crowd.wait_opened(round + 2);
        let entries = rig.store("ada", numbered(count + 10..count + 15), count + 15);
        crowd.assert_same(&entries);
    }
}

#[test]
fn every_reader_reconnects_after_the_daemon_is_killed_or_stopped() {
    let mut rig = Rig::start();
    rig.keep_address();
    let crowd = Crowd::at(&rig.daemon.sse(), "client=ada");
    rig.store("ada", numbered(0..5), 5);
    for round in 1..4 {
        match round {
            2 => rig.daemon.kill(),
            _ => assert_eq!(rig.daemon.terminate(), Some(0)),
        }
        rig.send("ada", numbered(round * 5..round * 5 + 5));
        rig.restart();
        crowd.assert_same(&rig.stored("ada", round * 5 + 5));
    }
}
