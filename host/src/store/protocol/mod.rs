//! The ledger protocol: what one append asks of the store, and what follows
//! from each answer.
//!
//! Pure: it knows no connection and no clock. A writer carries out its steps
//! and tells it the answers; the model test beside it carries them out against
//! every order of crashes, lost answers and other owners.
//!
//! ```text
//!           ┌──────── conflict ──────────┐
//!           ▼                            │
//! look (WATCH, read, MULTI) ── ours ─→ execute (… EXEC) ─→ stored
//!   │       ▲                     ▲      │ │ │
//!   │       └── later: refused ───┼──────┘ │ └─ lost: unverified, look again
//!   │       └── later: torn ──────┼────────┘
//!   │                             └ only what is not there
//!   └─ elsewhere: moved; nothing left to do: stored
//! ```
//!
//! Invariants, for whatever happens to owners, connections and the server:
//!
//! 1. Of every record before the ledger's `next` the events are stored once,
//!    and of no record from there on. So nobody may store but by [`execute`],
//!    whose events and ledger are one transaction.
//! 2. `MULTI` ends a look, and its answer is read with the look's: what is sent
//!    after it is inside a transaction, or is not sent. So a server that
//!    refuses `MULTI` is given nothing that would run bare. Whatever else is
//!    sent on that connection is sent after `DISCARD` was answered.
//! 3. A transaction is sent only after a look on the same connection found the
//!    ledger at `expected`, with nothing of that connection in between: any
//!    other write since then, by whomever, makes it fail. It always writes the
//!    ledger, also one that stands at `next` already: no two can be executed
//!    upon one look.
//! 4. An answer that did not come leaves the append *unverified*, over all its tries.
//!    The next look asks for the events themselves, watching their streams:
//!    what is there is not sent again, and what is not is, whether the ledger
//!    has moved or not.
//! 5. `EXEC` does not roll back. Where the server's trouble (permissions that
//!    changed) keeps one command of a transaction from being done, the append
//!    is *torn*: the next try does what was not done and nothing else. Where
//!    the ledger moved and no event was stored, the ledger is taken back
//!    first, so that a crash now loses nothing.
//! 6. A look that rode behind another transaction may be old: a ledger that it
//!    found elsewhere is looked at anew before that is told.
//!
//! [`execute`]: AfterLook::Execute

#[cfg(test)]
mod model;

use super::Unstored;

/// One append's standing, over all its tries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Exchange {
    /// Where the ledger must stand.
    pub expected: i64,
    /// Where it stands after.
    pub next: i64,
    /// A transaction of this append was sent whose answer never came: since
    /// when, as the store counts.
    unverified: Option<u64>,
    /// A try moved the ledger, and left something to be done.
    moved: bool,
    /// A try left commands undone, be they events or not.
    torn: bool,
    /// The events that are still to be stored, by index; `None` until a try
    /// may have stored some.
    rest: Option<Vec<usize>>,
    /// A try stored some.
    some_stored: bool,
    /// What earlier tries said of events that they did not store.
    told: Unstored,
}

/// What follows from a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterLook {
    /// Send the transaction, on the connection of the look.
    Execute,
    /// Look again, now.
    Look,
    /// An earlier try was stored.
    Stored,
    /// The ledger stands elsewhere: nothing of this append is stored by us.
    Moved,
}

/// What is known of a transaction that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Executed {
    /// It was executed, but for these events.
    Done(Unstored),
    /// It was executed in part: the server has trouble.
    Torn {
        /// The events that it may store yet.
        missing: Vec<usize>,
        /// Those that it will not.
        unstored: Unstored,
        /// The ledger is at `next`.
        moved: bool,
    },
    /// It was not: a watched key had changed.
    Conflict,
    /// It was not: the server would not.
    Refused,
    /// No answer came. The connection must not be used again. What it may have
    /// stored is of this time or later, as the store counts.
    Lost(u64),
}

/// What follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterExecute {
    /// It is stored.
    Stored,
    /// Look again, now.
    Look,
    /// Look again after a pause: the server has trouble.
    Later,
    /// Likewise, and take the ledger back before: it passed what is not stored.
    TakeBack,
}

impl Exchange {
    /// An append that was not tried yet.
    pub fn new(expected: i64, next: i64) -> Exchange {
        Exchange {
            expected,
            next,
            unverified: None,
            moved: false,
            torn: false,
            rest: None,
            some_stored: false,
            told: Unstored::default(),
        }
    }

    /// The events that this try is to store, by index; `None` as long as it is
    /// all that are new.
    pub(super) fn rest(&self) -> Option<&[usize]> {
        self.rest.as_deref()
    }

    /// The events that a look must ask for, and since when: a try may have
    /// stored them.
    pub(super) fn unverified(&self) -> Option<(u64, &[usize])> {
        self.unverified.zip(self.rest.as_deref())
    }

    /// A look found that these events are stored, of the unverified ones.
    pub(super) fn found(&mut self, stored: &[usize]) {
        if let Some(rest) = &mut self.rest {
            rest.retain(|event| !stored.contains(event));
        }
        self.some_stored |= !stored.is_empty();
    }

    /// A look found the ledger at `next`, or none; `ahead` if it rode behind
    /// an earlier transaction.
    pub(super) fn looked(&self, next: Option<i64>, ahead: bool) -> AfterLook {
        let done = !self.torn && self.rest.as_ref().is_some_and(Vec::is_empty);
        if next == Some(self.expected) {
            AfterLook::Execute
        } else if (self.unverified.is_some() || self.moved) && next == Some(self.next) {
            match done {
                true => AfterLook::Stored,
                false => AfterLook::Execute,
            }
        } else if ahead {
            AfterLook::Look
        } else {
            AfterLook::Moved
        }
    }

    /// A transaction with these events was sent, and this is known of it.
    pub(super) fn executed(
        &mut self,
        sent: impl FnOnce() -> Vec<usize>,
        executed: Executed,
    ) -> AfterExecute {
        match executed {
            Executed::Done(unstored) => {
                self.note(unstored);
                AfterExecute::Stored
            }
            Executed::Torn {
                missing,
                unstored,
                moved,
            } => {
                (self.torn, self.moved) = (true, self.moved || moved);
                self.some_stored |= missing.len() + unstored.indices().count() < sent().len();
                self.note(unstored);
                self.rest = Some(missing);
                match self.moved && !self.some_stored && self.rest() != Some(&[]) {
                    true => AfterExecute::TakeBack,
                    false => AfterExecute::Later,
                }
            }
            Executed::Conflict => AfterExecute::Look,
            Executed::Refused => AfterExecute::Later,
            Executed::Lost(since) => {
                self.unverified = Some(self.unverified.unwrap_or(since).min(since));
                self.rest = Some(sent());
                AfterExecute::Later
            }
        }
    }

    /// The ledger was taken back: it is as if nothing had been tried.
    pub(super) fn taken_back(&mut self) {
        self.moved = false;
    }

    fn note(&mut self, unstored: Unstored) {
        self.told.refused.extend(unstored.refused);
        self.told.dropped.extend(unstored.dropped);
    }

    /// What was said of events that are not stored, over all tries.
    pub(super) fn unstored(&mut self) -> Unstored {
        std::mem::take(&mut self.told)
    }

    /// How many events are in no stream though the ledger has passed them.
    pub fn passed_over(&self) -> usize {
        match self.moved {
            true => self.rest.as_ref().map_or(0, Vec::len),
            false => 0,
        }
    }
}
