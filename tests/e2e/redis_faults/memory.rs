//! How much memory a daemon may take for records that can't be stored, by its settings.

use super::load::{Lines, PARTITIONS};
use millstream_tests::{Daemon, Memory};

const MIB: u64 = 1 << 20;
const WORKERS: u64 = 2;

/// Smaller than the usual, so that a load soon outgrows what may be held of it.
pub const SMALL: Lines = Lines {
    top: "",
    kafka: r#"
"queued.max.messages.kbytes" = "1024"
"max.partition.fetch.bytes" = "262144"
"#,
    pipeline: r#"
workers = 2
batch = { max-records = 256, max-bytes = "256KiB" }
"#,
};

/// A load that is several times of [`room`], in records.
pub const MUCH: usize = 100_000;

/// What records may take with the settings [`SMALL`], in bytes.
fn room() -> u64 {
    // A queue is filled up and may get one answer more.
    let queues = PARTITIONS as u64 * (MIB + MIB / 4);
    // One in each of a worker's threads, one it looks ahead at, two between.
    let batches = WORKERS * 5 * (MIB / 4);
    // A record in a queue has a note about it beside it; a batch its events and its transaction.
    // The rest is the allocator's: every thread has a heap of its own.
    2 * queues + 3 * batches + 16 * MIB
}

/// Remembers what a daemon has before a load.
pub struct Before(Memory);

impl Before {
    /// A daemon that is warm: it has processed some.
    pub fn of(daemon: &Daemon) -> Self {
        daemon.forget_peak();
        Before(daemon.memory())
    }

    /// It never took more than its settings allow.
    pub fn assert_bounded(&self, daemon: &Daemon, what: &str) {
        let (before, after) = (self.0.now, daemon.memory());
        let mib = |bytes: u64| bytes as f64 / MIB as f64;
        println!(
            "{what}: {:.1} MiB before, {:.1} at most, {:.1} after; {:.1} more are allowed",
            mib(before),
            mib(after.peak),
            mib(after.now),
            mib(room())
        );
        assert!(after.peak <= before + room(), "{what}: {after:?}");
    }
}
