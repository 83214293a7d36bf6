//! What of the table from types to JSON is a matter of taste.

/// How some types are written as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// 64-bit integers are strings, for readers whose numbers have 53 bits.
    pub longs_are_strings: bool,
    /// Dates and times are numbers in the unit of their schema, not text.
    pub timestamps_are_numbers: bool,
}
