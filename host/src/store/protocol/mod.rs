//! The ledger protocol: what one append asks of the store, and what follows
//! from each answer.
//!
//! Pure: it knows no connection and no clock. A writer carries out its steps
//! and tells it the answers; the model test beside it carries them out against
//! every order of crashes, lost answers and other owners.
//!
//! ```text
//!           ┌────────── conflict ──────────┐
//!           ▼                              │
//! look (WATCH, read) ── stands there ─→ execute (MULTI … EXEC) ─→ stored
//!           │                              │
//!           │ elsewhere                    │ answer lost: doubt, look again
//!           ▼                              ▼
//!   moved; or, in doubt and at `next`: stored
//! ```
//!
//! Invariants, for whatever happens to owners, connections and the server:
//!
//! 1. Of every record before the ledger's `next` the events are stored once,
//!    and of no record from there on. So nobody may store but by [`execute`],
//!    whose events and ledger are one transaction.
//! 2. A transaction is sent only after a look on the same connection found the
//!    ledger at `expected`, with nothing of that connection in between: any
//!    other write since then, by whomever, makes it fail.
//! 3. An answer that did not come is *doubt*, and doubt stays with the append
//!    until a look ends it: at `expected` it was not stored (and if it still
//!    comes late, 2 makes one of the two fail); at `next` it was.
//! 4. A look that rode behind another transaction may be old: a ledger that it
//!    found elsewhere is looked at anew before that is told.
//!
//! [`execute`]: AfterLook::Execute

#[cfg(test)]
mod model;

/// One append's standing, over all its tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exchange {
    /// Where the ledger must stand.
    pub expected: i64,
    /// Where it stands after.
    pub next: i64,
    /// A transaction of this append was sent whose answer never came.
    doubt: bool,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Executed {
    /// It was executed.
    Done,
    /// It was not: a watched key had changed.
    Conflict,
    /// It was not: the server would not.
    Refused,
    /// No answer came. The connection must not be used again.
    Lost,
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
}

impl Exchange {
    /// An append that was not tried yet.
    pub fn new(expected: i64, next: i64) -> Exchange {
        Exchange {
            expected,
            next,
            doubt: false,
        }
    }

    /// A look found the ledger at `next`, or none; `ahead` if it rode behind
    /// an earlier transaction.
    pub(super) fn looked(&self, next: Option<i64>, ahead: bool) -> AfterLook {
        if next == Some(self.expected) {
            AfterLook::Execute
        } else if ahead {
            AfterLook::Look
        } else if self.doubt && next == Some(self.next) {
            AfterLook::Stored
        } else {
            AfterLook::Moved
        }
    }

    /// A transaction was sent, and this is known of it.
    pub(super) fn executed(&mut self, executed: Executed) -> AfterExecute {
        match executed {
            Executed::Done => AfterExecute::Stored,
            Executed::Conflict => AfterExecute::Look,
            Executed::Refused => AfterExecute::Later,
            Executed::Lost => {
                self.doubt = true;
                AfterExecute::Later
            }
        }
    }
}
