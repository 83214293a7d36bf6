//! Dead letters that Kafka does not accept: the ledger does not pass them, readiness says why, and
//! delivery continues once the cause is fixed.

use super::{LONG, config, noise, note, offsets, wait_for, wait_said};
use millstream_tests::{Daemon, Message, produce, read_all, servers, unique};

/// A pipeline whose topic holds a good record, a malformed one of this size, and a good one.
fn setup(size: usize, more: &str) -> (String, String, String) {
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let (topic, prefix) = (kafka.create_topic("letters", 1), unique("letters"));
    let malformed = Message::new(noise(size)).partition(0);
    produce(&topic, [note(0), malformed, note(2)]);
    let text = config(&kafka.bootstrap(), &redis.url(), &topic, &prefix, more);
    (text, topic, prefix)
}

#[test]
fn a_missing_dead_letter_topic_is_created() {
    let (text, topic, prefix) = setup(10, "");
    let daemon = Daemon::ready(&text);
    assert_eq!(wait_for(&servers().redis, &prefix, 2), [0, 2]);
    daemon.wait_log("created a dead-letter topic", LONG);
    let letters = read_all(&format!("{topic}-dlq"));
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].value, Some(noise(10)));
}

#[test]
fn a_partition_waits_for_a_dead_letter_topic_it_may_not_create() {
    let (text, topic, prefix) = setup(10, "create-dead-letter-topics = false");
    let daemon = Daemon::builder(&text).start();
    let dead = format!("{topic}-dlq");
    let make = format!("`millstream topic create {dead}`");
    println!(
        "{}",
        wait_said(&daemon, &["does not accept a record", &make])
    );
    assert!(
        offsets(&servers().redis, &prefix).is_empty(),
        "the ledger does not pass the letter"
    );
    servers().kafka.create_topic_named(&dead, 1, &[]);
    assert_eq!(wait_for(&servers().redis, &prefix, 2), [0, 2]);
    daemon.wait_ready(LONG);
    assert_eq!(read_all(&dead).len(), 1);
}

#[test]
fn only_dead_letter_topics_are_created_not_topics_of_a_route() {
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let copies = unique("copies");
    let route = format!(
        r#"route = {{ plugin = "bundled:by-type", config = {{ default = {{ topic = "{copies}" }} }} }}"#
    );
    let (text, topic, prefix) = setup(10, &route);
    let daemon = Daemon::builder(&text).start();
    let made = daemon.wait_log("created a dead-letter topic", LONG);
    assert!(made.contains(&format!("{topic}-dlq")), "{made}");
    let make = format!("create it with `millstream topic create {copies}`");
    wait_said(&daemon, &["does not accept a record", &make]);
    assert!(
        offsets(redis, &prefix).is_empty(),
        "the ledger does not pass the letter"
    );
    // Fails if the topic exists.
    kafka.create_topic_named(&copies, 1, &[]);
    assert_eq!(wait_for(redis, &prefix, 2), [0, 2]);
    daemon.wait_ready(LONG);
    assert_eq!(read_all(&copies).len(), 2);
    assert_eq!(read_all(&format!("{topic}-dlq")).len(), 1);
}

#[test]
fn a_letter_too_large_for_its_topic_can_be_configured_to_wait() {
    let (text, topic, prefix) = setup(100_000, "oversize-letters = \"wait\"");
    let dead = format!("{topic}-dlq");
    let small = [("max.message.bytes", "50000")];
    servers().kafka.create_topic_named(&dead, 1, &small);
    let mut daemon = Daemon::builder(&text).start();
    let said = wait_said(&daemon, &["does not accept a record", &dead]);
    assert!(said.contains("raise max.message.bytes"), "{said}");
    assert!(
        offsets(&servers().redis, &prefix).is_empty(),
        "the ledger does not pass the letter"
    );
    // A crash in between changes nothing.
    daemon.kill();
    daemon.restart();
    wait_said(&daemon, &["does not accept a record"]);
    servers()
        .kafka
        .alter_topic(&dead, "max.message.bytes", "1000000");
    assert_eq!(wait_for(&servers().redis, &prefix, 2), [0, 2]);
    daemon.wait_ready(LONG);
    let letters = read_all(&dead);
    assert_eq!(letters.len(), 1, "Kafka refused the first attempt");
    assert_eq!(letters[0].value.as_ref().map(Vec::len), Some(100_000));
}

