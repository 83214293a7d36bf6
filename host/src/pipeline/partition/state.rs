//! The state of one assigned partition, shared by the threads that read,
//! transform and store its records.

use crate::kafka::consumer::Commit;
use crate::pipeline::lock::lock;
use crate::pipeline::partition::commit_mark;
use crate::record::Failure;
use crate::store::{Identity, LedgerKey};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// An assigned partition. Each assignment and each reopening makes a new
/// one.
pub(in crate::pipeline) struct PartitionState {
    /// The ledger that its batches move.
    pub ledger: LedgerKey,
    /// Its topic and cluster when it was opened.
    pub identity: Identity,
    inner: Mutex<Inner>,
    /// Notified when a batch or the partition itself is released.
    released: Condvar,
}

struct Inner {
    phase: Phase,
    /// Counts rewinds. A batch that was prepared in an earlier session is stale.
    session: u64,
    /// The offset after the last record that is stored; `None` until the worker
    /// has taken the partition.
    done: Option<i64>,
    /// Batches that were read and are neither stored nor dropped.
    in_hand: usize,
    /// A worker has the partition, or is about to take it.
    is_held: bool,
    /// What it waits for, by [`Waits`].
    waits: [Option<String>; 3],
    /// Why records fail that were found to fail only while they were committed, by
    /// offset. They wrote values, so they and all after them run again.
    failing: BTreeMap<i64, Failure>,
}

/// The phase of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// Its records are read and stored.
    Running,
    /// The worker must continue elsewhere. Batches in progress are stale.
    Rewinding(Point),
    /// The worker must read again from its own next record. Batches in progress are
    /// still to be stored.
    Resuming,
    /// No record is read.
    Halted(Halt),
    /// Its ledger, topic or offset has changed: it needs reopening, and no record is
    /// read until then.
    Reopening,
    /// It is being revoked: batches in progress are finished, no new one is read.
    Closing,
    /// It is revoked: batches in progress are dropped.
    Gone,
}

/// A point of a partition where a worker continues, and what must be known there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pipeline) struct Point {
    /// The offset of the next record.
    pub next: i64,
    /// How often that record was tried.
    pub attempts: u32,
    /// The partition's time before it.
    pub clock: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Halt {
    why: String,
    until: Until,
    /// Where to continue, unless at the worker's offset.
    resume: Option<Point>,
}

/// What ends a halt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pipeline) enum Until {
    /// An operator sets the offset and restarts the pipeline.
    Mended,
    /// Other plugins go live, and the record is tried again.
    Swapped,
}

/// Whom a partition waits for, beside the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pipeline) enum Waits {
    /// Kafka, for the first prepared batch's records.
    Kafka,
    /// The schema registry, for the next record's schema.
    Schema,
    /// The schema registry, for a schema to encode by.
    Encoder,
}

/// What the worker has to do with a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pipeline) enum Order {
    /// Read the next records.
    Read,
    /// Continue here, in this session.
    Seek { point: Point, session: u64 },
    /// Read again from the next record that is not prepared.
    Resume,
    /// Read nothing.
    Wait,
}

