//! Finds records that are replays, and where they were first.

use crate::pipeline::headers::SOURCE;
use crate::record::Batch;
use std::collections::HashMap;
use std::ops::Range;

/// The longest valid source: the name of a topic and three numbers.
const SOURCE_MAX: usize = 512;

/// Where these records were first, for those with a source header.
pub(in crate::pipeline) fn replays(batch: &Batch, records: Range<usize>) -> HashMap<u32, String> {
    let source = |record: usize| {
        let source = source_in(batch.view(record).headers())?;
        Some((record as u32, source.to_string()))
    };
    records.filter_map(source).collect()
}

/// Where a record was first, if its headers say so.
pub(in crate::pipeline) fn source_in<'a>(
    mut headers: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
) -> Option<&'a str> {
    let (_, source) = headers.find(|(name, _)| *name == SOURCE.as_bytes())?;
    let source = std::str::from_utf8(source?).ok()?;
    let fits = (1..=SOURCE_MAX).contains(&source.len()) && !source.contains(char::is_control);
    fits.then_some(source)
}
