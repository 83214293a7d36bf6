//! Changes that ring the doorbell.

use super::Rung;
use crate::store::Unavailable;
use crate::store::redis::errors::unavailable;
use crate::store::redis::store::RedisStore;
use redis::{Pipeline, Value};

impl RedisStore {
    /// Applies `changes` and rings, all or nothing.
    pub(in crate::store::redis) async fn change_and_ring(
        &self,
        changes: impl Fn(&mut Pipeline),
        lines: &[u8],
    ) -> Result<(), Unavailable> {
        loop {
            let mut pipe = redis::pipe();
            pipe.cmd("MULTI");
            changes(&mut pipe);
            let rung = self.ringer.ring(&mut pipe, &self.keys, lines);
            pipe.cmd("EXEC");
            pipe.ignore_errors();
            let answers: Vec<Value> = self.query(&pipe).await?;
            if !self.ringer.learn(rung, &answers) {
                return all_done(answers, rung);
            }
        }
    }

    /// If Redis refused PUBLISH, tries outside of any batch whether it is granted
    /// now.
    pub(in crate::store::redis) async fn try_publishing(&self) {
        let Some(pipe) = self.ringer.asking(&self.keys) else {
            return;
        };
        let answers: Result<Vec<Value>, _> = self.query(&pipe).await;
        if let Ok([.., Value::Int(_)]) = answers.as_deref() {
            self.ringer.grant();
        }
    }
}

/// Checks that all of a transaction was done, except for the ring.
fn all_done(mut answers: Vec<Value>, rung: Rung) -> Result<(), Unavailable> {
    let sent = answers.len();
    if let Some(Value::Array(done)) = answers.pop() {
        answers = done;
        rung.within(sent, answers.len())
            .for_each(|at| answers[at] = Value::Nil);
    }
    let wrong = answers
        .into_iter()
        .find_map(|answer| answer.extract_error().err());
    wrong.map_or(Ok(()), |error| Err(unavailable(error)))
}
