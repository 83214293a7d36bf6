//! One partition's way through the pipeline.

use super::front::Arrival;
use super::shared::lock;
use crate::ingest::{Feed, FeedError, FillLimits, Start};
use crate::plugin::{End, Made};
use crate::record::Batch;
use crate::store::{Identity, LedgerKey};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How often an idle lane looks what it passed without a record.
const LOOK: Duration = Duration::from_secs(1);

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
    /// Something is wrong with its ledger or its partition: it must be begun
    /// anew, and nothing is taken until then.
    strange: AtomicBool,
    /// Whose partition it was when it was begun.
    pub identity: Identity,
    /// Where to go on, and how often the record there was tried.
    rewind: Mutex<Option<(i64, u32)>>,
    halted: Mutex<Option<Halt>>,
    /// What its first plan waits for in Kafka.
    waits: Mutex<Option<String>>,
}

/// Why a partition is stopped, and for how long.
#[derive(Clone)]
struct Halt {
    why: String,
    until: Until,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// Someone says where it goes on, and it is assigned again.
    Mended,
    /// Other plugins are live: the record is tried again.
    Swapped,
}

impl LaneState {
    pub fn new(ledger: LedgerKey, identity: Identity) -> LaneState {
        LaneState {
            ledger,
            closing: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            in_hand: AtomicUsize::new(0),
            session: AtomicU64::new(0),
            done: AtomicI64::new(-1),
            strange: AtomicBool::new(false),
            identity,
            rewind: Mutex::new(None),
            halted: Mutex::new(None),
            waits: Mutex::new(None),
        }
    }

    /// Notes what the partition waits for in Kafka, and says it where it is news.
    pub fn waits_for(&self, what: Option<String>) {
        let partition = &self.ledger.partition;
        let mut waits = lock(&self.waits);
        if *waits == what {
            return;
        }
        match (waits.as_deref(), &what) {
            (_, Some(reason)) => tracing::warn!(%partition, reason, "waiting"),
            (over, None) => tracing::info!(%partition, over, "no longer waiting"),
        }
        *waits = what;
    }

    /// What it waits for in Kafka.
    pub fn waiting(&self) -> Option<String> {
        lock(&self.waits).clone()
    }

    /// Has the lane go on at this offset, whose record was tried so often: what
    /// was planned before is stale.
    pub fn rewind(&self, offset: i64, attempts: u32) {
        let mut rewind = lock(&self.rewind);
        *rewind = Some((offset, attempts));
        self.session.fetch_add(1, Ordering::AcqRel);
    }

    /// Has the lane take nothing more until it is begun anew.
    pub fn mark_strange(&self) {
        self.session.fetch_add(1, Ordering::AcqRel);
        self.strange.store(true, Ordering::Release);
    }

    /// Whether it must be begun anew.
    pub fn is_strange(&self) -> bool {
        self.strange.load(Ordering::Acquire)
    }

    /// What is done, where nothing is under way: its worker has taken it, no
    /// batch is in hand, and it is not to go on elsewhere.
    pub fn settled_at(&self) -> Option<i64> {
        let done = self.done.load(Ordering::Acquire);
        let quiet = self.in_hand.load(Ordering::Acquire) == 0 && lock(&self.rewind).is_none();
        (done >= 0 && quiet).then_some(done)
    }

    /// Stops the partition.
    pub fn halt(&self, why: String, until: Until) {
        let partition = &self.ledger.partition;
        tracing::error!(%partition, reason = why, "the partition is halted");
        *lock(&self.halted) = Some(Halt { why, until });
    }

    /// Why the partition is halted, where it is.
    pub fn halted(&self) -> Option<String> {
        lock(&self.halted).as_ref().map(|halt| halt.why.clone())
    }
}

/// Records of a batch that are still to be planned.
#[derive(Clone)]
pub(super) struct Rest {
    pub batch: Arc<Batch>,
    /// The index of the first.
    pub from: usize,
    /// How often that one was tried.
    pub attempts: u32,
    /// How many of them a plugin's first call may have.
    pub pace: usize,
    /// How far new plugins were only tried on them.
    pub trial: Trial,
}

/// How far new plugins were tried on records, with nothing of it decided: too
/// many fail, and the breaker has not seen enough of them.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Trial {
    /// Not at all.
    #[default]
    None,
    /// Up to this index.
    Until(usize),
    /// On all there are: what they make of them holds.
    Over,
}

impl Rest {
    /// All of a batch.
    pub fn of(batch: Batch, attempts: u32) -> Rest {
        Rest {
            batch: Arc::new(batch),
            from: 0,
            attempts,
            pace: usize::MAX,
            trial: Trial::None,
        }
    }

    /// The same, of which nothing is known yet.
    pub fn anew(&self) -> Rest {
        Rest {
            pace: usize::MAX,
            trial: Trial::None,
            ..self.clone()
        }
    }

    /// Those from index `from` on; of the first of these it is known how often
    /// it was tried.
    pub fn after(&self, from: usize) -> Rest {
        let attempts = if from == self.from { self.attempts } else { 0 };
        Rest {
            from,
            attempts,
            ..self.clone()
        }
    }

