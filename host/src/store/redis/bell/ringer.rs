//! Rings the doorbell for all writers in this process.

use super::rings::{KEPT, LEASE, LOST, OWN, RUNG, UNRUNG};
use crate::store::redis::keys::Keys;
use crate::store::time::millis;
use metrics::gauge;
use redis::{Pipeline, Value};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// Tracks which of the two ways to ring Redis permits.
pub(in crate::store::redis) struct Ringer {
    /// The command that grants access to the channel.
    grant: String,
    channel_refused: AtomicBool,
    key_refused: AtomicBool,
    /// A ring was refused after its batch was stored.
    lost: AtomicBool,
}

/// The positions of a ring's commands in a transaction: from `first`, PUBLISH if
/// it is there, then those for the key.
#[derive(Clone, Copy, Default)]
pub(in crate::store::redis) struct Rung {
    first: usize,
    published: bool,
    written: usize,
}

impl Rung {
    fn count(self) -> usize {
        usize::from(self.published) + self.written
    }

    /// The positions of these commands' answers among the `done` answers inside
    /// EXEC, which was the last of `sent` commands. Counted from the end, since
    /// MULTI may have been sent earlier.
    pub fn within(self, sent: usize, done: usize) -> Range<usize> {
        let first = (done + 1 + self.first).saturating_sub(sent);
        first..first + self.count()
    }
}

impl Ringer {
    pub fn new(client: &redis::Client, keys: &Keys) -> Ringer {
        Ringer {
            grant: grant(client, keys),
            channel_refused: AtomicBool::new(false),
            key_refused: AtomicBool::new(false),
            lost: AtomicBool::new(false),
        }
    }

    /// Adds a ring to a transaction.
    pub fn ring(&self, pipe: &mut Pipeline, keys: &Keys, lines: &[u8]) -> Rung {
        let first = pipe.len();
        let published = !self.channel_refused.load(Ordering::Relaxed);
        if published {
            pipe.cmd("PUBLISH").arg(&keys.bell).arg(lines);
        }
        if !published {
            into_key(pipe, keys, lines);
        } else if !self.key_refused.load(Ordering::Relaxed) {
            // Without the key nobody polls.
            let add = pipe.cmd("XADD").arg(&keys.news).arg("NOMKSTREAM");
            add.arg("MAXLEN").arg("~").arg(KEPT).arg("*");
            add.arg("type").arg(RUNG).arg("data").arg(lines);
        }
        Rung {
            first,
            published,
            written: pipe.len() - first - usize::from(published),
        }
    }

    /// Reads the answers of a transaction, up to that of EXEC. Returns true if
    /// its ring aborted it: nothing was done, and the next try rings the other
    /// way.
    pub fn learn(&self, rung: Rung, answers: &[Value]) -> bool {
        if !rung.published {
            return false;
        }
        if let Some(Value::Array(done)) = answers.last() {
            let within = rung.within(answers.len(), done.len());
            let refused = done.get(within).is_some_and(|done| self.refused(done));
            self.lost.fetch_or(refused, Ordering::Relaxed);
            return false;
        }
        let queued = answers.get(rung.first..rung.first + rung.count());
        queued.is_some_and(|queued| self.refused(queued))
    }

    /// Whether one of a ring's commands is refused for the first time.
    fn refused(&self, answers: &[Value]) -> bool {
        match answers {
            [publish, ..] if is_refused(publish) => self.refuse_channel(publish),
            [_, key] if is_refused(key) => self.refuse_key(key),
            _ => return false,
        }
        true
    }

    fn refuse_key(&self, answer: &Value) {
        if !self.key_refused.swap(true, Ordering::Relaxed) {
            let error = said(answer);
            tracing::warn!(
                error,
                "Redis refuses the key `<prefix>:{{0}}:news`; edges that can't subscribe get \
                 no notifications of new events. Grant the user all keys with the prefix"
            );
        }
    }

    fn refuse_channel(&self, answer: &Value) {
        if self.channel_refused.swap(true, Ordering::Relaxed) {
            return;
        }
        gauge!("millstream_store_publish_refused").set(1.0);
        let (error, grant) = (said(answer), &self.grant);
        tracing::warn!(
            error,
            "Redis refuses PUBLISH; edges poll a key for new events, which adds latency. To grant \
             it: {grant}"
        );
    }

    /// If Redis refused PUBLISH: commands that announce a lost ring and try
    /// whether PUBLISH is granted now.
    pub fn asking(&self, keys: &Keys) -> Option<Pipeline> {
        if !self.channel_refused.load(Ordering::Relaxed) {
            return None;
        }
        let mut pipe = redis::pipe();
        if self.lost.swap(false, Ordering::Relaxed) {
            into_key(&mut pipe, keys, &[LOST]);
        }
        pipe.cmd("PUBLISH").arg(&keys.bell).arg(OWN);
        pipe.ignore_errors();
        Some(pipe)
    }

    /// Records that PUBLISH is granted.
    pub fn grant(&self) {
        if self.channel_refused.swap(false, Ordering::Relaxed) {
            gauge!("millstream_store_publish_refused").set(0.0);
            tracing::info!("Redis accepts PUBLISH again; notifying edges through the channel");
        }
    }

    /// The current problem, and how to fix it.
    pub fn warning(&self) -> Option<String> {
        let refused = self.channel_refused.load(Ordering::Relaxed);
        refused.then(|| {
            let grant = &self.grant;
            format!("Redis refuses PUBLISH; edges poll a key for new events. To grant it: {grant}")
        })
    }
}

/// Writes a ring that is not published, and creates the key for edges to find.
fn into_key(pipe: &mut Pipeline, keys: &Keys, lines: &[u8]) {
    let add = pipe.cmd("XADD").arg(&keys.news);
    add.arg("MAXLEN").arg("~").arg(KEPT).arg("*");
    add.arg("type").arg(UNRUNG).arg("data").arg(lines);
    pipe.cmd("PEXPIRE").arg(&keys.news).arg(millis(LEASE));
}

fn said(answer: &Value) -> String {
    match answer {
        Value::ServerError(error) => error.to_string(),
        _ => String::new(),
    }
}

/// Refused without permission, or by a proxy that lacks the command.
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
    fn ring_answers_are_found_with_and_without_multi() {
        let rung = Rung {
            first: 2,
            published: true,
            written: 1,
        };
        // MULTI, XADD, the ring's two, HSET, EXEC.
        assert_eq!(rung.within(6, 4), 1..3);
        // MULTI was sent earlier.
        let rung = Rung { first: 1, ..rung };
        assert_eq!(rung.within(5, 4), 1..3);
    }
}
