//! Headers of records that a pipeline writes to Kafka: dead letters, rerouted
//! records and routed events.

/// Where a record was at first.
pub(super) const SOURCE: &str = "millstream.source";
/// How often a record was sent to its topic again. It is the record's own from
/// then on, so a dead letter that comes back has it.
pub(super) const REPLAYS: &str = "millstream.replays";
/// How often a record was written to a topic by a route or a dead-letter policy.
pub(super) const HOPS: &str = "millstream.hops";
/// A dead letter whose value the policy wrote: the record's value is lost, or
/// only the policy knows where it is.
pub(super) const OWN_VALUE: &str = "millstream.error.own-value";
/// How many events a failed record made; the others may have been delivered.
pub(super) const EVENTS: &str = "millstream.error.events";
/// What a dead letter lacks: `value`, `headers` and `key`, separated by commas.
pub(super) const OMITTED: &str = "millstream.error.omitted";
/// The size of a dead letter's record in bytes: key, value, and headers.
pub(super) const SIZE: &str = "millstream.error.record-size";
/// The digest of a dead letter's record: see `oversize::digest`.
pub(super) const DIGEST: &str = "millstream.error.record-digest";
/// What is told of a failure: the names of headers after `millstream.error.`.
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