    /// What to do with them instead of deciding what a turn made of them, if
    /// that is not to be decided: new plugins that fail on too many of too few
    /// are tried on more of them first.
    pub fn tried(&self, made: &Made, unsure: bool) -> Option<Rest> {
        let is_cut = made.end < self.batch.records.len();
        let trial = match self.trial {
            Trial::Over => return None,
            Trial::None if !(unsure && matches!(made.ended, End::Spent)) => return None,
            _ if unsure && is_cut => Trial::Until(made.end),
            _ if unsure => Trial::Over,
            // They may be decided after all, from the first on.
            _ => Trial::None,
        };
        Some(Rest {
            pace: 1,
            trial,
            ..self.clone()
        })
    }

    /// The index of the first that the plugins have not seen.
    pub fn unseen(&self) -> usize {
        match self.trial {
            Trial::Until(index) => index,
            Trial::None | Trial::Over => self.from,
        }
    }
}

/// How many records the next turn's first call may have.
pub(super) fn pace_after(ended: &End, decided: usize) -> usize {
    match ended {
        End::Spent => 1,
        End::Full => decided.max(1),
        End::Whole | End::Dropped | End::NoInstance(_) => usize::MAX,
    }
}

/// Records that wait: for a delay, or for their next turn.
pub(super) struct Carry {
    pub rest: Rest,
    pub not_before: Instant,
}

/// The front's side of a lane.
pub(super) struct Lane {
    pub state: Arc<LaneState>,
    feed: Feed,
    /// The offset of the next record to take.
    pub next: i64,
    /// The offset after the last record that was taken: `next`, unless some of
    /// them are still to be planned.
    taken: i64,
    looked: Instant,
    pub session: u64,
    pub carry: Option<Carry>,
    /// How often the next record was tried, as the ledger says.
    attempts: u32,
}

/// What a lane has to process now.
pub(super) enum Work {
    /// Records.
    Batch(Rest),
    /// There are no records up to this offset.
    Pass(i64),
    /// Nothing before then.
    Later(Instant),
    /// Nothing.
    None,
}

impl Lane {
    pub fn new(arrival: Arrival) -> Lane {
        let Arrival {
            state,
            feed,
            start,
            attempts,
        } = arrival;
        let next = match start {
            Start::At(offset) => offset,
            Start::Halted(why) => {
                state.halt(why, Until::Mended);
                -1
            }
        };
        state.done.store(next, Ordering::Release);
        Lane {
            state,
            feed,
            next,
            taken: next,
            looked: Instant::now(),
            session: 0,
            carry: None,
            attempts,
        }
    }

    /// Other plugins are live: what was halted by the old ones' say is tried
    /// again.
    pub fn plugins_changed(&mut self) {
        // What is known of the records was known of the old ones.
        if let Some(carry) = &mut self.carry {
            carry.rest = carry.rest.anew();
        }
        let mut halted = lock(&self.state.halted);
        if halted
            .take_if(|halt| halt.until == Until::Swapped)
            .is_some()
        {
            drop(halted);
            self.state.rewind(self.next, 0);
        }
    }

    /// Has these records come next, at once.
    pub fn begin_again(&mut self, rest: Rest) {
        self.wait_until(Instant::now(), rest);
    }

    /// Has these records come next, from then on.
    pub fn wait_until(&mut self, not_before: Instant, rest: Rest) {
        self.carry = Some(Carry { rest, not_before });
    }

    /// Takes what there is to do. Does not wait.
    pub fn work(&mut self, limits: FillLimits) -> Work {
        self.take_rewind();
        if self.state.is_strange() || lock(&self.state.halted).is_some() {
            return Work::None;
        }
        if let Some(carry) = &self.carry {
            if carry.not_before > Instant::now() {
                return Work::Later(carry.not_before);
            }
            let rest = carry.rest.clone();
            self.carry = None;
            return Work::Batch(rest);
        }
        let mut batch = Batch::new(self.state.ledger.partition.clone());
        match self.feed.fill(&mut batch, self.next, limits) {
            Ok(()) => match batch.records.last() {
                Some(last) => {
                    self.taken = last.offset + 1;
                    Work::Batch(Rest::of(batch, std::mem::take(&mut self.attempts)))
                }
                None => self.pass(),
            },
            Err(error @ FeedError::OutOfRange(_)) => {
                tracing::warn!(partition = %self.state.ledger.partition, %error, "looking where to go on");
                self.state.mark_strange();
                Work::None
            }
            Err(error @ FeedError::Kafka(_)) => {
                tracing::warn!(partition = %self.state.ledger.partition, %error, "reading");
                Work::None
            }
        }
    }

    /// Passes what is no record: markers of transactions and what they aborted.
    /// Otherwise the ledger would stand before them for ever, as if it lagged,
    /// and behind the partition's beginning once retention removed them.
    fn pass(&mut self) -> Work {
        if self.taken != self.next || self.looked.elapsed() < LOOK {
            return Work::None;
        }
        self.looked = Instant::now();
        match self.feed.position() {
            Some(position) if position > self.next => {
                self.taken = position;
                Work::Pass(position)
            }
            _ => Work::None,
        }
    }

    fn take_rewind(&mut self) {
        let mut rewind = lock(&self.state.rewind);
        let Some((offset, attempts)) = rewind.take() else {
            return;
        };
        self.session = self.state.session.load(Ordering::Acquire);
        drop(rewind);
        self.carry = None;
        self.attempts = attempts;
        match self.feed.seek(offset) {
            Ok(()) => {
                self.next = offset;
                self.taken = offset;
                self.state.done.store(offset, Ordering::Release);
            }
            Err(error) => {
                tracing::warn!(partition = %self.state.ledger.partition, %error, "beginning anew");
                self.state.mark_strange();
            }
        }
    }
}
