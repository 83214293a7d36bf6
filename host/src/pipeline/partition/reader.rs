//! The transform worker's side of a partition: the next records to read.

use super::remaining::Remaining;
use super::state::{Held, Order, PartitionState, Point, Until};
use super::values::UnstoredValues;
use crate::kafka::consumer::{FetchError, FillLimits, PartitionConsumer, Start};
use crate::record::Batch;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often an idle partition is checked for offsets without records.
const LOOK: Duration = Duration::from_secs(1);

/// A partition on its way to its worker.
pub(in crate::pipeline) struct Assigned {
    pub state: Arc<PartitionState>,
    /// Dropped before `held`: once that is dropped, the partition may be assigned
    /// again.
    pub records: PartitionConsumer,
    pub held: Held,
    pub start: Start,
    /// How often the first record was tried.
    pub attempts: u32,
    /// The partition's time before it.
    pub clock: i64,
}

/// Records that wait for a delay or for their next turn.
pub(in crate::pipeline) struct PendingRetry {
    pub remaining: Remaining,
    pub not_before: Instant,
}

/// A partition that a worker reads.
pub(in crate::pipeline) struct Partition {
    pub state: Arc<PartitionState>,
    records: PartitionConsumer,
    _held: Held,
    /// The offset of the next record to prepare.
    pub next: i64,
    /// The offset after the last record that was read. Equal to `next` unless records
    /// are still to be prepared.
    read: i64,
    looked: Instant,
    pub session: u64,
    pub pending: Option<PendingRetry>,
    /// How often the next record was tried, from the ledger.
    attempts: u32,
    /// The partition's time before `next`.
    pub clock: i64,
    /// What its transform wrote and is not stored yet.
    pub values: UnstoredValues,
}

/// What a partition has to process now.
pub(in crate::pipeline) enum Work {
    /// Records.
    Batch(Remaining),
    /// No records: the ledger can move to this offset.
    Pass(i64),
    /// Nothing before this time.
    Later(Instant),
    /// Nothing.
    None,
}

impl Partition {
    pub fn new(assigned: Assigned) -> Partition {
        let Assigned {
            state,
            records,
            held,
            start,
            attempts,
            clock,
        } = assigned;
        let next = match start {
            Start::At(offset) => {
                state.set_done(offset);
                offset
            }
            Start::Halted(why) => {
                state.halt(why, Until::Mended);
                -1
            }
        };
        Partition {
            state,
            records,
            _held: held,
            next,
            read: next,
            looked: Instant::now(),
            session: 0,
            pending: None,
            attempts,
            clock,
            values: UnstoredValues::default(),
        }
    }

    /// Handles new live plugins: a record that the old ones halted at is tried
    /// again.
    pub fn plugins_changed(&mut self) {
        // The pace and the trial are those of the old plugins.
        if let Some(pending) = &mut self.pending {
            pending.remaining = pending.remaining.anew();
        }
        self.state.plugins_changed();
    }

    /// Processes these records next.
    pub fn retry(&mut self, remaining: Remaining) {
        self.retry_at(Instant::now(), remaining);
    }

    /// Processes these records next, but not before this time.
    pub fn retry_at(&mut self, not_before: Instant, remaining: Remaining) {
        self.pending = Some(PendingRetry {
            remaining,
            not_before,
        });
    }

    /// Takes the next work. Does not wait.
    pub fn work(&mut self, limits: FillLimits) -> Work {
        self.values.stored(self.state.done().unwrap_or(i64::MIN));
        match self.state.order() {
            Order::Read => {}
            Order::Resume => {
                if !self.read_again(self.next, 0) {
                    return Work::None;
                }
            }
            Order::Wait => return Work::None,
            Order::Seek { point, session } => {
                self.session = session;
                if !self.seek(point) {
                    return Work::None;
                }
            }
        }
        if let Some(pending) = &self.pending
            && pending.not_before > Instant::now()
        {
            return Work::Later(pending.not_before);
        }
        match self.pending.take() {
            Some(pending) => Work::Batch(pending.remaining),
            None => self.read(limits),
        }
    }

    fn read(&mut self, limits: FillLimits) -> Work {
        let partition = &self.state.ledger.partition;
        let mut batch = Batch::new(partition.clone());
        batch.clock = self.clock;
        match self.records.fill(&mut batch, self.next, limits) {
            Ok(()) => match batch.records.last() {
                Some(last) => {
                    self.read = last.offset + 1;
                    let attempts = std::mem::take(&mut self.attempts);
                    Work::Batch(Remaining::of(batch, attempts))
                }
                None => self.pass(),
            },
            Err(error @ FetchError::OutOfRange(_)) => {
                tracing::warn!(%partition, %error, "the next offset is gone; reopening the partition");
                self.state.reopen();
                Work::None
            }
            Err(error @ FetchError::Kafka(_)) => {
                tracing::warn!(%partition, %error, "can't read from Kafka; retrying");
                // librdkafka counts the error as a record: until a seek, its position
                // is one too far.
                self.read_again(self.next, self.attempts);
                Work::None
            }
        }
    }

    /// Passes offsets without records: transaction markers and aborted records.
    /// Otherwise the ledger would stay before them, would show lag, and would be out of
    /// range once retention removed them.
    fn pass(&mut self) -> Work {
        if self.read != self.next || self.looked.elapsed() < LOOK {
            return Work::None;
        }
        self.looked = Instant::now();
        match self.records.position() {
            Some(position) if position > self.next => {
                self.read = position;
                Work::Pass(position)
            }
            _ => Work::None,
        }
    }

    /// Continues here; false if the partition must be reopened for that.
    fn seek(&mut self, point: Point) -> bool {
        self.values.clear();
        self.clock = point.clock;
        let read = self.read_again(point.next, point.attempts);
        if read {
            self.next = point.next;
            self.state.set_done(point.next);
        }
        read
    }

    /// Reads from this offset on; false if the partition must be reopened for that.
    fn read_again(&mut self, offset: i64, attempts: u32) -> bool {
        self.pending = None;
        self.attempts = attempts;
        match self.records.seek(offset) {
            Ok(()) => {
                self.read = offset;
                true
            }
            Err(error) => {
                let partition = &self.state.ledger.partition;
                tracing::warn!(%partition, offset, %error, "can't seek; reopening the partition");
                self.state.reopen();
                false
            }
        }
    }
}
