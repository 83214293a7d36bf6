use super::SOON;
use super::rig::{Options, Rig, assert_same, numbered, opened};
use millstream_tests::{Daemon, Entry, Sse};
use serde_json::{Value, json};

const FUTURE: &str = "99999999999999-0";

/// Checks that the next frame is a gap after this id, for this reason; returns the id at which the
/// stream continues.
#[track_caller]
fn assert_gap(sse: &mut Sse, reason: &str, after: &str) -> String {
    let frame = sse.events(1, SOON).remove(0);
    assert_eq!(frame.event.as_deref(), Some("gap"));
    let told: Value = serde_json::from_str(&frame.data.unwrap()).unwrap();
    assert_eq!(
        (&told["reason"], &told["after"]),
        (&json!(reason), &json!(after))
    );
    told["resumes-at"].as_str().unwrap().to_owned()
}

/// Ten events for `ada`.
fn ten(rig: &Rig) -> Vec<Entry> {
    rig.store("ada", numbered(0..10), 10)
}

/// Events after the tenth are not delayed by earlier ones.
#[track_caller]
fn assert_goes_on(rig: &Rig, sse: &mut Sse) {
    rig.send("ada", ["what comes after"]);
    let event = sse.events(1, SOON).remove(0);
    assert_eq!(event.data.as_deref(), Some("what comes after"));
}

#[test]
fn a_client_returning_to_a_trimmed_stream_gets_a_gap_and_the_rest() {
    let rig = Rig::start();
    let entries = ten(&rig);
    let trimmed: u64 = rig.redis(&["XTRIM", &rig.key("ada"), "MAXLEN", "3"]);
    assert_eq!(trimmed, 7);
    for cursor in [&entries[0].id, &entries[6].id, "0-0", "1-1"] {
        let mut sse = rig.resume("ada", cursor);
        assert_eq!(assert_gap(&mut sse, "trimmed", cursor), entries[7].id);
        assert_same(&sse.events(3, SOON), &entries[7..]);
    }
    let mut complete = rig.resume("ada", &entries[7].id);
    assert_same(&complete.events(2, SOON), &entries[8..]);
}

#[test]
fn an_id_from_the_future_reports_a_gap_and_restarts() {
    let rig = Rig::start();
    let entries = ten(&rig);
    for cursor in [FUTURE, "18446744073709551615-18446744073709551615"] {
        let mut sse = rig.resume("ada", cursor);
        assert_eq!(assert_gap(&mut sse, "rewound", cursor), entries[0].id);
        assert_same(&sse.events(10, SOON), &entries);
    }
    let mut sse = rig.resume("ada", FUTURE);
    assert_eq!(sse.events(11, SOON).len(), 11);
    assert_goes_on(&rig, &mut sse);
}

#[test]
fn an_id_from_the_future_of_an_empty_stream_still_gets_new_events() {
    let rig = Rig::start();
    ten(&rig);
    let _: u64 = rig.redis(&["XTRIM", &rig.key("ada"), "MAXLEN", "0"]);
    let mut sse = rig.resume("ada", FUTURE);
    assert_gap(&mut sse, "rewound", FUTURE);
    assert_goes_on(&rig, &mut sse);
}

#[test]
fn a_client_returning_to_a_removed_stream_gets_a_gap_and_continues() {
    let rig = Rig::start();
    let entries = ten(&rig);
    let _: u64 = rig.redis(&["DEL", &rig.key("ada")]);
    let mut honest = rig.resume("ada", &entries[9].id);
    let mut forged = rig.resume("ada", FUTURE);
    assert_gap(&mut honest, "reset", &entries[9].id);
    assert_gap(&mut forged, "reset", FUTURE);
    rig.send("ada", ["what comes after"]);
    for sse in [&mut honest, &mut forged] {
        let event = sse.events(1, SOON).remove(0);
        assert_eq!(event.data.as_deref(), Some("what comes after"));
    }
}

#[test]
fn a_gap_is_not_repeated_after_a_reconnect() {
    let rig = Rig::start();
    for forged in [FUTURE, "1-1"] {
        let mut sse = rig.resume("nobody", forged);
        let gap = sse.events(1, SOON).remove(0);
        let mut again = rig.resume("nobody", &gap.id.expect("a gap moves the cursor"));
        rig.send("nobody", ["first"]);
        let event = again.events(1, SOON).remove(0);
        assert_eq!(event.data.as_deref(), Some("first"));
        let _: u64 = rig.redis(&["DEL", &rig.key("nobody")]);
    }
}

