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

/// Whether the connection is unusable. A server that has become a replica keeps
/// its connections: only a new one may lead to the server that took over.
pub(super) fn broken(error: &redis::RedisError) -> bool {
    let is_replica = error.code() == Some("READONLY");
    is_replica || error.is_io_error() || error.is_timeout() || error.is_connection_dropped()
}

#[cfg(test)]
mod tests {
    use super::*;
    use redis::{ErrorKind, FromRedisValue};

    fn of_server(line: &str) -> redis::RedisError {
        let value = redis::parse_redis_value(line.as_bytes()).expect("it is an answer");
        value
            .extract_error()
            .and_then(|value| <()>::from_redis_value(value).map_err(Into::into))
            .expect_err("it is an error")
    }

    #[test]
    fn a_connection_to_a_replica_is_replaced_and_one_that_only_refuses_is_kept() {
        assert!(broken(&of_server(
            "-READONLY You can't write against a replica.\r\n"
        )));
        assert!(broken(&(ErrorKind::Io, "gone").into()));
        for refusal in [
            "-NOPERM no\r\n",
            "-OOM full\r\n",
            "-LOADING wait\r\n",
            "-ERR x\r\n",
        ] {
            assert!(!broken(&of_server(refusal)), "{refusal}");
        }
    }
}
