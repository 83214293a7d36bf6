//! Redis users without channel rights, and proxies in front of Redis without channels.

use super::SOON;
use super::rig::{ANONYMOUS, config, next};
use super::tokens::{AUTH, SECRET, now, token};
use millstream_tests::{
    Daemon, Message, Redis, Sse, create_topic, get, metrics, produce, request, servers, unique,
    wait_until,
};
use serde_json::json;

/// The defaults of a new user in Redis 7: all rights, but no channels.
const NO_CHANNELS: &[&str] = &["~*", "+@all"];
const EVERYTHING: &[&str] = &["~*", "&*", "+@all"];

/// Creates a user; returns the URL to log in with.
fn user(redis: &Redis, name: &str, rules: &[&str]) -> String {
    let words = ["ACL", "SETUSER", name, "on", ">pw"];
    redis.order(&[&words[..], rules].concat());
    format!("redis://{name}:pw@{}", redis.addr())
}

/// A topic, and the configuration of a daemon that reads it with this user.
fn ingesting(redis: &str, prefix: &str) -> (String, String) {
    let topic = create_topic("channels", 1);
    let kafka = servers().kafka.bootstrap();
    let pipeline = "name = \"channels\"\n\
        transform = { plugin = \"bundled:by-field\", config = { client = \"key\" } }";
    let config = millstream_tests::config(&kafka, redis, &topic, prefix, pipeline);
    (topic, config)
}

fn edge(redis: &Redis, url: &str, prefix: &str, rest: &str) -> Daemon {
    let config = config(redis, prefix, "", rest).replace(&redis.url(), url);
    let builder = Daemon::builder(&config).role("edge");
    builder.file("secret", SECRET).start()
}

fn open(daemon: &Daemon, client: &str) -> Sse {
    let path = format!("/v1/events?client={client}");
    let mut sse = Sse::open(&daemon.sse(), &path, &[]);
    let begins = sse.next(SOON).expect("an opening frame");
    assert!(begins.id.is_some(), "{begins:?}");
    sse
}

/// Produces records for each client in turn and checks that each client gets them.
#[track_caller]
fn assert_delivered(topic: &str, open: &mut [(&str, Sse)]) {
    for round in 0..3 {
        for (client, sse) in &mut *open {
            let payload = format!("{client} {round}");
            produce(topic, [Message::new(payload.clone()).key(*client)]);
            assert_eq!(next(sse), payload);
        }
    }
}

fn gauge(daemon: &Daemon, name: &str) -> String {
    metrics(&daemon.admin()).sum(name, &[]).to_string()
}

#[test]
fn events_are_delivered_without_channel_rights_and_a_warning_names_the_missing_grant() {
    let (redis, prefix) = (servers().own_redis(&[]), unique("channels"));
    let url = user(&redis, "mill", NO_CHANNELS);
    let (topic, config) = ingesting(&url, &prefix);
    let daemon = Daemon::ready(&config);
    let mut readers = ["ada", "bob"].map(|client| (client, open(&daemon, client)));
    assert_delivered(&topic, &mut readers);

    let grant = format!("ACL SETUSER mill '&{prefix}:{{0}}:bell' +subscribe +publish");
    let warned = || {
        let answer = get(&daemon.admin(), "/readyz");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text().matches(&grant).count()
    };
    let told = || (warned() == 2).then_some(());
    wait_until(
        "readiness warns about publishing and subscribing",
        SOON,
        told,
    );
    daemon.wait_log(&grant, SOON);
    for name in [
        "millstream_store_news_polled",
        "millstream_store_publish_refused",
    ] {
        assert_eq!(gauge(&daemon, name), "1", "{name}");
    }
    // With the right granted, the edge stops polling.
    redis.order(&["ACL", "SETUSER", "mill", &format!("&{prefix}:{{0}}:bell")]);
    wait_until("readiness stops warning", SOON, || {
        (warned() == 0).then_some(())
    });
    assert_eq!(gauge(&daemon, "millstream_store_news_polled"), "0");
    assert_delivered(&topic, &mut readers);
    // The right is revoked at run time.
    redis.order(&["ACL", "SETUSER", "mill", "resetchannels"]);
    assert_delivered(&topic, &mut readers);
    wait_until("readiness warns again", SOON, told);
}

#[test]
fn an_edge_notices_events_if_either_side_lacks_channel_rights() {
    let redis = servers().own_redis(&[]);
    let none = user(&redis, "none", NO_CHANNELS);
    let all = user(&redis, "all", EVERYTHING);
    for (ingests, serves) in [(&none, &all), (&all, &none)] {
        let prefix = unique("sides");
        let (topic, config) = ingesting(ingests, &prefix);
        let ingest = Daemon::builder(&config).role("ingest").start();
        let edges = [serves, &all].map(|url| edge(&redis, url, &prefix, ANONYMOUS));
        ingest.wait_ready(SOON);
        edges.iter().for_each(|edge| edge.wait_ready(SOON));
        let mut readers = [("ada", &edges[0]), ("ada", &edges[1])]
            .map(|(client, edge)| (client, open(edge, client)));
        for round in 0..3 {
            produce(&topic, [Message::new(format!("round {round}")).key("ada")]);
            for (_, sse) in &mut readers {
                assert_eq!(next(sse), format!("round {round}"));
            }
        }
    }
}

