//! Waiting partitions: the fetch queue of Kafka's client has one limit for all of them.

use super::{Fixture, LONG, counted, peak, raw};
use millstream_tests::{Daemon, Message, guest, produce, wait_until};
use std::time::{Duration, Instant};

const PARTITIONS: i32 = 100;
/// The daemon's peak memory limit, in MiB.
const MEMORY: u64 = 180;

#[test]
fn a_hundred_waiting_partitions_share_one_fetch_limit() {
    let place = Fixture::new(PARTITIONS);
    // Each has a record that halts it, and two MiB of records behind it.
    let large = vec![b'x'; 256 << 10];
    for partition in 0..PARTITIONS {
        let behind = (0..8).map(|_| Message::new(&*large).partition(partition));
        let halt = raw("halt").partition(partition);
        produce(&place.topic, std::iter::once(halt).chain(behind));
    }
    let pipeline = "transform.plugin = \"bundled:notifications\"
dead-letter.plugin = \"plugins/p.wasm\"
batch = { max-records = 1 }";
    let daemon = Daemon::builder(&place.config(pipeline))
        .file("plugins/p.wasm", guest("test-ruling"))
        .start();
    wait_until("every partition is halted", LONG, || {
        let halted = counted(&daemon, "millstream_partition_halted", &[]);
        (halted == f64::from(PARTITIONS)).then_some(())
    });
    // Wait until it fetches no more.
    let (mut last, mut since) = (0, Instant::now());
    wait_until("the daemon's queues are full", LONG, || {
        let now = peak(&daemon);
        assert!(now < MEMORY, "{now} MiB");
        if now != last {
            (last, since) = (now, Instant::now());
        }
        (since.elapsed() > Duration::from_secs(2)).then_some(())
    });
    println!("the daemon's peak was {last} MiB");
    assert_eq!(daemon.terminate(), Some(0));
}
