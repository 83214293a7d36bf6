use super::SOON;
use super::payload::{payloads, read_back};
use super::rig::{Rig, numbered};
use millstream_tests::{Browser, Entry, Link, wait_until};
use serde_json::{Value, json};

/// A page of the daemon's origin that records its events.
fn page(link: &Link, query: &str) -> Browser {
    let mut browser = Browser::open(&format!("http://{}/a-page", link.addr()));
    browser.eval(&format!(
        "window.got = []; window.opened = 0;
         window.source = new EventSource('/v1/events?{query}');
         source.onopen = () => {{ opened += 1 }};
         for (const type of ['t', 'gap', 'message'])
             source.addEventListener(type, e => got.push([e.lastEventId, e.type, e.data]));
         true"
    ));
    browser.wait_for("opened == 1", SOON);
    browser
}

/// The events in the page's format.
fn expected(entries: &[Entry]) -> Value {
    let event = |entry: &Entry| json!([entry.id, entry.event_type, read_back(&entry.data)]);
    entries.iter().map(event).collect()
}

#[track_caller]
fn assert_got(browser: &mut Browser, entries: &[Entry]) {
    browser.wait_for(&format!("got.length >= {}", entries.len()), SOON);
    let (got, expected) = (browser.eval("got"), expected(entries));
    if got != expected {
        let brief = |events: &Value| format!("{events:.3000}");
        panic!("got {}, expected {}", brief(&got), brief(&expected));
    }
}

#[test]
fn a_browser_reads_every_payload_back() {
    let rig = Rig::start();
    let link = Link::to(&rig.daemon.sse());
    let mut browser = page(&link, "client=ada&from=earliest");
    let entries = rig.store("ada", payloads(), payloads().len());
    assert_got(&mut browser, &entries);
    assert!(browser.exceptions().is_empty());
}

#[test]
fn a_disconnected_browser_misses_nothing_and_sees_nothing_twice() {
    let rig = Rig::start();
    let link = Link::to(&rig.daemon.sse());
    let mut browser = page(&link, "client=ada");
    // The first time before its first event.
    for round in 0..4 {
        let count = round * 15;
        link.cut();
        browser.wait_for("source.readyState == EventSource.CONNECTING", SOON);
        rig.store("ada", numbered(count..count + 10), count + 10);
        link.open();
        browser.wait_for(&format!("opened == {}", round + 2), SOON);
        let entries = rig.store("ada", numbered(count + 10..count + 15), count + 15);
        assert_got(&mut browser, &entries);
    }
    assert!(browser.exceptions().is_empty());
}

#[test]
fn a_browser_reconnects_after_a_daemon_restart() {
    let mut rig = Rig::start();
    rig.keep_address();
    let link = Link::to(&rig.daemon.sse());
    let mut browser = page(&link, "client=ada");
    rig.store("ada", numbered(0..5), 5);
    for round in 1..3 {
        assert_eq!(rig.daemon.terminate(), Some(0));
        rig.send("ada", numbered(round * 5..round * 5 + 5));
        rig.restart();
        let entries = rig.stored("ada", round * 5 + 5);
        assert_got(&mut browser, &entries);
    }
}

#[test]
fn a_page_receives_a_gap_event() {
    let rig = Rig::start();
    let link = Link::to(&rig.daemon.sse());
    let mut browser = page(&link, "client=ada");
    let entries = rig.store("ada", numbered(0..3), 3);
    assert_got(&mut browser, &entries);
    link.cut();
    browser.wait_for("source.readyState == EventSource.CONNECTING", SOON);
    rig.store("ada", numbered(3..6), 6);
    let _: u64 = rig.redis(&["XTRIM", &rig.key("ada"), "MAXLEN", "1"]);
    link.open();
    browser.wait_for("got.length == 5", SOON);
    let got = browser.eval("got.slice(3)");
    assert_eq!(
        (&got[0][0], &got[0][1]),
        (&json!(entries[2].id), &json!("gap"))
    );
    let told: Value = serde_json::from_str(got[0][2].as_str().unwrap()).unwrap();
    let gap = json!({ "after": entries[2].id, "resumes-at": got[1][0], "reason": "trimmed" });
    assert_eq!(told, gap);
    assert_eq!(got[1][2], "payload 5");
    wait_until("one event remains", SOON, || {
        (rig.stream("ada").len() == 1).then_some(())
    });
}
