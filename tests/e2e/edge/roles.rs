//! Ingest and edges in separate processes, connected only by Redis.

use super::SOON;
use super::rig::{ANONYMOUS, Edge, config, next};
use millstream_tests::{Daemon, Message, create_topic, get, produce, servers, unique, wait_until};

#[test]
fn an_edge_needs_no_kafka_and_serves_events_of_another_process() {
    let (topic, prefix) = (create_topic("roles", 1), unique("roles"));
    let (kafka, redis) = (servers().kafka.bootstrap(), &servers().redis);
    let ingest = format!(
        r#"
[kafka]
bootstrap-servers = "{kafka}"
group-id = "{prefix}"
[store]
url = "{}"
key-prefix = "{prefix}"
[admin]
listen = "127.0.0.1:0"
[[pipeline]]
name = "roles"
topics = ["{topic}"]
transform = {{ plugin = "bundled:by-field", config = {{ client = "key" }} }}
"#,
        redis.url()
    );
    let ingest = Daemon::builder(&ingest).role("ingest").start();
    ingest.wait_ready(SOON);
    assert!(!ingest.log_contains("sse listening"));
    let edges: Vec<Daemon> = (0..2)
        .map(|_| {
            Daemon::builder(&config(redis, &prefix, "", ANONYMOUS))
                .role("edge")
                .start()
        })
        .collect();
    let mut open = Vec::new();
    for edge in &edges {
        edge.wait_ready(SOON);
        let path = "/v1/events?client=ada";
        let mut sse = millstream_tests::Sse::open(&edge.sse(), path, &[]);
        assert_eq!(sse.next(SOON).unwrap().id.as_deref(), Some("0-0"));
        open.push(sse);
    }
    for round in 0..3 {
        produce(
            &topic,
            [Message::new(format!("payload {round}")).key("ada")],
        );
        for sse in &mut open {
            assert_eq!(next(sse), format!("payload {round}"));
        }
    }
    // Each process can stop without affecting the other.
    assert_eq!(edges[0].terminate(), Some(0));
    assert_eq!(ingest.terminate(), Some(0));
    assert_eq!(get(&edges[1].admin(), "/readyz").status, 200);
}

#[test]
fn missing_configuration_of_a_role_is_reported() {
    let (redis, prefix) = (&servers().redis, unique("roles"));
    for (role, http, expected) in [
        ("all", "", "missing [kafka] table"),
        ("ingest", "", "only `--role edge` works without it"),
        (
            "edge",
            "presence-topic = \"p\"",
            "presence-topic needs Kafka",
        ),
    ] {
        let config = config(redis, &prefix, http, ANONYMOUS);
        let daemon = Daemon::builder(&config).role(role).start();
        assert_eq!(daemon.wait_exit(SOON), Some(64), "{role}");
        let said = || daemon.log_contains(expected).then_some(());
        wait_until(expected, SOON, said);
    }
}

#[test]
fn an_edge_started_without_redis_serves_once_redis_answers() {
    let redis = servers().own_redis(&[]);
    redis.pause();
    let config = config(&redis, "late", "heartbeat = \"1s\"", ANONYMOUS);
    let daemon = Daemon::builder(&config).role("edge").start();
    let path = "/v1/events?client=ada";
    // A client that connects meanwhile is told to retry, with an answer after which an EventSource
    // reconnects.
    let mut shed = millstream_tests::Sse::open(&daemon.sse(), path, &[]);
    let frame = shed.next(SOON).unwrap();
    assert!(frame.retry.is_some() && frame.id.is_none(), "{frame:?}");
    assert_eq!((shed.next(SOON), shed.end()), (None, Some("complete")));
    redis.resume();
    daemon.wait_ready(SOON);
    wait_until("a stream opens", SOON, || {
        let mut sse = millstream_tests::Sse::open(&daemon.sse(), path, &[]);
        sse.next(SOON).and_then(|frame| frame.id)
    });
}

#[test]
fn edges_share_the_list_of_connected_clients() {
    let edge = Edge::start();
    let other = edge.beside();
    let (_here, _) = edge.open("client=ada", &[]);
    let (_there, _) = other.open("client=bob", &[]);
    let connected: Vec<String> = edge.redis(&["ZRANGE", &edge.key("interest"), "0", "-1"]);
    assert_eq!(connected, ["ada", "bob"]);
}

#[test]
fn an_edge_reports_changed_settings_that_need_a_restart() {
    let (redis, prefix) = (&servers().redis, unique("edge"));
    let text = |http: &str| super::rig::config(redis, &prefix, http, super::rig::ANONYMOUS);
    let daemon = Daemon::builder(&text("")).role("edge").start();
    daemon.wait_ready(SOON);
    daemon.hup();
    daemon.wait_log("configuration reloaded; nothing in it changed", SOON);
    daemon.set_config(&text("heartbeat = \"7s\""));
    daemon.hup();
    daemon.wait_log("these need a restart: [http] heartbeat", SOON);
    daemon.set_config(&text("hartbeat = \"7s\""));
    daemon.hup();
    daemon.wait_log("configuration not reloaded; keeping the running one", SOON);
    assert_eq!(daemon.terminate(), Some(0));
}
