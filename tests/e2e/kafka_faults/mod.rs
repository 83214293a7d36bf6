//! Faults of Kafka and of the consumer group. Whichever process is stopped, killed or away for a
//! while, each record's event is in its client's stream once and in partition order. [`Run::check`]
//! counts by source after all daemons have stopped.

mod aborted;
mod added_partitions;
mod broker_away;
mod coordinator;
mod instances;
mod leader;
mod paused_daemon;
mod refused_reads;
mod run;
mod terminated;
mod unanswered;

pub use run::Run;
use std::time::Duration;

/// A time-out for things that happen eventually, not an expectation of speed.
const LONG: Duration = Duration::from_secs(180);
/// Kubernetes' default time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(30);

/// A short session time-out: a silent member soon leaves the group.
pub const SHORT_SESSIONS: &[(&str, &str)] = &[
    ("session.timeout.ms", "2000"),
    ("heartbeat.interval.ms", "500"),
    ("max.poll.interval.ms", "3000"),
];
