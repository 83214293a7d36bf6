//! How the doorbell is rung, by all that write in this process.

use super::{KEPT, LEASE, LOST, OWN, RUNG, UNRUNG};
use crate::store::memory::millis;
use crate::store::redis::RedisStore;
use crate::store::redis::commands::Keys;
use metrics::gauge;
use redis::{Pipeline, Value};
use std::sync::atomic::{AtomicBool, Ordering};

/// Knows whether Redis lets us publish.
pub(in crate::store::redis) struct Ringer {
    /// What would grant the right.
    grant: String,
    refused: AtomicBool,
    /// A ring was refused when its batch was stored already.
    lost: AtomicBool,
}

impl Ringer {
    pub fn new(client: &redis::Client, keys: &Keys) -> Ringer {
        Ringer {
            grant: grant(client, keys),
            refused: AtomicBool::new(false),
            lost: AtomicBool::new(false),
        }
    }

    /// Adds a ring to a transaction; answers at which place PUBLISH is, if it
    /// is there.
    pub fn ring(&self, pipe: &mut Pipeline, keys: &Keys, lines: &[u8]) -> Option<usize> {
        let at = pipe.len();
        if self.refused.load(Ordering::Relaxed) {
            into_key(pipe, keys, lines);
            return None;
        }
        pipe.cmd("PUBLISH").arg(&keys.bell).arg(lines);
        // Nobody polls where there is no key.
        let add = pipe.cmd("XADD").arg(&keys.news).arg("NOMKSTREAM");
        add.arg("MAXLEN").arg("~").arg(KEPT).arg("*");
        add.arg("type").arg(RUNG).arg("data").arg(lines);
        Some(at)
    }

    /// Reads the answers of a transaction whose PUBLISH is at this place, up to
    /// that of EXEC. True where PUBLISH aborted it: nothing was done, and the
    /// next try rings without it.
    pub fn learn(&self, published: Option<usize>, answers: &[Value]) -> bool {
        let Some(at) = published else {
            return false;
        };
        if let (Some(at), Some(Value::Array(done))) = (inside(answers, at), answers.last()) {
            if is_refused(&done[at]) {
                self.refuse(&done[at]);
                self.lost.store(true, Ordering::Relaxed);
            }
            return false;
        }
        let refused = answers.get(at).filter(|answer| is_refused(answer));
        refused.is_some_and(|answer| {
            self.refuse(answer);
            true
        })
    }

    fn refuse(&self, answer: &Value) {
        if self.refused.swap(true, Ordering::Relaxed) {
            return;
        }
        gauge!("millstream_store_publish_refused").set(1.0);
        let error = match answer {
            Value::ServerError(error) => error.to_string(),
            _ => String::new(),
        };
        let grant = &self.grant;
        tracing::warn!(
            error,
            "Redis refuses PUBLISH; edges are told of news by a key that they poll, which costs \
             them latency. To grant it: {grant}"
        );
    }

    fn grant(&self) {
        if self.refused.swap(false, Ordering::Relaxed) {
            gauge!("millstream_store_publish_refused").set(0.0);
            tracing::info!("Redis accepts PUBLISH; edges are told of news by the channel");
        }
    }

    /// What is amiss, and what mends it.
    pub fn warning(&self) -> Option<String> {
        let refused = self.refused.load(Ordering::Relaxed);
        refused.then(|| {
            let grant = &self.grant;
            format!("Redis refuses PUBLISH: edges poll a key for news. To grant it: {grant}")
        })
    }
}

impl RedisStore {
    /// Where Redis refused PUBLISH: tells of a ring that was lost, and asks
    /// whether it is granted by now, outside of any batch.
    pub(in crate::store::redis) async fn try_publishing(&self) {
        if !self.ringer.refused.load(Ordering::Relaxed) {
            return;
        }
        let mut pipe = redis::pipe();
        if self.ringer.lost.swap(false, Ordering::Relaxed) {
            into_key(&mut pipe, &self.keys, &[LOST]);
        }
        pipe.cmd("PUBLISH").arg(&self.keys.bell).arg(OWN);
        pipe.ignore_errors();
        let answers: Result<Vec<Value>, _> = self.query(&pipe).await;
        if let Ok([.., Value::Int(_)]) = answers.as_deref() {
            self.ringer.grant();
        }
    }
}

/// Writes a ring that is not published: the key is there for edges to find.
fn into_key(pipe: &mut Pipeline, keys: &Keys, lines: &[u8]) {
    let add = pipe.cmd("XADD").arg(&keys.news);
    add.arg("MAXLEN").arg("~").arg(KEPT).arg("*");
    add.arg("type").arg(UNRUNG).arg("data").arg(lines);
    pipe.cmd("PEXPIRE").arg(&keys.news).arg(millis(LEASE));
}

/// The place among the answers inside of EXEC, which comes last, of what was
/// sent at this place. Counted from the end: MULTI may have been sent before.
pub(super) fn inside(answers: &[Value], at: usize) -> Option<usize> {
    match answers.last() {
        Some(Value::Array(done)) => (done.len() + at + 1).checked_sub(answers.len()),
        _ => None,
    }
}

/// Without permission, or behind a proxy that has no such command.
pub(super) fn is_refused(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if matches!(error.code(), "NOPERM" | "ERR"))
}

/// The command that lets this user subscribe and publish.
pub(super) fn grant(client: &redis::Client, keys: &Keys) -> String {
    let settings = client.get_connection_info().redis_settings();
    let user = settings.username().unwrap_or("default");
    format!("ACL SETUSER {user} '&{}' +subscribe +publish", keys.bell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_inside_is_found_with_and_without_multi_before_it() {
        let done = || Value::Array(vec![Value::Int(1), Value::Int(2), Value::Int(3)]);
        let queued = || Value::SimpleString("QUEUED".into());
        // MULTI, three commands, EXEC; the second is asked for.
        let with = [Value::Okay, queued(), queued(), queued(), done()];
        assert_eq!(inside(&with, 2), Some(1));
        assert_eq!(inside(&with[1..], 1), Some(1));
        assert_eq!(inside(&with[..3], 1), None);
    }
}
