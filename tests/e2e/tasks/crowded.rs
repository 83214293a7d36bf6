//! More connections than the limit: requests are answered, and silent connections make room.

use super::SOON;
use super::rig::{Gateway, json_of};
use millstream_tests::{Daemon, Sse, get, metrics, wait_until};
use std::net::TcpStream;

const MOST: usize = 2;

/// A gateway whose connections are all taken by streams.
fn crowded() -> (Gateway, Vec<Sse>) {
    let gateway = Gateway::made("", "", |config| {
        let most = format!("[http]\nmax-connections = {MOST}\nheader-timeout = \"60s\"");
        Daemon::builder(&config.replace("[http]", &most))
    });
    let streams = (0..MOST).map(|n| gateway.stream(&format!("c{n}"), "now"));
    let streams = streams.collect();
    (gateway, streams)
}

/// Connections that send nothing.
fn silent(addr: &str, count: usize) -> Vec<TcpStream> {
    let connect = |_| TcpStream::connect(addr).unwrap();
    (0..count).map(connect).collect()
}

fn refused(gateway: &Gateway, listener: &str) -> f64 {
    let labels = ["why=\"limit\"", &format!("listener=\"{listener}\"")];
    metrics(&gateway.daemon.admin()).sum("millstream_connections_refused_total", &labels)
}

#[test]
fn tasks_are_accepted_while_all_stream_slots_are_taken() {
    let (gateway, _streams) = crowded();
    for _ in 0..3 {
        gateway.task("ada", "{}");
    }
    assert_eq!(gateway.requests().len(), 3);
    assert_eq!(refused(&gateway, "sse"), 0.0);
}

#[test]
fn with_all_connections_taken_a_task_gets_503_and_a_stream_is_told_to_retry() {
    let (gateway, _streams) = crowded();
    let crowd = silent(&gateway.daemon.sse(), 400);
    let answer = gateway.post("ada", &[], &format!("[\"{}\"]", "x".repeat(100 << 10)));
    assert_eq!(answer.status, 503, "{}", answer.text());
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
    assert!(
        json_of(&answer)["detail"]
            .as_str()
            .unwrap()
            .contains("connections")
    );
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(gateway.get("ada", "x").status, 503);
    let mut late = Sse::open(&gateway.daemon.sse(), "/v1/events?client=late", &[]);
    assert_eq!(late.status, 200);
    assert!(late.next(SOON).unwrap().retry.is_some());
    assert_eq!((late.next(SOON), late.end()), (None, Some("complete")));
    assert!(refused(&gateway, "sse") >= (400 - 256) as f64);
    let shed = metrics(&gateway.daemon.admin()).sum("millstream_tasks_total", &["result=\"shed\""]);
    assert_eq!(shed, 2.0);
    assert!(gateway.requests().is_empty());
    drop(crowd);
    wait_until("a connection is free again", SOON, || {
        (gateway.post("ada", &[], "{}").status == 202).then_some(())
    });
}

#[test]
fn silent_connections_to_the_admin_listener_leave_room_for_others() {
    let (gateway, _streams) = crowded();
    let before = gateway.daemon.descriptors();
    let _crowd = silent(&gateway.daemon.admin(), 600);
    for path in ["/healthz", "/readyz", "/metrics", "/v1/clients"] {
        assert_eq!(get(&gateway.daemon.admin(), path).status, 200, "{path}");
    }
    let held = gateway.daemon.descriptors().saturating_sub(before);
    assert!(
        held < 200,
        "{held} descriptors are held by silent connections"
    );
    assert!(refused(&gateway, "admin") > 0.0);
}
