//! Faults of Kafka and of the consumer group: whoever is stopped, killed or gone for a while, each
//! record's event is in its client's stream once and in partition order, as [`Run::check`] counts by
//! source when nobody runs any more.

mod aborted;
mod added_partitions;
mod broker_away;
mod coordinator;
mod instances;
mod leader;
mod paused_daemon;
mod run;
mod terminated;
mod unanswered;

use run::Run;
use std::time::Duration;

/// Not an expectation of speed: what is not there by then never comes.
const LONG: Duration = Duration::from_secs(180);
/// What Kubernetes gives by default between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(30);

/// Whoever does not answer is soon out of the group.
const SHORT_SESSIONS: &[(&str, &str)] = &[
    ("session.timeout.ms", "2000"),
    ("heartbeat.interval.ms", "500"),
    ("max.poll.interval.ms", "3000"),
];
