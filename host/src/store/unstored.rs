//! The events of a batch that a store does not store.

/// An event that the store refused; the rest of its batch is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Refusal {
    /// Its index in [`Append::events`](super::Append::events).
    pub event: usize,
    /// The store's error.
    pub message: String,
}

/// The events of an append that are not stored although the rest is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Unstored {
    /// The events that the store refused.
    pub refused: Vec<Refusal>,
    /// Indices in [`Append::events`](super::Append::events) of the events whose task had ended.
    pub dropped: Vec<usize>,
}

impl Unstored {
    /// The indices of all these events.
    pub fn indices(&self) -> impl Iterator<Item = usize> {
        let refused = self.refused.iter().map(|refusal| refusal.event);
        refused.chain(self.dropped.iter().copied())
    }
}
