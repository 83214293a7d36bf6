//! Filtering by type.

use super::SOON;
use super::rig::{ANONYMOUS, Edge, next};

#[test]
fn only_the_types_that_were_asked_for_come() {
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
fn what_is_left_out_moves_the_cursor() {
    // A quiet connection is told its place with the comment that is due.
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
fn many_that_are_left_out_move_it_at_once() {
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
fn gaps_are_told_whatever_was_asked_for() {
    let edge = Edge::start();
    edge.write("client:ada", "other", "1");
    let headers = [("Last-Event-ID", "99999999999999-0")];
    let (mut sse, _) = edge.open("client=ada&types=order", &headers);
    let told = super::rig::gap(&sse.events(1, SOON)[0]);
    assert_eq!(told["reason"], "rewound");
}
