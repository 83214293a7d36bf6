//! Topics that are deleted and created again with the same name, and with enough records to look
//! like the old ones.

use super::{LONG, config, note, offsets, paste, standing, wait_for, wait_for_records, wait_said};
use millstream_tests::{Daemon, produce, servers, unique};

fn setup(more: &str) -> (Daemon, String, String) {
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let (topic, prefix) = (kafka.create_topic("remade", 1), unique("remade"));
    produce(&topic, (0..10).map(note));
    let text = config(&kafka.bootstrap(), &redis.url(), &topic, &prefix, more);
    let daemon = Daemon::ready(&text);
    wait_for(redis, &prefix, 9);
    (daemon, topic, prefix)
}

fn remake(topic: &str, records: i64) {
    servers().kafka.delete_topic(topic);
    servers().kafka.create_topic_named(topic, 1, &[]);
    produce(topic, (0..records).map(note));
}

#[test]
fn a_topic_recreated_while_stopped_halts_the_partition_until_offsets_are_set() {
    let (mut daemon, topic, prefix) = setup("");
    assert_eq!(daemon.terminate(), Some(0));
    remake(&topic, 30);
    daemon.restart();
    let why = wait_said(&daemon, &["halted", "created again", "offsets set"]);
    println!("{why}");
    assert_eq!(
        offsets(&servers().redis, &prefix).len(),
        10,
        "no event of the new topic"
    );
    assert_eq!(daemon.terminate(), Some(0));
    let note = "the topic was deleted and created again after its ledger was written";
    let stands = standing(&daemon);
    assert_eq!(stands["note"], note);
    assert_eq!(
        stands["lag"],
        serde_json::Value::Null,
        "the offsets are of two topics"
    );
    let done = paste(&why);
    assert_eq!(done.lines().count(), 1, "{done}");
    daemon.restart();
    daemon.wait_ready(LONG);
    let expected: Vec<_> = (0..10).chain(0..30).collect();
    assert_eq!(wait_for(&servers().redis, &prefix, 29), expected);
}

#[test]
fn a_topic_recreated_while_running_halts_the_partition() {
    let (daemon, topic, prefix) = setup("");
    remake(&topic, 5);
    println!("{}", wait_said(&daemon, &["halted", "created again"]));
    assert_eq!(
        offsets(&servers().redis, &prefix).len(),
        10,
        "no event of the new topic"
    );
}

#[test]
fn a_recreated_topic_is_read_from_the_start_if_configured() {
    let (mut daemon, topic, prefix) = setup("remade-topic = \"continue\"");
    assert_eq!(daemon.terminate(), Some(0));
    remake(&topic, 30);
    daemon.restart();
    daemon.wait_log(
        "created again after its ledger was written; starting at offset 0",
        LONG,
    );
    let expected: Vec<_> = (0..10).chain(0..30).collect();
    assert_eq!(wait_for(&servers().redis, &prefix, 29), expected);
}

#[test]
fn one_command_resumes_all_halted_partitions_of_a_topic_and_no_other() {
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let (topic, prefix) = (kafka.create_topic("halted", 3), unique("halted"));
    let at = |partition: i32| move |id: i64| note(id).partition(partition);
    (0..3).for_each(|partition| produce(&topic, (0..10).map(at(partition))));
    let text = config(&kafka.bootstrap(), &redis.url(), &topic, &prefix, "");
    let mut daemon = Daemon::ready(&text);
    wait_for_records(&daemon, 30);
    assert_eq!(daemon.terminate(), Some(0));
    // Retention removes unread records of two of the three partitions.
    (0..3).for_each(|partition| produce(&topic, (10..30).map(at(partition))));
    kafka.delete_records(&topic, 0, 20);
    kafka.delete_records(&topic, 2, 20);
    daemon.restart();
    let (first, last) = (format!("{topic}/0"), format!("{topic}/2 are halted"));
    let why = wait_said(&daemon, &[&first, &last]);
    assert_eq!(why.matches("offsets set").count(), 1, "{why}");
    wait_for_records(&daemon, 20);
    assert_eq!(daemon.terminate(), Some(0));
    let done = paste(&why);
    assert_eq!(done.lines().count(), 2, "{done}");
    daemon.restart();
    wait_for_records(&daemon, 20);
    assert_eq!(offsets(redis, &prefix).len(), 30 + 20 + 20);
}
