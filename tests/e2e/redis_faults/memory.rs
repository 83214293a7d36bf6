//! How much memory a daemon may use for records that can't be stored, by its settings.

use super::load::{Lines, PARTITIONS};
use millstream_tests::{Daemon, Memory};

const MIB: u64 = 1 << 20;
const WORKERS: u64 = 2;

/// Smaller limits than the default, so that a load soon exceeds them.
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

/// A load of several times [`room`], in records.
pub const MUCH: usize = 100_000;

/// The memory for records with the settings [`SMALL`], in bytes.
fn room() -> u64 {
    // A full queue may get one more response.
    let queues = PARTITIONS as u64 * (MIB + MIB / 4);
    // One in each of a worker's threads, one look-ahead, two between the threads.
    let batches = WORKERS * 5 * (MIB / 4);
    // A queued record has some metadata; a batch has its events and its transaction. The rest is
    // the allocator's: every thread has a heap.
    2 * queues + 3 * batches + 16 * MIB
}

/// The daemon's memory before a load.
pub struct Before(Memory);

impl Before {
    /// A daemon that has already processed some records.
    pub fn of(daemon: &Daemon) -> Self {
        daemon.forget_peak();
        Before(daemon.memory())
    }

    /// Asserts that it never used more than its settings allow.
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
