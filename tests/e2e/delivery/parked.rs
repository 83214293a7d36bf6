//! A batch that waits for Kafka holds up only its partition.

use super::{LONG, config, wait_said};
use millstream_tests::{Daemon, Message, produce, read_all, servers, streams, unique, wait_until};
use serde_json::json;

const HEALTHY: i32 = 3;
const EACH: usize = 40;

/// A record for the client named after its partition.
fn note(partition: i32, n: usize) -> Message {
    let value = json!({
        "eventId": n.to_string(), "eventType": "mail", "clientId": format!("p{partition}"), "message": "hi"
    });
    Message::new(value.to_string()).partition(partition)
}

#[test]
fn a_waiting_letter_does_not_block_other_partitions_of_its_worker() {
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let (topic, prefix) = (kafka.create_topic("parked", HEALTHY + 1), unique("parked"));
    // Every batch of partition 0 has failures, and the topic for its letters is missing.
    let failing = (0..EACH * 10).map(|n| match n % 2 {
        0 => Message::new("no JSON").partition(0),
        _ => note(0, n),
    });
    produce(&topic, failing);
    let more = "workers = 1
create-dead-letter-topics = false
batch = { max-records = 8 }";
    let text = config(&kafka.bootstrap(), &redis.url(), &topic, &prefix, more);
    let daemon = Daemon::builder(&text).start();
    let dead = format!("{topic}-dlq");
    wait_said(&daemon, &["does not accept a record", &dead]);
    for partition in 1..=HEALTHY {
        produce(&topic, (0..EACH).map(|n| note(partition, n)));
    }
    let have = |client: &str| streams(&prefix).remove(client).unwrap_or_default();
    for partition in 1..=HEALTHY {
        wait_until(&format!("partition {partition} is delivered"), LONG, || {
            (have(&format!("p{partition}")).len() >= EACH).then_some(())
        });
    }
    assert!(have("p0").is_empty(), "partition 0 waits");
    wait_said(&daemon, &[&format!("{topic}/0 waits")]);
    kafka.create_topic_named(&dead, 1, &[]);
    wait_until("partition 0 is delivered", LONG, || {
        (have("p0").len() >= EACH * 5).then_some(())
    });
    let offsets = have("p0").into_iter().map(|entry| entry.source);
    let expected = (0..EACH * 10).filter(|n| n % 2 == 1);
    let expected = expected.map(|n| format!("{topic}/0/{n}/0"));
    assert!(offsets.eq(expected), "each once, in order");
    assert_eq!(read_all(&dead).len(), EACH * 5);
    daemon.wait_ready(LONG);
    assert_eq!(daemon.terminate(), Some(0));
}
