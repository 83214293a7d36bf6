//! What the model breaks on purpose, and how large it is.

/// With three, and a crash, a break and a restore in any order, there are four
/// million worlds: all good as well, but too long for every run of the tests.
pub(super) const RECORDS: usize = 2;

/// What is broken on purpose.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    None,
    /// The ledger is not watched.
    NoWatch,
    /// After a lost answer the transaction is sent again without a look.
    BlindRetry,
    /// The transaction is sent whatever the look said.
    NoCheck,
    /// The ledger moves first, the events after it.
    LedgerFirst,
    /// MULTI rides with the transaction, so that a server which refuses it runs
    /// the rest bare.
    BareRun,
    /// A connection inside MULTI is looked on without DISCARD: WATCH errs, and
    /// that is not seen.
    WatchInside,
    /// Likewise, and the read that was queued shifts the replies of EXEC.
    Shifted,
    /// What permissions kept from being done is taken for stored.
    TornIsDone,
    /// A torn transaction is sent again as a whole.
    TornAgain,
    /// A lost answer is not followed by a look for the events.
    NoLookForEvents,
}
