//! Receipts: the results of sent records.

use metrics::Counter;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Collects the results of the records that are sent with it.
#[derive(Default)]
pub struct Receipts {
    state: Mutex<Arrivals>,
    arrived: Condvar,
    /// Called when all results have arrived.
    settled: Option<Arc<dyn Fn() + Send + Sync>>,
    /// Counts failed deliveries, if nobody waits for the results.
    lost: Option<Counter>,
}

#[derive(Default)]
struct Arrivals {
    awaited: usize,
    answers: Answers,
}

/// Kafka's answers, by index.
#[derive(Debug, Default)]
pub struct Answers {
    /// The records that Kafka has, and where.
    pub placed: Vec<(usize, RecordPosition)>,
    /// The records that failed, and why.
    pub failed: Vec<(usize, Undelivered)>,
}

/// Where a record is in its topic.
#[derive(Clone, Copy, Debug)]
pub struct RecordPosition {
    /// The partition.
    pub partition: i32,
    /// The offset there.
    pub offset: i64,
}

/// Why Kafka does not have a record.
#[derive(Debug)]
pub struct Undelivered {
    /// The reason, for people.
    pub why: String,
    /// The topic does not exist.
    pub no_topic: bool,
    /// The record, or the request that it was in, exceeds the topic's size limit.
    pub too_large: bool,
}

impl From<&KafkaError> for Undelivered {
    fn from(error: &KafkaError) -> Undelivered {
        use RDKafkaErrorCode::{
            InvalidMessageSize, MessageBatchTooLarge, MessageSizeTooLarge, UnknownTopic,
            UnknownTopicOrPartition,
        };
        let code = error.rdkafka_error_code();
        let too_large = [
            MessageSizeTooLarge,
            MessageBatchTooLarge,
            InvalidMessageSize,
        ];
        Undelivered {
            why: error.to_string(),
            no_topic: matches!(code, Some(UnknownTopic | UnknownTopicOrPartition)),
            too_large: code.is_some_and(|code| too_large.contains(&code)),
        }
    }
}

impl Receipts {
    /// Receipts that call `settled` each time all results have arrived.
    pub fn calling(settled: Arc<dyn Fn() + Send + Sync>) -> Receipts {
        Receipts {
            settled: Some(settled),
            ..Receipts::default()
        }
    }

    /// Receipts that only count failed deliveries.
    pub(super) fn counting(lost: Counter) -> Receipts {
        Receipts {
            lost: Some(lost),
            ..Receipts::default()
        }
    }

    /// Expects the result of one more record.
    pub(super) fn expect_one(&self) {
        self.state().awaited += 1;
    }

    fn state(&self) -> MutexGuard<'_, Arrivals> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, index: usize, result: Result<RecordPosition, Undelivered>) {
        if let Some(lost) = &self.lost {
            return lost.increment(u64::from(result.is_err()));
        }
        let mut state = self.state();
        state.awaited -= 1;
        match result {
            Ok(place) => state.answers.placed.push((index, place)),
            Err(why) => state.answers.failed.push((index, why)),
        }
        if state.awaited == 0 {
            drop(state);
            self.arrived.notify_all();
            if let Some(settled) = &self.settled {
                settled();
            }
        }
    }

    /// The answers since the last call, once all results have arrived.
    pub fn look(&self) -> Option<Answers> {
        let mut state = self.state();
        (state.awaited == 0).then(|| std::mem::take(&mut state.answers))
    }

    /// Waits until all results have arrived and returns the answers; `None` if
    /// `until` passes first.
    pub fn wait(&self, until: Instant) -> Option<Answers> {
        let mut state = self.state();
        while state.awaited > 0 {
            let left = until.checked_duration_since(Instant::now())?;
            let waited = self.arrived.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(std::mem::take(&mut state.answers))
    }
}
