//! The records of a batch that are still to be prepared.

use crate::plugin::{End, Made};
use crate::record::Batch;
use std::sync::Arc;

/// Records of a batch that are still to be planned.
#[derive(Clone)]
pub(in crate::pipeline) struct Remaining {
    pub batch: Arc<Batch>,
    /// The index of the first.
    pub from: usize,
    /// How often that one was tried.
    pub attempts: u32,
    /// How many of them a plugin's first call may have.
    pub pace: usize,
    /// How far new plugins were only tried on them.
    pub trial: Trial,
}

/// How far new plugins were tried on records, with nothing of it decided: too
/// many fail, and the breaker has not seen enough of them.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::pipeline) enum Trial {
    /// Not at all.
    #[default]
    None,
    /// Up to this index.
    Until(usize),
    /// On all there are: what they make of them holds.
    Over,
}

impl Remaining {
    /// All of a batch.
    pub fn of(batch: Batch, attempts: u32) -> Remaining {
        Remaining {
            batch: Arc::new(batch),
            from: 0,
            attempts,
            pace: usize::MAX,
            trial: Trial::None,
        }
    }

    /// The same, of which nothing is known yet.
    pub fn anew(&self) -> Remaining {
        Remaining {
            pace: usize::MAX,
            trial: Trial::None,
            ..self.clone()
        }
    }

    /// Those from index `from` on; of the first of these it is known how often
    /// it was tried.
    pub fn after(&self, from: usize) -> Remaining {
        let attempts = if from == self.from { self.attempts } else { 0 };
        Remaining {
            from,
            attempts,
            ..self.clone()
        }
    }

    /// What to do with them instead of deciding what a turn made of them, if
    /// that is not to be decided: new plugins that fail on too many of too few
    /// are tried on more of them first.
    pub fn tried(&self, made: &Made, unsure: bool) -> Option<Remaining> {
        let is_cut = made.end < self.batch.records.len();
        let trial = match self.trial {
            Trial::Over => return None,
            Trial::None if !(unsure && matches!(made.ended, End::Spent)) => return None,
            _ if unsure && is_cut => Trial::Until(made.end),
            _ if unsure => Trial::Over,
            // They may be decided after all, from the first on.
            _ => Trial::None,
        };
        Some(Remaining {
            pace: 1,
            trial,
            ..self.clone()
        })
    }

    /// The index of the first that the plugins have not seen.
    pub fn unseen(&self) -> usize {
        match self.trial {
            Trial::Until(index) => index,
            Trial::None | Trial::Over => self.from,
        }
    }
}

/// How many records the next turn's first call may have.
pub(in crate::pipeline) fn pace_after(ended: &End, decided: usize) -> usize {
    match ended {
        End::Spent => 1,
        End::Full => decided.max(1),
        End::Whole | End::Dropped | End::NoInstance(_) => usize::MAX,
    }
}
