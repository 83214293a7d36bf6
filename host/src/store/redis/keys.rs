//! Key names. `<p>` is the configured prefix, `{0}` the bucket; a stream, its
//! ledger and its doorbell share a slot, to prepare for several buckets.
//!
//! | key | what |
//! |---|---|
//! | `<p>:{0}:client:<client id>` | the client's stream; fields `type`, `data`, `source` (topic/partition/offset/n, or `task/<task id>` of one that timed out) |
//! | `<p>:{0}:group:<name>` | a group's stream, as above |
//! | `<p>:{0}:ledger:<group>:<topic>:<partition>` | hash: `next`, `topic-id`, `cluster-id`, `digests`, `attempts`, `clock` (ms), and `v:<key>` for each value of a stateful transform: when it expires (ms, 8 bytes, big-endian), then its bytes |
//! | `<p>:{0}:expiry:<group>:<topic>:<partition>` | sorted set: keys of that hash whose values expire, by when (ms) |
//! | `<p>:{0}:partitions:<group>:<topic>` | hash: by the topic's ID, how many partitions it had before the first ledger |
//! | `<p>:{0}:swaps:<group>:<topic>:<partition>` | stream: from which offset which plugins made the events |
//! | `<p>:{0}:replayed:<group>` | sorted set: original sources of replayed records, by when they were replayed (ms) |
//! | `<p>:{0}:resent:<group>` | sorted set: letters whose records were sent to their topic again (`<source>#<how often before>`), by when (ms) |
//! | `<p>:{0}:interest` | sorted set of connected clients, by the end of their lease |
//! | `<p>:{0}:withheld` | sorted set of clients whose events were suppressed while they were away, by when (ms) |
//! | `<p>:{0}:revoked` | sorted set of clients, by the time (s) before which their revoked tokens were issued |
//! | `<p>:{0}:task:<task id>` | hash: `owner`, `status`, `received` (ms), `updated` (ms), `result` (the last report), `ended`, and internal fields `timeout`, `keep`, `until`, `sent` |
//! | `<p>:{0}:due` | sorted set of tasks that have not ended, by when they time out (ms) |
//! | `<p>:{0}:rate:<client id>` | when the client's rate limit has recovered fully (ms) |
//! | `<p>:{0}:repeat:<client id>:<hash>` | the request with this idempotency key (a hash), and its task |
//! | `<p>:{0}:bell` | channel; one line each: a client's id, or \x01 and a group's name (its stream has news), \x02 and a client's id (its connections end), \x03 and a client's id (a revocation), \x04 (every stream may have news) |
//! | `<p>:{0}:news` | stream of the latest rings, only while an edge can't subscribe or a writer can't publish: `type` (`rung`, or `unrung` if it was not published), `data` (the lines) |

use crate::record::StreamKind;
use crate::store::{LedgerKey, Mark};

/// Key names under one prefix.
pub(super) struct Keys {
    base: String,
    pub interest: String,
    pub withheld: String,
    pub revoked: String,
    pub bell: String,
    pub news: String,
    pub due: String,
}

impl Keys {
    pub fn new(prefix: &str) -> Keys {
        // `{0}` is the bucket: Redis Cluster hashes only the part in braces.
        let base = format!("{prefix}:{{0}}:");
        Keys {
            interest: format!("{base}interest"),
            withheld: format!("{base}withheld"),
            revoked: format!("{base}revoked"),
            bell: format!("{base}bell"),
            news: format!("{base}news"),
            due: format!("{base}due"),
            base,
        }
    }

    pub fn ledger(&self, key: &LedgerKey) -> String {
        self.of("ledger", key)
    }

    pub fn replayed(&self, group: &str) -> String {
        self.marks(group, Mark::Stored)
    }

    pub fn marks(&self, group: &str, mark: Mark) -> String {
        let what = match mark {
            Mark::Stored => "replayed",
            Mark::Sent => "resent",
        };
        format!("{}{what}:{group}", self.base)
    }

    pub fn swaps(&self, key: &LedgerKey) -> String {
        self.of("swaps", key)
    }

    pub fn expiry(&self, key: &LedgerKey) -> String {
        self.of("expiry", key)
    }

    pub fn partitions(&self, group: &str, topic: &str) -> String {
        format!("{}partitions:{group}:{topic}", self.base)
    }

    pub fn task(&self, id: &[u8]) -> Vec<u8> {
        [self.base.as_bytes(), b"task:", id].concat()
    }

    pub fn client(&self, id: &[u8]) -> Vec<u8> {
        self.stream(StreamKind::Client, id)
    }

    pub fn rate(&self, client: &str) -> String {
        format!("{}rate:{client}", self.base)
    }

    pub fn repeat(&self, client: &str, key: &str) -> String {
        format!("{}repeat:{client}:{key}", self.base)
    }

    /// A topic contains no colon, so the group may.
    fn of(&self, what: &str, key: &LedgerKey) -> String {
        let LedgerKey { group, partition } = key;
        format!(
            "{}{what}:{group}:{}:{}",
            self.base, partition.topic, partition.partition
        )
    }

    pub fn stream(&self, kind: StreamKind, name: &[u8]) -> Vec<u8> {
        self.stream_parts(kind, name).concat()
    }

    /// The parts of a stream's key.
    pub fn stream_parts<'a>(&'a self, kind: StreamKind, name: &'a [u8]) -> [&'a [u8]; 4] {
        [self.base.as_bytes(), kind.word().as_bytes(), b":", name]
    }
}
