//! The flaws that the model introduces on purpose, and the model's size.

/// The number of records. With three, and a crash, a break and a restore in any
/// order, there are four million worlds: all correct, but too slow for every test
/// run.
pub(super) const RECORDS: usize = 2;

/// A flaw that is introduced on purpose.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    None,
    /// The ledger is not watched.
    NoWatch,
    /// After a lost answer the transaction is sent again without a look.
    BlindRetry,
    /// The transaction is sent whatever the look found.
    NoCheck,
    /// The ledger moves first, the events after it.
    LedgerFirst,
    /// MULTI is sent with the transaction, so a server that refuses it runs the
    /// rest outside a transaction.
    BareRun,
    /// A connection inside MULTI is used for a look without DISCARD: WATCH fails,
    /// and the failure is ignored.
    WatchInside,
    /// The same, and the queued read shifts the replies of EXEC.
    Shifted,
    /// Commands that permissions prevented are counted as stored.
    TornIsDone,
    /// A torn transaction is sent again as a whole.
    TornAgain,
    /// After a lost answer the events are not looked up.
    NoLookForEvents,
}