#[test]
fn a_partition_waits_for_write_access_to_its_dead_letter_topic() {
    let kafka = servers().own_kafka_with_rules();
    let redis = &servers().redis;
    let (topic, prefix) = (kafka.create_topic("denied", 1), unique("denied"));
    let dead = format!("{topic}-dlq");
    kafka.create_topic_named(&dead, 1, &[]);
    kafka.acl(&[
        "--add",
        "--deny-principal",
        "User:*",
        "--operation",
        "Write",
        "--topic",
        &dead,
    ]);
    kafka.produce(
        &topic,
        [note(0), Message::new("no JSON").partition(0), note(2)],
    );
    let text = config(&kafka.bootstrap(), &redis.url(), &topic, &prefix, "");
    let daemon = Daemon::builder(&text).start();
    println!(
        "{}",
        wait_said(&daemon, &["does not accept a record", &dead, "uthoriz"])
    );
    assert!(
        offsets(redis, &prefix).is_empty(),
        "the ledger does not pass the letter"
    );
    kafka.acl(&[
        "--remove",
        "--force",
        "--deny-principal",
        "User:*",
        "--operation",
        "Write",
        "--topic",
        &dead,
    ]);
    assert_eq!(wait_for(redis, &prefix, 2), [0, 2]);
    assert_eq!(kafka.read_all(&dead).len(), 1);
}

/// An idempotent producer fails for good after a refusal.
#[test]
fn letters_are_written_once_a_producer_without_any_rights_gets_them() {
    let kafka = servers().own_kafka_with_rules();
    let redis = &servers().redis;
    let (topic, prefix) = (kafka.create_topic("denied", 1), unique("denied"));
    let dead = format!("{topic}-dlq");
    kafka.create_topic_named(&dead, 1, &[]);
    kafka.produce(
        &topic,
        [note(0), Message::new("no JSON").partition(0), note(2)],
    );
    // Once one rule exists, Kafka denies what no rule allows.
    let everyone = ["--add", "--allow-principal", "User:*", "--operation"];
    kafka.acl(&[&everyone[..], &["All", "--cluster"]].concat());
    kafka.acl(&[&everyone[..], &["Read", "--topic", "*"]].concat());
    let denied: [&[&str]; 2] = [
        &["--operation", "Write", "--topic", "*"],
        &["--operation", "IdempotentWrite", "--cluster"],
    ];
    let rule = |how: &[&'static str]| {
        for what in denied {
            kafka.acl(&[how, &["--deny-principal", "User:*"], what].concat());
        }
    };
    rule(&["--add"]);
    let text = config(&kafka.bootstrap(), &redis.url(), &topic, &prefix, "");
    let daemon = Daemon::builder(&text).start();
    let broke = "the Kafka producer of dead letters and events failed and was replaced";
    daemon.wait_log(broke, LONG);
    assert!(
        offsets(redis, &prefix).is_empty(),
        "the ledger does not pass the letter"
    );
    rule(&["--remove", "--force"]);
    kafka.acl(&[&everyone[..], &["Write", "--topic", "*"]].concat());
    assert_eq!(wait_for(redis, &prefix, 2), [0, 2]);
    assert_eq!(kafka.read_all(&dead).len(), 1);
}

#[test]
fn a_rerouted_record_is_unchanged() {
    let more = r#"
[pipeline.dead-letter]
plugin = "bundled:retry-then-topic"
config = { reroute = { malformed = "<elsewhere>" } }
"#;
    let elsewhere = servers().kafka.create_topic("elsewhere", 1);
    let (text, topic, prefix) = setup(10, &more.replace("<elsewhere>", &elsewhere));
    let _daemon = Daemon::ready(&text);
    assert_eq!(wait_for(&servers().redis, &prefix, 2), [0, 2]);
    let rerouted = read_all(&elsewhere).remove(0);
    assert_eq!(rerouted.value, Some(noise(10)));
    let source = format!("{topic}/0/1").into_bytes();
    let expected = [
        ("millstream.source".to_owned(), Some(source)),
        ("millstream.hops".to_owned(), Some(b"1".to_vec())),
    ];
    assert_eq!(rerouted.headers, expected, "no header about the error");
}
