//! Headers of records that a pipeline writes to Kafka: dead letters, rerouted
//! records and routed events.

/// Where a record was first: topic, partition and offset.
pub(super) const SOURCE: &str = "millstream.source";
/// How often a record was sent to its topic again. The header becomes part of the
/// record, so its next dead letter has it, too.
pub(super) const REPLAYS: &str = "millstream.replays";
/// How often a record was written to a topic by a route or a dead-letter policy.
pub(super) const HOPS: &str = "millstream.hops";
/// Marks a dead letter whose value the policy wrote: the letter may not contain the
/// record's value.
pub(super) const OWN_VALUE: &str = "millstream.error.own-value";
/// How many events a failed record made; some of them may have been delivered.
pub(super) const EVENTS: &str = "millstream.error.events";
/// What a dead letter omits: `value`, `headers` and `key`, separated by commas.
pub(super) const OMITTED: &str = "millstream.error.omitted";
/// The size in bytes of a dead letter's record: key, value, and headers.
pub(super) const SIZE: &str = "millstream.error.record-size";
/// The digest of a dead letter's record: see `oversize::digest`.
pub(super) const DIGEST: &str = "millstream.error.record-digest";
/// The headers that describe a failure: their names after `millstream.error.`.
pub(super) const ERROR: [&str; 11] = [
    "class",
    "message",
    "stage",
    "plugin",
    "digest",
    "attempts",
    "topic",
    "partition",
    "offset",
    "timestamp",
    "group",
];
