use super::SOON;
use super::rig::{Options, Rig, assert_same, numbered};
use millstream_tests::servers;

const WHILE_CONNECTED: &str = r#"deliver = "while-connected""#;

#[test]
fn events_are_kept_for_connected_clients_only() {
    let rig = Rig::with(Options {
        pipeline: WHILE_CONNECTED,
        ..Options::default()
    });
    let (mut here, _) = rig.open("client=here");
    for round in 0..5 {
        rig.send("away", numbered(0..3));
        rig.send("here", numbered(round..round + 1));
        assert_eq!(here.events(1, SOON).len(), 1);
    }
    assert_eq!(rig.stored("here", 5).len(), 5);
    let (mut away, begins) = rig.open("client=away&from=earliest");
    assert_eq!(begins, "0-0");
    let gap = away.events(1, SOON).remove(0);
    assert_eq!(gap.event.as_deref(), Some("gap"));
    assert!(gap.data.unwrap().contains(r#""reason":"away""#));
    rig.send("away", ["the first kept event"]);
    assert_same(&away.events(1, SOON), &rig.stored("away", 2)[1..]);
    assert_eq!(rig.stream("away")[1].data, "the first kept event");
}

#[test]
fn interests_lost_by_redis_are_restored() {
    let redis = servers().own_redis(&[]);
    let rig = Rig::with(Options {
        redis: &redis,
        pipeline: WHILE_CONNECTED,
        ..Options::default()
    });
    let (mut sse, _) = rig.open("client=ada");
    let interest = format!("{}:{{0}}:interest", rig.prefix);
    assert_eq!(rig.redis::<u64>(&["ZCARD", &interest]), 1);
    let _: u64 = rig.redis(&["DEL", &interest]);
    let _: u64 = rig.redis(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    // Immediately rather than with the next renewal of the lease. The test only checks that it
    // happens, because it can't rely on timing.
    millstream_tests::wait_until("the interest is stored again", SOON, || {
        (rig.redis::<u64>(&["ZCARD", &interest]) == 1).then_some(())
    });
    rig.send("ada", ["kept"]);
    assert_eq!(sse.events(1, SOON)[0].data.as_deref(), Some("kept"));
}
