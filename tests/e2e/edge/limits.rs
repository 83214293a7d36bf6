//! Connections over a limit are told to retry, with an answer after which an EventSource
//! reconnects.

use super::SOON;
use super::rig::{ANONYMOUS, Edge};
use millstream_tests::{Sse, metrics, wait_until};
use std::time::Duration;

/// Checks for an answer that asks the client to retry later and does not end an EventSource.
#[track_caller]
fn assert_shed(edge: &Edge, mut sse: Sse, why: &str) {
    assert_eq!(
        (sse.status, sse.header("content-type")),
        (200, Some("text/event-stream"))
    );
    let frame = sse.next(SOON).unwrap();
    let retry = frame.retry.expect("a retry time");
    // Longer than for clients that were served.
    assert!((3000..9000).contains(&retry), "{retry}");
    assert_eq!((frame.id, frame.data), (None, None));
    assert_eq!((sse.next(SOON), sse.end()), (None, Some("complete")));
    let counted = metrics(&edge.daemon.admin())
        .sum("millstream_sse_shed_total", &[&format!("why=\"{why}\"")]);
    assert!(counted >= 1.0);
}

#[test]
fn the_limit_per_client_does_not_affect_other_clients() {
    let edge = Edge::with("max-connections-per-client = 2", ANONYMOUS);
    let open = [edge.open("client=ada", &[]), edge.open("client=ada", &[])];
    assert_shed(&edge, edge.ask("client=ada", &[]), "client");
    let (mut bob, _) = edge.open("client=bob", &[]);
    edge.write("client:bob", "t", "on");
    assert_eq!(super::rig::next(&mut bob), "on");
    drop(open);
    wait_until("a connection is free again", SOON, || {
        edge.ask("client=ada", &[]).next(SOON)?.id
    });
}

#[test]
fn connections_per_address_are_limited() {
    let edge = Edge::with("max-connections-per-address = 3", ANONYMOUS);
    let open: Vec<_> = (0..3)
        .map(|n| edge.open(&format!("client=c{n}"), &[]))
        .collect();
    assert_shed(&edge, edge.ask("client=c3", &[]), "address");
    assert_eq!(open.len(), 3);
}

#[test]
fn the_limit_per_process_does_not_affect_open_connections() {
    let edge = Edge::with("max-connections = 5", ANONYMOUS);
    let mut open: Vec<_> = (0..5)
        .map(|n| edge.open(&format!("client=c{n}"), &[]).0)
        .collect();
    assert_shed(&edge, edge.ask("client=late", &[]), "process");
    for (n, sse) in open.iter_mut().enumerate() {
        edge.write(&format!("client:c{n}"), "t", "on");
        assert_eq!(super::rig::next(sse), "on");
    }
    drop(open.pop());
    wait_until("a connection is free again", SOON, || {
        edge.ask("client=late", &[]).next(SOON)?.id
    });
}

#[test]
fn a_stalled_reader_is_disconnected_and_others_are_not() {
    let edge = Edge::with("write-timeout = \"1s\"\nheartbeat = \"1s\"", ANONYMOUS);
    let (mut slow, _) = edge.open("client=slow&from=earliest", &[]);
    let (mut quick, _) = edge.open("client=quick", &[]);
    let big = "x".repeat(1 << 20);
    (0..20).for_each(|_| drop(edge.write("client:slow", "t", &big)));
    let cut = || metrics(&edge.daemon.admin()).sum("millstream_sse_cut_total", &[]);
    wait_until("the slow connection is cut", SOON, || {
        (cut() == 1.0).then_some(())
    });
    while slow.next(Duration::from_secs(5)).is_some() {}
    assert_ne!(slow.end(), Some("complete"));
    edge.write("client:quick", "t", "on");
    assert_eq!(super::rig::next(&mut quick), "on");
    // The client reconnects and reads everything.
    let (mut again, _) = edge.open("client=slow&from=earliest", &[]);
    assert_eq!(again.events(20, SOON).len(), 20);
}

#[test]
fn queued_bytes_of_all_connections_are_bounded() {
    const CLIENTS: usize = 60;
    let edge = Edge::with("max-queued = \"1MiB\"", ANONYMOUS);
    let open: Vec<_> = (0..CLIENTS)
        .map(|n| edge.open(&format!("client=c{n}"), &[]))
        .collect();
    let before = edge.daemon.memory().now;
    let data = "x".repeat(60 << 10);
    for _ in 0..20 {
        (0..CLIENTS).for_each(|n| drop(edge.write(&format!("client:c{n}"), "t", &data)));
    }
    let (_, listed) = edge.call("GET", "/v1/clients", &[]);
    let queued: u64 = listed["connections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["queued-bytes"].as_u64().unwrap())
        .sum();
    // Each connection may exceed the limit by one event.
    let most = (1 << 20) + CLIENTS as u64 * (64 << 10);
    assert!(queued > 0 && queued < most, "{queued} bytes are queued");
    let grown = edge.daemon.memory().peak.saturating_sub(before);
    println!(
        "{queued} bytes are queued; the daemon grew by {} KiB",
        grown >> 10
    );
    for (mut sse, _) in open {
        // Only counts the events: their data is long.
        let mut left = 20;
        while left > 0 && sse.next_event(SOON).is_some() {
            left -= 1;
        }
        assert_eq!(left, 0, "every reader gets all events");
    }
}
