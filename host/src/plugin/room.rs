//! How much the answers for one batch may come to.
//!
//! Counted is what an answer means, not what it holds: each of ten thousand
//! events may name the same MiB. Since batches are cut as the host likes, what a
//! record may make does not depend on the others. The answers themselves are kept
//! whole, so what they hold is counted as well, apart: most of it may be named by
//! nothing.

use super::guest::CallError;
use crate::record::Class;

/// Events that one record may become.
pub(super) const EVENTS_PER_RECORD: usize = 1000;

/// Events of one batch, which are one transaction in the store: it serves nobody
/// else meanwhile, and has each of them in a few microseconds.
const EVENTS: usize = 10_000;

/// What an event costs on its way beside its bytes: numbers here, a command in
/// the store.
pub(super) const EVENT: usize = 256;

/// What a header costs likewise.
pub(super) const HEADER: usize = 64;

/// What the outputs of a batch may take, and do.
pub(super) struct Room {
    output: usize,
    bytes: usize,
    events: usize,
    /// The bytes of the answers that are kept.
    held: usize,
}

/// What the outputs of one record take.
#[derive(Clone, Copy, Default)]
pub(super) struct Size {
    pub events: usize,
    pub bytes: usize,
}

/// Whether there was room.
pub(super) enum Taken {
    Yes,
    /// The batch is full; the record is for the next one.
    Full,
    /// It never has room.
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

    /// Whether an answer of so many bytes can be kept beside those that are. The
    /// first one always can: one answer is bounded by what a call may hand over.
    pub fn hold(&mut self, bytes: usize) -> bool {
        let fits = self.held == 0 || self.held + bytes <= self.output;
        if fits {
            self.held += bytes;
        }
        fits
    }

    /// Takes what a record's outputs need.
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

    /// Whether it is no use to ask for more.
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
    /// Adds what an event takes: its spans, however many share their bytes.
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
