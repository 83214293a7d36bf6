//! What of a batch a store would not take.

/// An event that the store would not take: the rest of its batch is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Refusal {
    /// Its index in [`Append::events`](super::Append::events).
    pub event: usize,
    /// What the store said.
    pub message: String,
}

/// What of an append is not in the store, where the rest of it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Unstored {
    /// The events that the store would not take.
    pub refused: Vec<Refusal>,
    /// Indices in [`Append::events`](super::Append::events) of those whose task had ended.
    pub dropped: Vec<usize>,
}

impl Unstored {
    /// The indices of all of them.
    pub fn indices(&self) -> impl Iterator<Item = usize> {
        let refused = self.refused.iter().map(|refusal| refusal.event);
        refused.chain(self.dropped.iter().copied())
    }
}
