//! Encodes tasks by a schema of the registry.

use super::answers::{count, later};
use crate::http::{Reply, StatusCode, problem};
use crate::schema::{Encoder, Encoding, Limits, Part};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// `Retry-After` in seconds while the schema is not known.
const AWAY: u64 = 5;
/// The pause between two looks whether the schema is known.
const LOOK: Duration = Duration::from_millis(20);

/// Encodes tasks by a schema of the registry.
pub(super) struct TaskEncoder {
    encoding: Mutex<Encoding>,
    patience: Duration,
}

impl TaskEncoder {
    /// `patience` is how long a request waits for the schema.
    pub fn new(mut encoding: Encoding, patience: Duration) -> TaskEncoder {
        // Asks for the schema, so that the first request need not wait.
        let _ = encoding.encoder();
        TaskEncoder {
            encoding: Mutex::new(encoding),
            patience,
        }
    }

    /// The encoder of now.
    pub async fn encoder(&self) -> Result<Encoder, Box<Reply>> {
        let deadline = Instant::now() + self.patience;
        loop {
            match self.look() {
                Ok(encoder) => return Ok(encoder),
                Err(_) if Instant::now() < deadline => sleep(LOOK).await,
                Err(why) => {
                    count("unavailable");
                    tracing::warn!(why, "can't encode a task");
                    let why = "the schema of tasks is not available";
                    return Err(Box::new(later(StatusCode::SERVICE_UNAVAILABLE, why, AWAY)));
                }
            }
        }
    }

    fn look(&self) -> Result<Encoder, Option<String>> {
        let encoding = self.encoding.lock();
        let mut encoding = encoding.unwrap_or_else(PoisonError::into_inner);
        encoding.encoder().cloned()
    }
}

/// A task in JSON, encoded. That may take a while, so it has a thread of its own.
pub(super) async fn encoded(encoder: Encoder, json: Vec<u8>) -> Result<Vec<u8>, Box<Reply>> {
    let limits = Limits {
        bytes: json.len().saturating_mul(4).max(1 << 16),
        depth: Limits::DEPTH,
    };
    let encoding = spawn_blocking(move || encoder.encode(Part::Value, &json, limits));
    let encoded = encoding
        .await
        .unwrap_or_else(|error| Err(error.to_string()));
    encoded.map_err(|why| {
        count("refused");
        let why = format!("the task does not fit its schema: {why}");
        Box::new(problem(StatusCode::UNPROCESSABLE_ENTITY, &why))
    })
}
