//! An offset as users specify it.

/// An offset of a partition, as users specify it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetSpec {
    /// At the oldest record.
    Earliest,
    /// After the newest record.
    Latest,
    /// At this offset.
    Offset(i64),
    /// This many records before the end.
    BeforeEnd(i64),
    /// At the first record at or after this time, in milliseconds since
    /// 1970-01-01 UTC; after the newest record if all are older.
    Time(i64),
}
