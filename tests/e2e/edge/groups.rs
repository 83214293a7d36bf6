//! One connection, several streams, one cursor.

use super::SOON;
use super::rig::{ANONYMOUS, Edge, gap, next};
use millstream_tests::{Frame, servers};
use serde_json::json;

#[test]
fn a_groups_event_reaches_exactly_its_followers() {
    let edge = Edge::start();
    let (mut ada, _) = edge.open("client=ada&groups=news", &[]);
    let (mut bob, _) = edge.open("client=bob&groups=sports,news", &[]);
    let (mut eve, _) = edge.open("client=eve", &[]);
    // A client may have the name of a group.
    let (mut news, _) = edge.open("client=news", &[]);
    edge.write("group:news", "t", "for all");
    for sse in [&mut ada, &mut bob] {
        assert_eq!(next(sse), "for all");
    }
    for (client, sse) in [
        ("ada", &mut ada),
        ("bob", &mut bob),
        ("eve", &mut eve),
        ("news", &mut news),
    ] {
        edge.write(&format!("client:{client}"), "t", client);
        assert_eq!(next(sse), client, "no event came before it");
    }
    assert_eq!(
        edge.redis::<u64>(&["XLEN", &edge.key("group:news")]),
        1,
        "stored once"
    );
}

#[test]
fn one_event_id_resumes_every_stream() {
    let edge = Edge::start();
    let query = "client=ada&groups=news,a%2Cb";
    let (mut sse, begins) = edge.open(query, &[]);
    assert_eq!(begins, "0-0,news=0-0,a%2Cb=0-0");
    let streams = ["client:ada", "group:news", "group:a,b"];
    let mut written = Vec::new();
    for round in 0..10 {
        for stream in streams {
            let data = format!("{stream} {round}");
            edge.write(stream, "t", &data);
            written.push(data);
        }
    }
    let all = sse.events(written.len(), SOON);
    // Cut after each event in turn: the resumed connection gets exactly the rest.
    for (cut, last) in all.iter().enumerate() {
        let id = last.id.as_deref().unwrap();
        let (mut resumed, at) = edge.open(query, &[("Last-Event-ID", id)]);
        assert_eq!(at, id);
        let mut seen: Vec<_> = all[..=cut].to_vec();
        seen.extend(resumed.events(all.len() - seen.len(), SOON));
        let mut data: Vec<_> = seen.into_iter().map(|frame| frame.data.unwrap()).collect();
        for stream in streams {
            let of: Vec<_> = data.iter().filter(|d| d.starts_with(stream)).collect();
            let expected: Vec<_> = written.iter().filter(|d| d.starts_with(stream)).collect();
            assert_eq!(of, expected, "in order, resumed after event {cut}");
        }
        data.sort();
        let mut expected = written.clone();
        expected.sort();
        assert_eq!(data, expected);
    }
}

#[test]
fn a_group_missing_from_the_cursor_starts_at_its_end() {
    let edge = Edge::start();
    let own = edge.write("client:ada", "t", "own 1");
    edge.write("client:ada", "t", "own 2");
    let there = edge.write("group:news", "t", "before");
    let (mut sse, begins) = edge.open("client=ada&groups=news", &[("Last-Event-ID", &own)]);
    assert_eq!(begins, format!("{own},news={there}"));
    assert_eq!(next(&mut sse), "own 2");
    edge.write("group:news", "t", "after");
    assert_eq!(next(&mut sse), "after");
    // A group that the query omits is omitted from the cursor.
    let (mut sse, begins) = edge.open("client=ada", &[("Last-Event-ID", &begins)]);
    assert_eq!((begins, next(&mut sse)), (own, "own 2".into()));
}

