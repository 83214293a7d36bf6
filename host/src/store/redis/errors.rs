//! Redis's errors as messages, and the time limit for an answer.

use crate::store::Unavailable;
use std::time::Duration;

/// The time limit for one answer, and for one connection attempt. Redis pauses
/// for seconds when it saves or fails over; a longer pause counts as down.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// The error of an open connection.
#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn unavailable(error: redis::RedisError) -> Unavailable {
    Unavailable(format!("Redis: {}", in_words(&error)))
}

/// The error of a failed connection attempt: the address may be wrong.
pub(super) fn unreachable(client: &redis::Client, error: &redis::RedisError) -> Unavailable {
    Unavailable(format!("{}: {}", at(client), in_words(error)))
}

/// Only host and port: user and password must not be shown.
pub(super) fn at(client: &redis::Client) -> String {
    format!("Redis at {}", client.get_connection_info().addr())
}

pub(super) fn in_words(error: &redis::RedisError) -> String {
    match error.is_timeout() {
        // The system's message is "resource temporarily unavailable".
        true => format!("no answer within {} s", PATIENCE.as_secs()),
        false => error.to_string(),
    }
}

/// Whether the connection is unusable.
pub(super) fn broken(error: &redis::RedisError) -> bool {
    error.is_io_error() || error.is_timeout() || error.is_connection_dropped()
}
