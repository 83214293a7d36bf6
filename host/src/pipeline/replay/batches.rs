//! Turns letters back into batches of records.

use super::triage::Chosen;
use crate::record::Batch;

/// Records of one partition, in the order of their offsets, and their letters.
pub(super) struct Restored {
    pub batch: Batch,
    pub letters: Vec<Chosen>,
}

/// Restores records, those of each partition in the order of the letters. Plugins
/// expect ascending offsets, so a batch ends where they don't ascend.
pub(super) fn restore(letters: Vec<Chosen>) -> Vec<Restored> {
    let mut restored: Vec<Restored> = Vec::new();
    for one in letters {
        let letter = &one.letter;
        let last = restored
            .iter_mut()
            .rfind(|of| of.batch.origin == letter.source);
        let before = |of: &Restored| of.batch.records.last().map_or(-1, |last| last.offset);
        let of = match last {
            Some(of) if before(of) < letter.source_offset => of,
            _ => {
                restored.push(Restored {
                    batch: Batch::new(letter.source.clone()),
                    letters: Vec::new(),
                });
                let Some(new) = restored.last_mut() else {
                    continue;
                };
                new
            }
        };
        let own = letter.own_headers();
        let headers = own
            .iter()
            .map(|(name, value)| (&name[..], value.as_deref()));
        let (key, value) = (letter.record.key.as_deref(), letter.record.value.as_deref());
        let (offset, time) = (letter.source_offset, letter.source_timestamp);
        of.batch.push(offset, time, key, value, headers);
        of.letters.push(one);
    }
    restored
}