#[test]
fn a_gap_in_a_group_names_the_group_and_leaves_other_streams_alone() {
    let edge = Edge::start();
    let (mut sse, _) = edge.open("client=ada&groups=news", &[]);
    let write = |n: usize| {
        edge.write("group:news", "t", &format!("news {n}"));
        edge.write("client:ada", "t", &format!("own {n}"));
    };
    write(0);
    let id = sse.events(2, SOON).remove(1).id.unwrap();
    (1..4).for_each(write);
    sse.events(6, SOON);
    let key = edge.key("group:news");
    let _: u64 = edge.redis(&["XTRIM", &key, "MAXLEN", "1"]);
    let (mut sse, _) = edge.open("client=ada&groups=news", &[("Last-Event-ID", &id)]);
    let frames = sse.events(5, SOON);
    let gaps: Vec<&Frame> = frames
        .iter()
        .filter(|f| f.event.as_deref() == Some("gap"))
        .collect();
    assert_eq!(gaps.len(), 1, "{frames:?}");
    let told = gap(gaps[0]);
    assert_eq!(
        (&told["reason"], &told["group"]),
        (&json!("trimmed"), &json!("news"))
    );
    let data: Vec<_> = frames.iter().filter_map(|f| f.data.clone()).collect();
    for expected in ["news 3", "own 1", "own 2", "own 3"] {
        assert!(data.iter().any(|d| d == expected), "{expected} in {data:?}");
    }
}

#[test]
fn a_burst_larger_than_the_retention_is_reported_as_a_gap() {
    let kept = format!("{ANONYMOUS}\n[store.retention]\nmax-events = 20");
    let edge = Edge::with("", &kept);
    let (mut sse, _) = edge.open("client=ada", &[]);
    // Pages grow to their full size.
    for n in 0..30 {
        edge.write("client:ada", "t", &n.to_string());
        assert_eq!(next(&mut sse), n.to_string());
    }
    let mut pipe = redis::pipe();
    pipe.atomic();
    for n in 0..200 {
        let add = pipe.cmd("XADD").arg(edge.key("client:ada"));
        add.arg("MAXLEN").arg("=").arg(20).arg("*");
        add.arg("type").arg("t").arg("data").arg(n).ignore();
    }
    pipe.cmd("PUBLISH")
        .arg(edge.key("bell"))
        .arg("ada")
        .ignore();
    pipe.exec(&mut servers().redis.connect()).unwrap();
    let events = sse.events(21, SOON);
    assert_eq!(gap(&events[0])["reason"], "trimmed");
    let rest: Vec<_> = events[1..].iter().filter_map(|f| f.data.clone()).collect();
    let expected: Vec<_> = (180..200).map(|n| n.to_string()).collect();
    assert_eq!(rest, expected);
}

#[test]
fn from_earliest_applies_to_every_stream() {
    let edge = Edge::start();
    edge.write("client:ada", "t", "own");
    edge.write("group:news", "t", "news");
    let (mut sse, begins) = edge.open("client=ada&groups=news&from=earliest", &[]);
    assert_eq!(begins, "0-0,news=0-0");
    let mut data: Vec<_> = sse
        .events(2, SOON)
        .into_iter()
        .map(|f| f.data.unwrap())
        .collect();
    data.sort();
    assert_eq!(data, ["news", "own"]);
}

#[test]
fn invalid_groups_and_cursors_are_refused_with_a_reason() {
    let edge = Edge::with("max-groups = 3", super::rig::ANONYMOUS);
    let long = format!("groups={}", "a".repeat(257));
    for (query, why) in [
        ("groups=", "empty"),
        ("groups=a,,b", "empty"),
        ("groups=a%00", "control character"),
        ("groups=a&groups=b", "twice"),
        (&long, "257"),
        ("groups=a,b,c,d", "at most 3"),
        ("last-event-id=1-1,news", "places"),
        ("last-event-id=1-1,news=x", "two numbers"),
        ("last-event-id=1-1,news=1-1,news=1-1", "places"),
    ] {
        let mut refused = edge.ask(&format!("client=ada&{query}"), &[]);
        assert_eq!(refused.status, 400, "{query}");
        assert_eq!(
            refused.header("content-type"),
            Some("application/problem+json")
        );
        assert!(refused.next(SOON).is_none());
        let path = format!("/v1/events?client=ada&{query}");
        let text = millstream_tests::get(&edge.daemon.sse(), &path).text();
        assert!(text.contains(why), "{query}: {text}");
    }
}
