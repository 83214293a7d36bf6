//! Readiness by role: a load balancer asks whether streams are served, even while ingest waits.

use super::LONG;
use millstream_tests::{Daemon, Sse, create_topic, get, servers, unique, wait_until};

fn config(kafka: &str, redis: &str, topic: &str) -> String {
    millstream_tests::config(kafka, redis, topic, &unique("roles"), "name = \"p\"")
}

#[test]
fn each_role_is_ready_independently() {
    let redis = servers().own_redis(&[]);
    let daemon = Daemon::builder(&config("127.0.0.1:1", &redis.url(), "none")).start();
    let admin = daemon.admin();
    let asked = |query: &str| {
        let answer = get(&admin, &format!("/readyz{query}"));
        (answer.status, answer.text())
    };
    wait_until("streams are served", LONG, || {
        (asked("?role=edge").0 == 200).then_some(())
    });
    let mut sse = Sse::open(&daemon.sse(), "/v1/events?client=ada", &[]);
    assert_eq!(sse.next(LONG).unwrap().id.as_deref(), Some("0-0"));
    for query in ["", "?role=ingest"] {
        let (status, text) = asked(query);
        println!("{query}: {text}");
        assert_eq!(status, 503, "{text}");
        assert!(text.contains("pipeline p: not in the consumer group yet"));
    }
    for query in ["?role=all", "?rol=edge", "?role=edge&role=edge", "?role="] {
        let (status, text) = asked(query);
        assert_eq!(status, 400, "{query}: {text}");
        assert!(
            text.contains("edge or ingest") || text.contains("twice"),
            "{text}"
        );
    }
    redis.kill();
    wait_until("both roles wait for the store", LONG, || {
        let both = ["?role=edge", "?role=ingest"].map(asked);
        let is = |(status, text): &(u16, String)| *status == 503 && text.contains("the store");
        both.iter().all(is).then_some(())
    });
}

#[test]
fn a_daemon_is_not_ready_for_a_role_it_does_not_run() {
    let (redis, topic) = (servers().redis.url(), create_topic("roles", 1));
    for (role, other) in [("edge", "ingest"), ("ingest", "edge")] {
        let config = config(&servers().kafka.bootstrap(), &redis, &topic);
        let daemon = Daemon::builder(&config).role(role).start();
        let asked = |role: &str| get(&daemon.admin(), &format!("/readyz?role={role}"));
        wait_until(&format!("{role} is ready"), LONG, || {
            (asked(role).status == 200).then_some(())
        });
        let answer = asked(other);
        assert_eq!(answer.status, 503);
        let says = format!("does not run with the role {other}");
        assert!(answer.text().contains(&says), "{}", answer.text());
    }
}
