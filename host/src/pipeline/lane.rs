//! One partition's way through the pipeline.

use crate::ingest::{Feed, FeedError, FillLimits, Start};
use crate::record::Batch;
use crate::store::LedgerKey;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// What a lane's threads know of it together.
pub(super) struct LaneState {
    /// Whose ledger it moves.
    pub ledger: LedgerKey,
    /// No new batches are taken: the partition is going.
    pub closing: AtomicBool,
    /// The partition is gone: what is planned is dropped.
    pub abandoned: AtomicBool,
    /// Batches taken and not yet stored or dropped.
    pub in_hand: AtomicUsize,
    /// Counts up at each rewind: plans of an older session are stale.
    pub session: AtomicU64,
    /// The offset after the last record that is done, -1 before any is known.
    pub done: AtomicI64,
    rewind: Mutex<Option<i64>>,
    halted: Mutex<Option<String>>,
}

impl LaneState {
    pub fn new(ledger: LedgerKey) -> LaneState {
        LaneState {
            ledger,
            closing: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            in_hand: AtomicUsize::new(0),
            session: AtomicU64::new(0),
            done: AtomicI64::new(-1),
            rewind: Mutex::new(None),
            halted: Mutex::new(None),
        }
    }

    /// Has the lane go on from `offset`: what was planned before is stale.
    pub fn rewind(&self, offset: i64) {
        let mut rewind = self.rewind.lock().unwrap_or_else(PoisonError::into_inner);
        *rewind = Some(offset);
        self.session.fetch_add(1, Ordering::AcqRel);
    }

    /// Stops the partition until someone looks.
    pub fn halt(&self, why: String) {
        let partition = &self.ledger.partition;
        tracing::error!(%partition, reason = why, "the partition is halted");
        *self.halted.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// Why the partition is halted, where it is.
    pub fn halted(&self) -> Option<String> {
        self.halted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// A record that failed and is tried again, with all that comes after it.
pub(super) struct Carry {
    pub batch: Arc<Batch>,
    pub from: usize,
    /// How often the first of them was tried.
    pub attempts: u32,
    pub not_before: Instant,
}

/// The front's side of a lane.
pub(super) struct Lane {
    pub state: Arc<LaneState>,
    feed: Feed,
    /// The offset of the next record to take.
    pub next: i64,
    pub session: u64,
    pub carry: Option<Carry>,
}

/// What a lane has to process now.
pub(super) enum Work {
    /// Records from index `from` on; the first was tried `attempts` times.
    Batch {
        batch: Arc<Batch>,
        from: usize,
        attempts: u32,
    },
    /// Nothing before then.
    Later(Instant),
    /// Nothing.
    None,
}

impl Lane {
    pub fn new(state: Arc<LaneState>, feed: Feed, start: &Start) -> Lane {
        let next = match start {
            Start::At(offset) => *offset,
            Start::Halted(why) => {
                state.halt(why.clone());
                -1
            }
        };
        state.done.store(next, Ordering::Release);
        Lane {
            state,
            feed,
            next,
            session: 0,
            carry: None,
        }
    }

    /// Takes what there is to do. Does not wait.
    pub fn work(&mut self, limits: FillLimits) -> Work {
        self.take_rewind();
        if self.state.halted().is_some() {
            return Work::None;
        }
        if let Some(carry) = &self.carry {
            if carry.not_before > Instant::now() {
                return Work::Later(carry.not_before);
            }
            let Carry {
                batch,
                from,
                attempts,
                ..
            } = carry;
            let work = Work::Batch {
                batch: batch.clone(),
                from: *from,
                attempts: *attempts,
            };
            self.carry = None;
            return work;
        }
        let mut batch = Batch::new(self.state.ledger.partition.clone());
        match self.feed.fill(&mut batch, self.next, limits) {
            Ok(()) if batch.records.is_empty() => Work::None,
            Ok(()) => Work::Batch {
                batch: Arc::new(batch),
                from: 0,
                attempts: 0,
            },
            Err(error @ FeedError::OutOfRange(_)) => {
                self.state.halt(error.to_string());
                Work::None
            }
            Err(error @ FeedError::Kafka(_)) => {
                tracing::warn!(partition = %self.state.ledger.partition, %error, "reading");
                Work::None
            }
        }
    }

    fn take_rewind(&mut self) {
        let mut rewind = self
            .state
            .rewind
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(offset) = rewind.take() else { return };
        self.session = self.state.session.load(Ordering::Acquire);
        drop(rewind);
        self.carry = None;
        match self.feed.seek(offset) {
            Ok(()) => self.next = offset,
            Err(error) => self.state.halt(error.to_string()),
        }
    }
}
