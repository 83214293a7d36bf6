//! How exactly a stream is cut.

/// How exactly a stream is cut: `~` is cheaper, and keeps up to a node of 100
/// entries more: a tenth of a thousand, and far too many of ten.
pub(super) fn nearly(max_events: u64) -> &'static str {
    if max_events < 1000 { "=" } else { "~" }
}
