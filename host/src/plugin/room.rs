//! Limits the size of the answers for one batch.
//!
//! It counts what an answer means, not what it holds: each of ten thousand
//! events may name the same MiB. Batches are cut arbitrarily, so a record's
//! limit does not depend on the other records. The answers are kept whole, so
//! their own bytes are counted too, separately: nothing may refer to most of
//! them.

use super::guest::CallError;
use crate::record::Class;

/// The most events of one record.
pub(super) const EVENTS_PER_RECORD: usize = 1000;

/// The most events of one batch. They are one transaction, which takes Redis a
/// few microseconds per event and blocks its other clients.
const EVENTS: usize = 10_000;

/// The cost of an event beside its bytes, in bytes.
pub(super) const EVENT: usize = 256;

/// The cost of a header beside its bytes.
pub(super) const HEADER: usize = 64;

/// The room for the outputs of one batch.
pub(super) struct Room {
    output: usize,
    bytes: usize,
    events: usize,
    /// The bytes of the answers that are kept.
    held: usize,
}

/// The size of one record's outputs.
#[derive(Clone, Copy, Default)]
pub(super) struct Size {
    pub events: usize,
    pub bytes: usize,
}

/// Whether there was room.
pub(super) enum Taken {
    Yes,
    /// The batch is full; the record is left for the next one.
    Full,
    /// The record exceeds the limit of any batch.
    Never(CallError),
}

impl Room {
    pub fn new(output: usize) -> Room {
        Room {
            output,
            bytes: 0,
            events: 0,
            held: 0,
        }
    }

    /// Whether an answer of `bytes` can be kept beside the others. The first
    /// one always can: the limit of a call bounds it.
    pub fn hold(&mut self, bytes: usize) -> bool {
        let fits = self.held == 0 || self.held + bytes <= self.output;
        if fits {
            self.held += bytes;
        }
        fits
    }

    /// Reserves room for a record's outputs.
    pub fn take(&mut self, size: Size) -> Taken {
        if let Some(error) = self.too_large(size) {
            return Taken::Never(error);
        }
        let (bytes, events) = (
            self.bytes.saturating_add(size.bytes),
            self.events + size.events,
        );
        if bytes > self.output || events > EVENTS {
            return Taken::Full;
        }
        (self.bytes, self.events) = (bytes, events);
        Taken::Yes
    }

    /// Whether too little room is left for another call.
    pub fn is_full(&self) -> bool {
        let half = self.output / 2;
        self.bytes > half || self.held > half || self.events > EVENTS / 2
    }

    fn too_large(&self, size: Size) -> Option<CallError> {
        let Size { events, bytes } = size;
        let message = if events > EVENTS_PER_RECORD {
            format!(
                "the plugin made {events} events from one record, at most {EVENTS_PER_RECORD} are allowed"
            )
        } else if bytes > self.output {
            let most = self.output;
            format!(
                "the plugin made {bytes} bytes of events or headers from one record, at most {most} are \
                 allowed (output)"
            )
        } else {
            return None;
        };
        Some(CallError::too_large(message))
    }
}

impl Size {
    /// Adds an event: its spans count in full, even if they share bytes.
    pub fn add_event(&mut self, lengths: impl IntoIterator<Item = usize>) {
        self.events += 1;
        self.bytes = lengths
            .into_iter()
            .fold(self.bytes.saturating_add(EVENT), usize::saturating_add);
    }
}

impl CallError {
    pub(super) fn too_large(message: String) -> CallError {
        CallError {
            class: Class::TooLarge,
            message,
            culprit: None,
        }
    }
}
