//! Where the commands of a transaction are, so that their answers are found.

use std::ops::Range;

/// The positions of a transaction's commands; its events come first.
#[derive(Clone, Copy, Default)]
pub(super) struct CommandPlaces {
    pub events: usize,
    /// The command that moves the ledger, or its replacement.
    pub ledger: usize,
    /// From here on commands may be refused: the next append makes up for them.
    pub spare: Option<usize>,
    /// The ring, which may be refused: the next ring makes up for it.
    pub rung: Rung,
}

/// The positions of a ring's commands in a transaction: from `first`, PUBLISH if
/// it is there, then those for the key.
#[derive(Clone, Copy, Default)]
pub(super) struct Rung {
    first: usize,
    published: bool,
    written: usize,
}

impl Rung {
    pub fn new(first: usize, published: bool, written: usize) -> Rung {
        Rung {
            first,
            published,
            written,
        }
    }

    /// Whether it has a PUBLISH.
    pub fn is_published(self) -> bool {
        self.published
    }

    /// Whether it has a PUBLISH, and the key's XADD behind it.
    pub fn is_published_and_written(self) -> bool {
        self.published && self.written == 1
    }

    fn count(self) -> usize {
        usize::from(self.published) + self.written
    }

    /// The positions of these commands' answers among the `done` answers inside
    /// EXEC, which was the last of `sent` commands. Counted from the end, since
    /// MULTI may have been sent earlier.
    pub fn within(self, sent: usize, done: usize) -> Range<usize> {
        let first = (done + 1 + self.first).saturating_sub(sent);
        first..first + self.count()
    }

    /// The positions of these commands among those sent.
    pub fn queued(self) -> Range<usize> {
        self.first..self.first + self.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ring_answers_are_found_with_and_without_multi() {
        let rung = Rung::new(2, true, 1);
        // MULTI, XADD, the ring's two, HSET, EXEC.
        assert_eq!(rung.within(6, 4), 1..3);
        // MULTI was sent earlier.
        let rung = Rung { first: 1, ..rung };
        assert_eq!(rung.within(5, 4), 1..3);
    }
}