impl PartitionState {
    pub fn new(ledger: LedgerKey, identity: Identity) -> PartitionState {
        PartitionState {
            ledger,
            identity,
            inner: Mutex::new(Inner {
                phase: Phase::Running,
                session: 0,
                done: None,
                in_hand: 0,
                is_held: false,
                waits: Default::default(),
                failing: BTreeMap::new(),
            }),
            released: Condvar::new(),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }

    /// What its worker has to do. A seek is returned once.
    pub fn order(&self) -> Order {
        let mut inner = self.inner();
        match inner.phase {
            Phase::Running => Order::Read,
            Phase::Rewinding(point) => {
                inner.phase = Phase::Running;
                let session = inner.session;
                Order::Seek { point, session }
            }
            Phase::Resuming => {
                inner.phase = Phase::Running;
                Order::Resume
            }
            Phase::Halted(_) | Phase::Reopening | Phase::Closing | Phase::Gone => Order::Wait,
        }
    }

    /// Counts one more batch in progress, unless the partition is closing or has
    /// `most` of them.
    pub fn take_in_hand(self: &Arc<Self>, most: usize) -> Option<InHand> {
        let mut inner = self.inner();
        let is_open = !matches!(inner.phase, Phase::Closing | Phase::Gone);
        if !is_open || inner.in_hand >= most {
            return None;
        }
        inner.in_hand += 1;
        drop(inner);
        Some(InHand(self.clone()))
    }

    /// Notes that a worker has the partition, until the result is dropped.
    pub fn hold(self: &Arc<Self>) -> Held {
        self.inner().is_held = true;
        Held(self.clone())
    }

    /// Whether its worker must release it.
    pub fn is_gone(&self) -> bool {
        self.inner().phase == Phase::Gone
    }

    /// Whether new batches may be read.
    pub fn is_open(&self) -> bool {
        !matches!(self.inner().phase, Phase::Closing | Phase::Gone)
    }

    /// Whether a batch of this session is still to be stored.
    pub fn wants(&self, session: u64) -> bool {
        let inner = self.inner();
        inner.phase != Phase::Gone && inner.session == session
    }

    /// Makes the worker continue here. Batches in progress become stale.
    pub fn rewind(&self, point: Point) {
        let mut inner = self.inner();
        inner.session += 1;
        match &mut inner.phase {
            phase @ (Phase::Running | Phase::Resuming | Phase::Rewinding(_)) => {
                *phase = Phase::Rewinding(point);
            }
            Phase::Halted(halt) => halt.resume = Some(point),
            Phase::Reopening | Phase::Closing | Phase::Gone => {}
        }
    }

    /// Marks the partition for reopening. Batches in progress become stale.
    pub fn reopen(&self) {
        let mut inner = self.inner();
        inner.session += 1;
        if !matches!(inner.phase, Phase::Closing | Phase::Gone) {
            inner.phase = Phase::Reopening;
        }
    }

    /// Whether it is marked for reopening.
    pub fn needs_reopening(&self) -> bool {
        self.inner().phase == Phase::Reopening
    }

    /// Stops reading.
    pub fn halt(&self, why: String, until: Until) {
        let partition = &self.ledger.partition;
        tracing::error!(%partition, reason = why, "partition halted");
        let mut inner = self.inner();
        let resume = match inner.phase {
            Phase::Running | Phase::Resuming => None,
            Phase::Rewinding(point) => Some(point),
            Phase::Halted(_) | Phase::Reopening | Phase::Closing | Phase::Gone => return,
        };
        inner.phase = Phase::Halted(Halt { why, until, resume });
    }

    /// Ends a halt that waits for other plugins. The worker's next record is tried
    /// again, unless another point was set meanwhile. Batches before it are still
    /// stored: what they wrote is counted on.
    pub fn plugins_changed(&self) {
        let mut inner = self.inner();
        // Others may not fail on these records.
        inner.failing.clear();
        if let Phase::Halted(Halt {
            until: Until::Swapped,
            resume,
            ..
        }) = inner.phase
        {
            inner.phase = match resume {
                None => Phase::Resuming,
                Some(point) => Phase::Rewinding(Point {
                    attempts: 0,
                    ..point
                }),
            };
        }
    }

    /// Why it is halted, if it is.
    pub fn halted(&self) -> Option<String> {
        match &self.inner().phase {
            Phase::Halted(halt) => Some(halt.why.clone()),
            _ => None,
        }
    }

    /// Notes that everything before this offset is stored.
    pub fn set_done(&self, next: i64) {
        let mut inner = self.inner();
        inner.done = Some(next);
        inner.failing.retain(|offset, _| *offset >= next);
    }

    /// Notes that these records fail, by offset, whatever the plugins make of them.
    pub fn fail(&self, failures: impl IntoIterator<Item = (i64, Failure)>) {
        self.inner().failing.extend(failures);
    }

    /// The records that fail, by offset.
    pub fn failing(&self) -> BTreeMap<i64, Failure> {
        self.inner().failing.clone()
    }

    /// The offset after the last stored record, if known.
    pub fn done(&self) -> Option<i64> {
        self.inner().done
    }

    /// The commit for Kafka.
    pub fn commit(&self) -> Option<Commit> {
        Some(Commit {
            partition: self.ledger.partition.clone(),
            next: self.done()?,
            metadata: commit_mark::of(&self.identity),
        })
    }

    /// The offset after the last stored record, if the partition is idle: the worker has
    /// taken it, no batch is in progress, and no rewind is pending.
    pub fn settled_at(&self) -> Option<i64> {
        let inner = self.inner();
        let quiet = match &inner.phase {
            Phase::Running => true,
            Phase::Halted(halt) => halt.resume.is_none(),
            _ => false,
        };
        inner.done.filter(|_| quiet && inner.in_hand == 0)
    }

    /// Notes what the partition waits for, and logs it when it changes. Returns whether it did.
    pub fn waits_for(&self, of: Waits, what: Option<String>) -> bool {
        let partition = &self.ledger.partition;
        let mut inner = self.inner();
        let waits = &mut inner.waits[of as usize];
        if *waits == what {
            return false;
        }
        match (waits.as_deref(), &what) {
            (_, Some(reason)) => tracing::warn!(%partition, reason, "waiting"),
            (over, None) => tracing::info!(%partition, over, "no longer waiting"),
        }
        *waits = what;
        true
    }

    /// What it waits for.
    pub fn waiting(&self) -> Vec<String> {
        self.inner().waits.iter().flatten().cloned().collect()
    }

    /// Reads no new batch. Batches in progress are finished.
    pub fn close(&self) {
        let mut inner = self.inner();
        if inner.phase != Phase::Gone {
            inner.phase = Phase::Closing;
        }
    }

    /// Drops batches in progress.
    pub fn abandon(&self) {
        self.inner().phase = Phase::Gone;
    }

    /// Waits until no batch is in progress; false after the deadline.
    pub fn finished_by(&self, deadline: Instant) -> bool {
        self.wait_until(deadline, |inner| inner.in_hand == 0)
    }

    /// Waits until no batch is in progress and its worker has released it; false after
    /// the deadline.
    pub fn released_by(&self, deadline: Instant) -> bool {
        self.wait_until(deadline, |inner| inner.in_hand == 0 && !inner.is_held)
    }

    fn wait_until(&self, deadline: Instant, is_so: impl Fn(&Inner) -> bool) -> bool {
        let mut inner = self.inner();
        loop {
            if is_so(&inner) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.released.wait_timeout(inner, left);
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn release(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.inner());
        self.released.notify_all();
    }
}

/// Counts a batch in progress until this is dropped.
pub(in crate::pipeline) struct InHand(Arc<PartitionState>);

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.release(|inner| inner.in_hand -= 1);
    }
}

/// Marks that a worker has the partition until this is dropped.
pub(in crate::pipeline) struct Held(Arc<PartitionState>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.release(|inner| inner.is_held = false);
    }
}

#[cfg(test)]
mod tests;
