//! Partitions that arrive at a worker whose plugin is busy for long.

use super::{Fixture, LONG};
use millstream_tests::{Daemon, Message, guest, produce, servers, wait_until};

#[test]
fn many_partitions_arriving_at_a_busy_worker_do_not_block_another_worker() {
    const ALL: i32 = 160;
    let place = Fixture::new(1);
    // A looping call is cut off after this time, and its record is tried once more.
    let pipeline = "workers = 2
transform = { plugin = \"plugins/p.wasm\", limits = { cpu-per-batch = \"20s\" } }";
    let often = "\"topic.metadata.refresh.interval.ms\" = \"500\"";
    let daemon = Daemon::builder(&format!("{}{often}\n", place.config(pipeline)))
        .file("plugins/p.wasm", guest("test-hostile"))
        .start();
    daemon.wait_ready(LONG);
    let record = |value: &str, partition| Message::new(value).partition(partition);
    produce(&place.topic, [record("loop", 0)]);
    servers().kafka.add_partitions(&place.topic, ALL);
    // The other worker's partitions.
    let others = || (1..ALL).step_by(2);
    produce(&place.topic, others().map(|n| record("good", n)));
    wait_until("the other worker's partitions are read", LONG, || {
        (place.sources("victim").len() == others().count()).then_some(())
    });
    assert_eq!(place.letters().len(), 0, "the first worker is not busy");
    daemon.kill();
}
