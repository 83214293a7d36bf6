//! The frames of a page, each encoded once for all connections at its place.

use super::frame::{self, Frame};
use crate::record::Entry;
use std::sync::OnceLock;

/// The frames of a page's entries, encoded when first needed.
pub(super) struct Frames(Box<[Both]>);

#[derive(Default)]
struct Both {
    /// For connections with one stream: the entry's id is theirs.
    with_id: OnceLock<Frame>,
    /// For connections with groups, whose ids differ.
    without_id: OnceLock<Frame>,
}

impl Frames {
    pub fn of(entries: &[Entry]) -> Frames {
        Frames(entries.iter().map(|_| Both::default()).collect())
    }

    pub fn with_id(&self, index: usize, entry: &Entry) -> &Frame {
        let encode = || frame::event_with_id(entry);
        self.0[index].with_id.get_or_init(encode)
    }

    pub fn without_id(&self, index: usize, entry: &Entry) -> &Frame {
        self.0[index].without_id.get_or_init(|| frame::event(entry))
    }
}
