//! Receipts: what Kafka has, and what it does not.

use metrics::Counter;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What became of the records that were sent under it.
#[derive(Default)]
pub struct Receipts {
    state: Mutex<Arrivals>,
    arrived: Condvar,
    /// Called when nothing is awaited any more.
    settled: Option<Arc<dyn Fn() + Send + Sync>>,
    /// Counts what did not arrive, where nobody waits.
    lost: Option<Counter>,
}

#[derive(Default)]
struct Arrivals {
    awaited: usize,
    answers: Answers,
}

/// Kafka's answers: by index.
#[derive(Debug, Default)]
pub struct Answers {
    /// What arrived, and where.
    pub placed: Vec<(usize, RecordPosition)>,
    /// What did not arrive, and why.
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
    /// For people.
    pub why: String,
    /// There is no such topic.
    pub no_topic: bool,
    /// It, or the request that it was in, is larger than the topic takes.
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
    /// Receipts that call `settled` each time that nothing is awaited any more.
    pub fn calling(settled: Arc<dyn Fn() + Send + Sync>) -> Receipts {
        Receipts {
            settled: Some(settled),
            ..Receipts::default()
        }
    }

    /// Receipts that count what did not arrive: nobody waits for them.
    pub(super) fn counting(lost: Counter) -> Receipts {
        Receipts {
            lost: Some(lost),
            ..Receipts::default()
        }
    }

    /// One more record is sent under it.
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

    /// The answers since the last look, once nothing is awaited any more.
    pub fn look(&self) -> Option<Answers> {
        let mut state = self.state();
        (state.awaited == 0).then(|| std::mem::take(&mut state.answers))
    }

    /// Waits until Kafka answered for all that was sent, or `until` passed:
    /// then `None`. Otherwise the answers.
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
