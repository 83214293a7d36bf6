//! An offset as people name it.

/// An offset of a partition, as people name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetSpec {
    /// At the oldest record.
    Earliest,
    /// After the newest.
    Latest,
    /// At this offset.
    Offset(i64),
    /// So many records before the end.
    BeforeEnd(i64),
    /// At the first record of this time or later, in milliseconds since
    /// 1970-01-01 UTC; after the newest where all are older.
    Time(i64),
}
