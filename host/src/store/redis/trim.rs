//! How exactly a stream is trimmed.

/// How exactly a stream is trimmed. `~` is cheaper, but keeps up to a node of 100
/// entries more: a tenth of 1,000, but far too many for a limit of 10.
pub(super) fn nearly(max_events: u64) -> &'static str {
    if max_events < 1000 { "=" } else { "~" }
}
