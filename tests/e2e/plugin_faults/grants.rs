//! Routes and dead-letter policies that write to topics which are not granted to them.

use super::{Fixture, LONG, error, note, raw};
use millstream_tests::{
    Consumed, Daemon, Message, SHORT_SESSIONS, create_topic, guest, produce, read_all, servers,
    unique, wait_until,
};

const ROUTE: &str = "transform.plugin = \"bundled:notifications\"
route.plugin = \"plugins/p.wasm\"";
const POLICY: &str = "transform.plugin = \"bundled:notifications\"
dead-letter.plugin = \"plugins/p.wasm\"";

#[test]
fn a_route_writes_only_to_granted_topics() {
    let place = Fixture::new(1);
    let granted = create_topic("faults-granted", 1);
    let requests = create_topic("faults-requests", 1);
    let tasks = format!(
        "{ROUTE}\noutput-topics = [\"{granted}\"]\n[tasks]\nrequest-topic = \"{requests}\""
    );
    let daemon = place.daemon(&tasks, &guest("test-routing"));
    let to = |topic: &str| note("bob", &format!("to {topic}"), "m");
    let refused = [&*place.topic, &requests, "nobody-made-this-one"];
    let messages = [to(&granted), to(&place.dead)];
    let messages = messages.into_iter().chain(refused.map(to));
    produce(&place.topic, messages.chain([note("ada", "good", "m")]));
    // One of them is the record that the route wrote to the dead-letter topic.
    let (_, letters) = place.wait_for("ada", 1, 1 + refused.len());
    let letters: Vec<_> = letters
        .iter()
        .filter(|letter| letter.header("millstream.error.class").is_some())
        .collect();
    assert_eq!(letters.len(), refused.len());
    for (letter, topic) in letters.into_iter().zip(refused) {
        assert_eq!(error(letter, "class"), "unroutable");
        let message = error(letter, "message");
        assert!(
            message.contains(topic) && message.contains("output-topics"),
            "{message}"
        );
        assert!(error(letter, "plugin").ends_with("plugins/p.wasm"));
    }
    let sent = read_all(&granted);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].header("millstream.hops"), Some("1"));
    assert!(read_all(&requests).is_empty());
    assert_eq!(read_all(&place.topic).len(), 6);
    // Nothing of a failed record is stored.
    assert_eq!(place.sources("bob").len(), 2);
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn a_letter_for_a_topic_that_is_not_granted_goes_to_the_default_topic() {
    let place = Fixture::new(1);
    let (granted, other) = (
        create_topic("faults-granted", 1),
        create_topic("faults-other", 1),
    );
    let pipeline = format!("{POLICY}\noutput-topics = [\"{granted}\"]");
    let daemon = place.daemon(&pipeline, &guest("test-ruling"));
    let told = [
        format!("to {granted}"),
        format!("to {}", place.topic),
        format!("to {other}"),
        format!("reroute {}", place.topic),
        format!("reroute {other}"),
        format!("reroute {granted}"),
    ];
    let messages = told.iter().map(|told| raw(told));
    produce(&place.topic, messages.chain([note("ada", "t", "m")]));
    let (_, letters) = place.wait_for("ada", 1, 4);
    let kept: Vec<_> = letters.iter().map(Consumed::text).collect();
    // The policy's replacement value is kept.
    let own = "malformed in transform";
    assert_eq!(kept, [own, own, &*told[3], &*told[4]]);
    for letter in &letters {
        assert_eq!(error(letter, "class"), "malformed");
        assert_eq!(letter.header("millstream.hops"), Some("1"));
    }
    assert_eq!(read_all(&granted).len(), 2);
    assert!(read_all(&other).is_empty());
    assert_eq!(read_all(&place.topic).len(), 7);
    assert_eq!(daemon.terminate(), Some(0));
}

/// Two pipelines that feed each other, with grants for both.
#[test]
fn a_cycle_of_pipelines_ends() {
    let [there, back] = ["faults-there", "faults-back"].map(|name| create_topic(name, 1));
    let prefix = unique("faults");
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let to = |topic: &str| {
        format!(
            r#"transform = {{ plugin = "bundled:by-field", config = {{ client = "/client" }} }}
[pipeline.route]
plugin = "bundled:by-type"
config = {{ default = {{ deliver = "never", topic = "{topic}" }} }}"#
        )
    };
    let (to_back, to_there) = (to(&back), to(&there));
    let rest = format!(
        r#"name = "there"
{to_back}
[[pipeline]]
name = "back"
topics = ["{back}"]
{to_there}
{SHORT_SESSIONS}"#
    );
    let dead = [&there, &back].map(|topic| format!("{topic}-dlq"));
    for dead in &dead {
        servers().kafka.create_topic_named(dead, 1, &[]);
    }
    let config = millstream_tests::config(&kafka, &redis, &there, &prefix, &rest);
    let daemon = Daemon::builder(&config).start();
    daemon.wait_ready(LONG);
    produce(&there, [Message::new(r#"{"client":"ada"}"#).partition(0)]);
    let letters = wait_until("the cycle ends in a dead letter", LONG, || {
        let letters: Vec<_> = dead.iter().flat_map(|topic| read_all(topic)).collect();
        (!letters.is_empty()).then_some(letters)
    });
    assert_eq!(letters.len(), 1);
    assert_eq!(error(&letters[0], "class"), "unroutable");
    assert!(error(&letters[0], "message").contains("form a loop"));
    assert_eq!(read_all(&there).len() + read_all(&back).len(), 17);
    assert_eq!(daemon.terminate(), Some(0));
}
