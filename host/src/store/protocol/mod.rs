//! The ledger protocol: what one append requests from the store, and what follows
//! from each answer.
//!
//! It has no I/O: it knows no connection and no clock. A writer carries out its
//! steps and reports the answers. The model test runs them against every order of
//! crashes, lost answers and other owners.
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
//! 1. The events of every record before the ledger's `next` are stored exactly
//!    once, and those of no later record. So only [`execute`] may store events:
//!    its events and ledger are one transaction.
//! 2. `MULTI` ends a look, and its answer is read with the look's: whatever is
//!    sent after it is inside a transaction. So a server that refuses `MULTI`
//!    gets no command that would run outside a transaction. Anything else on that
//!    connection is sent only after `DISCARD` was answered, but for another look,
//!    which changes nothing: where `DISCARD` is refused, the look is never executed.
//! 3. A transaction is sent only after a look on the same connection found the
//!    ledger at `expected`, with no other command of that connection in between:
//!    any other write since then, by any client, makes it fail. It always writes
//!    the ledger, even one that is at `next` already, so that no two transactions
//!    can execute after one look.
//! 4. A lost answer leaves the append *unverified*, over all its tries. The next look reads the
//!    events themselves, watching their streams: those that are stored are not sent again, all
//!    others are, whether the ledger has moved or not.
//! 5. `EXEC` does not roll back. If a problem of the server (changed permissions)
//!    prevents one command of a transaction, the append is *torn*: the next try
//!    does only what was not done. If the ledger moved and no event was stored,
//!    the ledger is taken back first, so that a crash at that point loses
//!    nothing.
//! 6. A look-ahead behind another transaction may be outdated: if it found the
//!    ledger at another position, the ledger is read again before that is
//!    reported.
//!
//! [`execute`]: AfterLook::Execute

#[cfg(test)]
mod model;

use super::Unstored;

/// The state of one append, over all its tries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Exchange {
    /// The ledger's expected position.
    pub expected: i64,
    /// The ledger's position afterwards.
    pub next: i64,
    /// Since when, by the store's clock, a transaction of this append may be
    /// stored whose answer was lost.
    unverified: Option<u64>,
    /// A try moved the ledger and left something undone.
    moved: bool,
    /// A try left commands undone, events or others.
    torn: bool,
    /// The events that are left to store, by index; `None` until a try may have
    /// stored some.
    rest: Option<Vec<usize>>,
    /// A try stored some events.
    some_stored: bool,
    /// The events that earlier tries reported as not stored.
    told: Unstored,
    /// It has something that a look can't check: values.
    unseen: bool,
}

/// What follows from a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterLook {
    /// Send the transaction on the look's connection.
    Execute,
    /// Look again, now.
    Look,
    /// An earlier try stored it.
    Stored,
    /// The ledger has another position: we store nothing of this append.
    Moved,
}

/// The result of a transaction that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Executed {
    /// It was executed, except for these events.
    Done(Unstored),
    /// It was executed in part: the server has a problem.
    Torn {
        /// The events that may still be stored.
        missing: Vec<usize>,
        /// The events that will not be stored.
        unstored: Unstored,
        /// Whether the ledger is at `next`.
        moved: bool,
    },
    /// It was not executed: a watched key had changed.
    Conflict,
    /// It was not executed: the server refused it.
    Refused,
    /// The answer was lost. The connection must not be used again. Anything it
    /// stored is from this time or later, by the store's clock.
    Lost(u64),
}

/// What follows from the result of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterExecute {
    /// The append is stored.
    Stored,
    /// Look again, now.
    Look,
    /// Look again after a pause: the server has a problem.
    Later,
    /// Look again after a pause, but take the ledger back first: it passed events
    /// that are not stored.
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
            unseen: false,
        }
    }

    /// The same, of an append with values: no look finds out whether they are
    /// stored. They are written again, which changes nothing.
    pub fn with_values(self, any: bool) -> Exchange {
        Exchange {
            unseen: any,
            ..self
        }
    }

    /// The events that this try must store, by index; `None` while that is all
    /// new events.
    pub(super) fn rest(&self) -> Option<&[usize]> {
        self.rest.as_deref()
    }

    /// The events that a look must check, and since when: a try may have stored
    /// them.
    pub(super) fn unverified(&self) -> Option<(u64, &[usize])> {
        self.unverified.zip(self.rest.as_deref())
    }

    /// Records that a look found these unverified events stored.
    pub(super) fn found(&mut self, stored: &[usize]) {
        if let Some(rest) = &mut self.rest {
            rest.retain(|event| !stored.contains(event));
        }
        self.some_stored |= !stored.is_empty();
    }

    /// A look found the ledger at `next`, or none; `ahead` if it was a look-ahead
    /// behind an earlier transaction.
    pub(super) fn looked(&self, next: Option<i64>, ahead: bool) -> AfterLook {
        let seen = !self.torn && !self.unseen;
        let done = seen && self.rest.as_ref().is_some_and(Vec::is_empty);
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

    /// A transaction with the events `sent` had this result.
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

    /// The ledger was taken back: the state is as before the first try.
    pub(super) fn taken_back(&mut self) {
        self.moved = false;
    }

    fn note(&mut self, unstored: Unstored) {
        self.told.refused.extend(unstored.refused);
        self.told.dropped.extend(unstored.dropped);
    }

    /// The events that are not stored, over all tries.
    pub(super) fn unstored(&mut self) -> Unstored {
        std::mem::take(&mut self.told)
    }

    /// How many events are in no stream although the ledger has passed them.
    pub fn passed_over(&self) -> usize {
        match self.moved {
            true => self.rest.as_ref().map_or(0, Vec::len),
            false => 0,
        }
    }
}
