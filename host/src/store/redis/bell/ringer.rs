//! Rings the doorbell for all writers in this process.

use super::rings::{KEPT, LEASE, LOST, OWN, RUNG, UNRUNG};
use crate::store::redis::answers::Answers;
use crate::store::redis::keys::Keys;
use crate::store::redis::places::Rung;
use crate::store::time::millis;
use metrics::gauge;
use redis::{Pipeline, ServerError, Value};
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

impl Ringer {
    pub fn new(client: &redis::Client, keys: &Keys) -> Ringer {
        Ringer {
            grant: grant(client, keys),
            channel_refused: AtomicBool::new(false),
            key_refused: AtomicBool::new(false),
            lost: AtomicBool::new(false),
        }
    }

    /// Adds a ring to a transaction, of which `before` commands come before those
    /// of `pipe`.
    pub fn ring(&self, pipe: &mut Pipeline, before: usize, keys: &Keys, lines: &[u8]) -> Rung {
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
        let written = pipe.len() - first - usize::from(published);
        Rung::new(before + first, published, written)
    }

    /// Reads the answers of a transaction. Returns true if its ring aborted it:
    /// nothing was done, and the next try rings the other way.
    pub fn learn(&self, rung: Rung, answers: &Answers) -> bool {
        if !rung.is_published() {
            return false;
        }
        let (executed, errors) = answers.of_ring(rung);
        let refused = match errors.first() {
            Some((0, error)) if is_without_permission(error) => {
                self.refuse_channel(error);
                true
            }
            Some((1, error)) if rung.is_published_and_written() && is_without_permission(error) => {
                self.refuse_key(error);
                true
            }
            _ => false,
        };
        if executed {
            self.lost.fetch_or(refused, Ordering::Relaxed);
        }
        refused && !executed
    }

    fn refuse_key(&self, error: &ServerError) {
        if !self.key_refused.swap(true, Ordering::Relaxed) {
            let error = error.to_string();
            tracing::warn!(
                error,
                "Redis refuses the key `<prefix>:{{0}}:news`; edges that can't subscribe get \
                 no notifications of new events. Grant the user all keys with the prefix"
            );
        }
    }

    fn refuse_channel(&self, error: &ServerError) {
        if self.channel_refused.swap(true, Ordering::Relaxed) {
            return;
        }
        gauge!("millstream_store_publish_refused").set(1.0);
        let (error, grant) = (error.to_string(), &self.grant);
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

/// Refused without permission, or by a proxy that lacks the command.
fn is_without_permission(error: &ServerError) -> bool {
    matches!(error.code(), "NOPERM" | "ERR")
}

/// The same for an answer.
pub(super) fn is_refused(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if is_without_permission(error))
}

/// The command that lets this user subscribe and publish.
pub(super) fn grant(client: &redis::Client, keys: &Keys) -> String {
    let settings = client.get_connection_info().redis_settings();
    let user = settings.username().unwrap_or("default");
    format!("ACL SETUSER {user} '&{}' +subscribe +publish", keys.bell)
}
