//! Changes that ring the doorbell.

use crate::store::Unavailable;
use crate::store::redis::answers::Answers;
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
            let rung = self.ringer.ring(&mut pipe, 0, &self.keys, lines);
            pipe.cmd("EXEC");
            pipe.ignore_errors();
            let answers = Answers::of(self.query(&pipe).await?);
            if self.ringer.learn(rung, &answers) {
                continue;
            }
            return match answers.first_error(rung) {
                None => Ok(()),
                Some(error) => Err(Unavailable(format!("Redis: {error}"))),
            };
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
