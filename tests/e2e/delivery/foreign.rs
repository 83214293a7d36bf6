//! Two Kafka clusters on one Redis, with the same prefix, group and topic.

use super::{LONG, config, note, offsets, refused, said, standing, wait_for, wait_said};
use millstream_tests::{Daemon, produce, servers, unique};

#[test]
fn a_ledger_of_another_cluster_halts_a_pipeline_until_force_takes_it_over() {
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let other = servers().own_kafka(&[]);
    let (topic, prefix) = (kafka.create_topic("foreign", 1), unique("foreign"));
    other.create_topic_named(&topic, 1, &[]);
    produce(&topic, (0..10).map(note));
    other.produce(&topic, (0..40).map(note));
    let at = |bootstrap: &str, more: &str| config(bootstrap, &redis.url(), &topic, &prefix, more);
    let first = Daemon::ready(&at(&kafka.bootstrap(), ""));
    wait_for(redis, &prefix, 9);
    // This setting must not apply to another cluster.
    let text = at(&other.bootstrap(), "remade-topic = \"continue\"");
    let mut second = Daemon::builder(&text).start();
    println!(
        "{}",
        wait_said(&second, &["halted", "belongs to Kafka cluster"])
    );
    assert_eq!(
        offsets(redis, &prefix).len(),
        10,
        "no event from the other cluster"
    );
    assert_eq!(second.terminate(), Some(0));
    let set = ["offsets", "set", "--to", "5"];
    let why = refused(&second.command(&set));
    assert!(why.contains("--force"), "{why}");
    assert_eq!(standing(&first)["next"], 10);
    // The first daemon runs meanwhile and does not prevent it.
    said(&second.command(&[&set[..], &["--force"]].concat()));
    produce(&topic, (10..20).map(note));
    println!(
        "{}",
        wait_said(&first, &["halted", "belongs to Kafka cluster"])
    );
    second.restart();
    second.wait_ready(LONG);
    let expected: Vec<_> = (0..10).chain(5..40).collect();
    assert_eq!(
        wait_for(redis, &prefix, 39),
        expected,
        "no record skipped, none of the other cluster"
    );
}
