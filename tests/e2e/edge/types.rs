//! Filtering by type.

use super::SOON;
use super::rig::{ANONYMOUS, Edge, next};

#[test]
fn only_requested_types_are_delivered() {
    let edge = Edge::start();
    let (mut some, _) = edge.open("client=ada&types=order,a%2Cb", &[]);
    let (mut untyped, _) = edge.open("client=ada&types=message", &[]);
    for (kind, data) in [
        ("other", "1"),
        ("order", "2"),
        ("", "3"),
        ("a,b", "4"),
        ("order", "5"),
    ] {
        edge.write("client:ada", kind, data);
    }
    let data: Vec<_> = some
        .events(3, SOON)
        .into_iter()
        .map(|f| f.data.unwrap())
        .collect();
    assert_eq!(data, ["2", "4", "5"]);
    assert_eq!(next(&mut untyped), "3");
}

#[test]
fn filtered_events_move_the_cursor() {
    // A quiet connection gets its cursor with the next heartbeat.
    let edge = Edge::with("heartbeat = \"1s\"", ANONYMOUS);
    let (mut sse, _) = edge.open("client=ada&types=order", &[]);
    let last = (0..5)
        .map(|n| edge.write("client:ada", "other", &n.to_string()))
        .last();
    let moved = std::iter::from_fn(|| sse.next(SOON)).find(|frame| frame.id.is_some());
    let moved = moved.unwrap();
    assert_eq!((moved.id, moved.data), (last, None));
}

#[test]
fn many_filtered_events_move_the_cursor_at_once() {
    let edge = Edge::start();
    let ids: Vec<_> = (0..200)
        .map(|n| edge.write("client:ada", "other", &n.to_string()))
        .collect();
    let (mut sse, _) = edge.open("client=ada&types=order&from=earliest", &[]);
    for passed in [64, 128, 192] {
        let moved = sse.next(SOON).unwrap();
        assert_eq!(
            (moved.id.as_ref(), moved.data),
            (Some(&ids[passed - 1]), None)
        );
    }
    edge.write("client:ada", "order", "last");
    assert_eq!(next(&mut sse), "last");
}

#[test]
fn gaps_are_reported_with_any_type_filter() {
    let edge = Edge::start();
    edge.write("client:ada", "other", "1");
    let headers = [("Last-Event-ID", "99999999999999-0")];
    let (mut sse, _) = edge.open("client=ada&types=order", &headers);
    let told = super::rig::gap(&sse.events(1, SOON)[0]);
    assert_eq!(told["reason"], "rewound");
}