#[test]
fn revocations_and_disconnects_work_without_channels() {
    let (redis, prefix) = (servers().own_redis(&[]), unique("revoked"));
    let url = user(&redis, "mill", NO_CHANNELS);
    let all = user(&redis, "all", EVERYTHING);
    let edges = [&url, &url, &all].map(|url| edge(&redis, url, &prefix, AUTH));
    edges.iter().for_each(|edge| edge.wait_ready(SOON));
    let bearer = |claims| format!("Bearer {}", token(claims));
    let ada = bearer(json!({ "sub": "ada" }));
    let bob = bearer(json!({ "sub": "bob" }));
    let open = |edge: &Daemon, token: &str| {
        Sse::open(&edge.sse(), "/v1/events", &[("authorization", token)])
    };
    let post = |edge: &Daemon, path: &str| {
        let answer = request("POST", &edge.admin(), path, &[], b"").unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    let mut before = Vec::new();
    for edge in &edges {
        before.extend([open(edge, &ada), open(edge, &bob)]);
    }
    before.iter().for_each(|sse| assert_eq!(sse.status, 200));
    post(
        &edges[0],
        &format!("/v1/clients/ada/revoke?before={}", now() - 5),
    );
    post(&edges[0], "/v1/clients/bob/disconnect");
    for mut sse in before {
        while sse.next(SOON).is_some() {}
        assert_eq!(sse.end(), Some("complete"));
    }
    for edge in &edges {
        assert_eq!(open(edge, &ada).status, 401);
        assert_eq!(open(edge, &bob).status, 200);
    }
}

/// A proxy may reject the commands, or accept notifications and drop them.
#[test]
fn events_are_delivered_through_a_proxy_without_channels() {
    let refuses = ["--rename-command", "SUBSCRIBE", ""];
    let refuses = [&["--rename-command", "PUBLISH", ""], &refuses[..]].concat();
    let drops = [
        "--rename-command",
        "PUBLISH",
        "",
        "--rename-command",
        "EXISTS",
        "PUBLISH",
    ];
    for proxy in [&refuses[..], &drops] {
        let (redis, prefix) = (servers().own_redis(proxy), unique("proxy"));
        let (topic, config) = ingesting(&redis.url(), &prefix);
        let daemon = Daemon::ready(&config);
        let mut readers = [("ada", open(&daemon, "ada"))];
        assert_delivered(&topic, &mut readers);
        assert_eq!(get(&daemon.admin(), "/readyz").status, 200);
        assert_eq!(gauge(&daemon, "millstream_store_news_polled"), "1");
    }
}

/// A user with access to single keys only, from before the key for news existed.
#[test]
fn a_writer_without_access_to_the_news_key_uses_the_channel_alone() {
    let (redis, prefix) = (servers().own_redis(&[]), unique("single"));
    let key = |name: &str| format!("~{prefix}:{{0}}:{name}");
    let keys = [
        "client:*",
        "ledger:*",
        "partitions:*",
        "swaps:*",
        "withheld",
        "interest",
    ]
    .map(key);
    let mut rules: Vec<&str> = keys.iter().map(String::as_str).collect();
    rules.extend(["+@all", "&*"]);
    let (single, all) = (
        user(&redis, "single", &rules),
        user(&redis, "all", EVERYTHING),
    );
    let (topic, config) = ingesting(&single, &prefix);
    let ingest = Daemon::builder(&config).role("ingest").start();
    let edge = edge(&redis, &all, &prefix, ANONYMOUS);
    ingest.wait_ready(SOON);
    edge.wait_ready(SOON);
    assert_delivered(&topic, &mut [("ada", open(&edge, "ada"))]);
    ingest.wait_log("Redis refuses the key", SOON);
}

#[test]
fn an_edge_that_can_neither_subscribe_nor_poll_is_not_ready() {
    let (redis, prefix) = (servers().own_redis(&[]), unique("deaf"));
    let key = |name: &str| format!("~{prefix}:{{0}}:{name}");
    let keys = ["client:*", "interest", "withheld", "revoked"].map(key);
    let rules: Vec<&str> = keys.iter().map(String::as_str).chain(["+@all"]).collect();
    let url = user(&redis, "mill", &rules);
    let edge = edge(&redis, &url, &prefix, ANONYMOUS);
    edge.wait_not_ready(
        &[
            "no notifications of new events from Redis",
            "ACL SETUSER mill",
        ],
        SOON,
    );
    redis.order(&["ACL", "SETUSER", "mill", &key("news")]);
    edge.wait_ready(SOON);
}
