//! Answers that several requests share, and their counter.

use crate::http::{Reply, StatusCode, header, problem};
use metrics::counter;

pub(super) fn bad(why: &str) -> Box<Reply> {
    Box::new(problem(StatusCode::BAD_REQUEST, why))
}

/// An answer with `Retry-After`.
pub(super) fn later(status: StatusCode, why: &str, seconds: u64) -> Reply {
    let mut reply = problem(status, why);
    reply
        .headers_mut()
        .insert(header::RETRY_AFTER, seconds.max(1).into());
    reply
}

pub(super) fn count(result: &'static str) {
    counter!("millstream_tasks_total", "result" => result).increment(1);
}
