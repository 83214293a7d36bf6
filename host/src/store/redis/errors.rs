//! Redis' errors in words, and how long an answer may take.

use crate::store::Unavailable;
use std::time::Duration;

/// How long one answer may take, and one connection to come about. Redis stops
/// for seconds when it saves or fails over; longer than this is "down".
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Of a connection that there is.
#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn unavailable(error: redis::RedisError) -> Unavailable {
    Unavailable(format!("Redis: {}", in_words(&error)))
}

/// Of a connection that does not come about: the address may be the wrong one.
pub(super) fn unreachable(client: &redis::Client, error: &redis::RedisError) -> Unavailable {
    Unavailable(format!("{}: {}", at(client), in_words(error)))
}

/// Host and port alone: a user and a password are nobody's business.
pub(super) fn at(client: &redis::Client) -> String {
    format!("Redis at {}", client.get_connection_info().addr())
}

pub(super) fn in_words(error: &redis::RedisError) -> String {
    match error.is_timeout() {
        // The system's words are "resource temporarily unavailable".
        true => format!("no answer within {} s", PATIENCE.as_secs()),
        false => error.to_string(),
    }
}

/// Whether the connection is of no more use.
pub(super) fn broken(error: &redis::RedisError) -> bool {
    error.is_io_error() || error.is_timeout() || error.is_connection_dropped()
}
