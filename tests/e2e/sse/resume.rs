use super::SOON;
use super::rig::{Rig, assert_same, numbered, opened};
use millstream_tests::request;

#[test]
fn a_client_resumes_exactly_after_its_last_event_id() {
    let rig = Rig::start();
    let entries = rig.store("ada", numbered(0..10), 10);
    for at in [0, 3, 8] {
        let mut sse = rig.resume("ada", &entries[at].id);
        assert_same(&sse.events(9 - at, SOON), &entries[at + 1..]);
    }
    let query = format!("client=ada&last-event-id={}", entries[6].id);
    assert_same(&rig.open(&query).0.events(3, SOON), &entries[7..]);

    let mut at_the_end = rig.resume("ada", &entries[9].id);
    let entries = rig.store("ada", numbered(10..12), 12);
    assert_same(&at_the_end.events(2, SOON), &entries[10..]);
}

#[test]
fn the_header_overrides_the_query_and_an_id_overrides_from() {
    let rig = Rig::start();
    let entries = rig.store("ada", numbered(0..6), 6);
    let (one, four) = (&*entries[1].id, &*entries[4].id);
    let begins =
        |query: String, headers: &[(&str, &str)]| opened(rig.ask(&query, headers)).unwrap().1;
    let header: &[_] = &[("last-event-id", four)];
    assert_eq!(
        begins(format!("client=ada&last-event-id={one}"), header),
        four
    );
    assert_eq!(begins("client=ada&from=earliest".into(), header), four);
    assert_eq!(begins("client=ada&from=now".into(), header), four);
    let query = format!("client=ada&from=earliest&last-event-id={one}");
    assert_eq!(begins(query.clone(), &[]), one);
    assert_eq!(begins(query.clone(), header), four);
    // An empty id counts as none, as in a fresh EventSource.
    assert_eq!(begins(query, &[("last-event-id", "")]), one);
    assert_eq!(
        begins("client=ada&last-event-id=&from=earliest".into(), &[]),
        "0-0"
    );
}

#[test]
fn a_client_disconnected_before_its_first_event_misses_nothing() {
    let rig = Rig::start();
    for (client, before) in [("new", 0), ("known", 2)] {
        if before > 0 {
            rig.store(client, numbered(0..before), before);
        }
        let (sse, begins) = rig.open(&format!("client={client}"));
        drop(sse);
        let entries = rig.store(client, numbered(before..before + 3), before + 3);
        let mut sse = rig.resume(client, &begins);
        assert_same(&sse.events(3, SOON), &entries[before..]);
    }
}

#[test]
fn a_client_disconnected_repeatedly_gets_each_event_once() {
    let rig = Rig::start();
    let (sse, mut last) = rig.open("client=ada");
    drop(sse);
    let mut got = Vec::new();
    for round in 0..20 {
        rig.send("ada", numbered(round * 7..(round + 1) * 7));
        let mut sse = rig.resume("ada", &last);
        got.extend(sse.events(1 + round % 5, SOON));
        last = got.last().unwrap().id.clone().unwrap();
    }
    let entries = rig.stored("ada", 140);
    got.extend(rig.resume("ada", &last).events(140 - got.len(), SOON));
    assert_same(&got, &entries);
}

#[test]
fn a_malformed_id_is_refused_with_the_expected_format() {
    let rig = Rig::start();
    let bad = [
        "x",
        "-",
        "1",
        "1-",
        "-1",
        "1-2-3",
        "+1-2",
        "1-0x2",
        "$",
        "*",
        "(1-1",
        "0",
        "1-18446744073709551616",
        "1700000000000-0 ,",
        "é",
    ];
    let addr = rig.daemon.sse();
    let ask = |query: &str, headers: &[(&str, &str)]| {
        let path = format!("/v1/events?client=ada{query}");
        request("GET", &addr, &path, headers, b"").unwrap()
    };
    for id in bad {
        let answer = ask("", &[("Last-Event-ID", id)]);
        assert_eq!(answer.status, 400, "{id}");
        assert!(answer.text().contains("Last-Event-ID"), "{}", answer.text());
    }
    for id in ["x", "1", "1-2%0d%0aX-Injected:%201", "%00", "1-1%00"] {
        let answer = ask(&format!("&last-event-id={id}"), &[]);
        assert_eq!(answer.status, 400, "{id}");
        assert!(
            answer.text().contains("1700000000000-0"),
            "{}",
            answer.text()
        );
        assert_eq!(answer.header("x-injected"), None);
    }
}
