//! `start = "latest"`: skips the records that exist at the start, and no later ones.

use super::{LONG, note};
use millstream_tests::{Daemon, Message, Redis, produce, servers, unique, wait_until};

/// The sources of `ada`'s events, each once, in any order.
fn sources(redis: &Redis, prefix: &str) -> Vec<String> {
    let entries = redis.streams(prefix).remove("ada").unwrap_or_default();
    let mut sources: Vec<_> = entries.into_iter().map(|entry| entry.source).collect();
    sources.sort();
    sources
}

fn at(partition: i32, ids: std::ops::Range<i64>) -> impl Iterator<Item = Message> {
    ids.map(move |id| note(id).partition(partition))
}

#[test]
fn latest_skips_history_but_not_the_first_records_of_added_partitions() {
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let (topic, prefix) = (kafka.create_topic("latest", 2), unique("latest"));
    produce(&topic, at(0, 0..20).chain(at(1, 0..20)));
    let more = "start = \"latest\"\n[kafka.properties]\n\
                \"topic.metadata.refresh.interval.ms\" = \"500\"";
    let text = super::config(&kafka.bootstrap(), &redis.url(), &topic, &prefix, more);
    let mut daemon = Daemon::ready(&text);
    let ledgers = |partitions: i32| {
        let key = |p| format!("{prefix}:{{0}}:ledger:{prefix}:{topic}:{p}");
        let mut pipe = redis::pipe();
        (0..partitions).for_each(|p| _ = pipe.cmd("EXISTS").arg(key(p)));
        let there: Vec<i32> = pipe.query(&mut redis.connect()).unwrap();
        (there.iter().sum::<i32>() == partitions).then_some(())
    };
    wait_until("both partitions have a ledger", LONG, || ledgers(2));
    // First while the daemon runs and has not seen the partition, then while it is stopped.
    kafka.add_partitions(&topic, 3);
    produce(&topic, at(2, 0..10).chain(at(0, 20..25)));
    wait_until("the added partition's events are stored", LONG, || {
        (sources(redis, &prefix).len() >= 15).then_some(())
    });
    assert_eq!(daemon.terminate(), Some(0));
    kafka.add_partitions(&topic, 4);
    produce(&topic, at(3, 0..10));
    daemon.restart();
    wait_until(
        "the events of the second added partition are stored",
        LONG,
        || (sources(redis, &prefix).len() >= 25).then_some(()),
    );
    let of = |partition: i32, offsets: std::ops::Range<i64>| {
        let topic = &topic;
        offsets.map(move |offset| format!("{topic}/{partition}/{offset}/0"))
    };
    let mut expected: Vec<_> = of(0, 20..25)
        .chain(of(2, 0..10))
        .chain(of(3, 0..10))
        .collect();
    expected.sort();
    assert_eq!(sources(redis, &prefix), expected);
}