#[test]
fn no_gap_is_reported_when_nothing_is_missing() {
    let rig = Rig::start();
    let (_, fresh) = rig.open("client=ada");
    let entries = ten(&rig);
    assert_same(&rig.resume("ada", &fresh).events(10, SOON), &entries);
    assert_same(
        &rig.open("client=ada&from=earliest").0.events(10, SOON),
        &entries,
    );

    let _: u64 = rig.redis(&["XTRIM", &rig.key("ada"), "MAXLEN", "1"]);
    let (mut earliest, _) = rig.open("client=ada&from=earliest");
    assert_same(&earliest.events(1, SOON), &entries[9..]);

    // As after its expiry: the stream still has its last id.
    let _: u64 = rig.redis(&["XTRIM", &rig.key("ada"), "MAXLEN", "0"]);
    let mut at_the_end = rig.resume("ada", &entries[9].id);
    assert_goes_on(&rig, &mut at_the_end);
    assert_goes_on(&rig, &mut earliest);
}

#[test]
fn a_removed_stream_continues_for_connected_clients() {
    let rig = Rig::start();
    let (mut sse, _) = rig.open("client=ada");
    let entries = ten(&rig);
    assert_same(&sse.events(10, SOON), &entries);
    let _: u64 = rig.redis(&["DEL", &rig.key("ada")]);
    assert_goes_on(&rig, &mut sse);
}

#[test]
fn an_id_of_another_client_reveals_nothing_about_that_client() {
    let rig = Rig::start();
    let bob = rig.store("bob", ["of bob 1", "of bob 2", "of bob 3"], 3);
    let ada = ten(&rig);
    let (mut all, mut sse) = (Vec::new(), rig.resume("ada", &bob[0].id));
    while all.len() < 10 {
        all.extend(sse.events(1, SOON));
        all.retain(|frame| frame.event.as_deref() != Some("gap"));
    }
    assert_same(&all, &ada);
    let mut sse = rig.resume("eve", &bob[0].id);
    assert_gap(&mut sse, "reset", &bob[0].id);
    rig.send("bob", ["of bob 4"]);
    rig.store("eve", ["of eve"], 1);
    assert_eq!(sse.events(1, SOON)[0].data.as_deref(), Some("of eve"));
}

/// Ingest keeps `kept` events of a client, while the edge assumes 1,000. Each event arrives, or a
/// gap does in its place.
#[track_caller]
fn assert_told_exactly(kept: usize, burst: usize) {
    let store = format!("retention = {{ max-events = {kept} }}");
    let rig = Rig::with(Options {
        store: &store,
        ..Options::default()
    });
    let edge = Daemon::builder(&rig.edge_config()).role("edge").start();
    edge.wait_ready(SOON);
    let open = |daemon: &Daemon| {
        let sse = Sse::open(&daemon.sse(), "/v1/events?client=ada", &[]);
        opened(sse).expect("the stream starts").0
    };
    let mut readers = [open(&rig.daemon), open(&edge)];
    // One by one, none is missed, however few are kept.
    for n in 0..5 {
        rig.send("ada", numbered(n..n + 1));
        for sse in &mut readers {
            let event = sse.events(1, SOON).remove(0);
            assert_eq!(event.event.as_deref(), Some("t"), "{event:?}");
        }
    }
    // More at once than are kept: all that remain arrive, after a gap.
    rig.store_at_once("ada", 100..100 + burst, kept);
    for sse in &mut readers {
        let (mut next, mut told) = (100, false);
        while next < 100 + burst {
            let event = sse.events(1, SOON).remove(0);
            if event.event.as_deref() == Some("gap") {
                assert!(!told, "a gap is reported once");
                told = true;
                continue;
            }
            let data = event.data.unwrap();
            let number: usize = data.strip_prefix("payload ").unwrap().parse().unwrap();
            assert_eq!(told, number > next, "{next}..{number} are missing");
            (next, told) = (number + 1, false);
        }
    }
}

#[test]
fn gaps_are_exact_when_the_edge_assumes_longer_retention() {
    assert_told_exactly(5, 40);
}

#[test]
fn gaps_are_exact_in_streams_that_keep_one_event() {
    assert_told_exactly(1, 20);
}
