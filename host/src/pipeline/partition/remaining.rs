//! The records of a batch that are still to be prepared.

use crate::pipeline::decode::Decoded;
use crate::plugin::{End, Made};
use crate::record::Batch;
use std::sync::Arc;

/// Records of a batch that are still to be prepared.
#[derive(Clone)]
pub(in crate::pipeline) struct Remaining {
    pub batch: Arc<Batch>,
    /// Where it must be decoded: a part of it, decoded.
    pub decoded: Option<Arc<Decoded>>,
    /// The index of the first record.
    pub from: usize,
    /// How often the first record was tried.
    pub attempts: u32,
    /// How many records a plugin's first call may get.
    pub pace: usize,
    /// How many records the next turn may take: fewer than all after a record failed
    /// that had written values, since all behind it ran in vain.
    pub most: usize,
    /// How far new plugins were tried on them.
    pub trial: Trial,
}

/// How far new plugins were tried on records without a decision: too many fail, and
/// the breaker has not seen enough records to judge.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::pipeline) enum Trial {
    /// Not at all.
    #[default]
    None,
    /// Up to this index.
    Until(usize),
    /// On all records of the batch: their results count.
    Over,
}

impl Remaining {
    /// All of a batch.
    pub fn of(batch: Batch, attempts: u32) -> Remaining {
        Remaining {
            batch: Arc::new(batch),
            decoded: None,
            from: 0,
            attempts,
            pace: usize::MAX,
            most: usize::MAX,
            trial: Trial::None,
        }
    }

    /// The index after the last record of the next turn.
    pub fn end(&self) -> usize {
        let end = self.unseen().saturating_add(self.most);
        end.min(self.input().records.len())
    }

    /// The records as plugins get them. Those that are not decoded yet are missing at the end.
    pub fn input(&self) -> &Batch {
        let decoded = self.decoded.as_ref();
        decoded.map_or(&*self.batch, |decoded| &decoded.batch)
    }

    /// The same records, with pace and trial reset.
    pub fn anew(&self) -> Remaining {
        Remaining {
            pace: usize::MAX,
            most: usize::MAX,
            trial: Trial::None,
            ..self.clone()
        }
    }

    /// The records from index `from` on. The attempts are kept if the first record is
    /// the same.
    pub fn after(&self, from: usize) -> Remaining {
        let attempts = if from == self.from { self.attempts } else { 0 };
        Remaining {
            from,
            attempts,
            ..self.clone()
        }
    }

    /// The records to process again if the results of this turn are not to be decided
    /// yet: new plugins that fail on most of a few records are first tried on more of
    /// them.
    pub fn tried(&self, made: &Made, unsure: bool) -> Option<Remaining> {
        let is_cut = made.end < self.batch.records.len();
        let trial = match self.trial {
            Trial::Over => return None,
            Trial::None if !(unsure && matches!(made.ended, End::Spent)) => return None,
            _ if unsure && is_cut => Trial::Until(made.end),
            _ if unsure => Trial::Over,
            // They can be decided after all, from the first on.
            _ => Trial::None,
        };
        Some(Remaining {
            pace: 1,
            trial,
            ..self.clone()
        })
    }

    /// The index of the first record that the plugins have not seen.
    pub fn unseen(&self) -> usize {
        match self.trial {
            Trial::Until(index) => index,
            Trial::None | Trial::Over => self.from,
        }
    }
}

/// How many records the first call of the next turn may get.
pub(in crate::pipeline) fn pace_after(ended: &End, decided: usize) -> usize {
    match ended {
        End::Spent => 1,
        End::Full => decided.max(1),
        End::Whole | End::Undone | End::Dropped | End::NoInstance(_) => usize::MAX,
    }
}

/// How many records the next turn may take.
pub(in crate::pipeline) fn most_after(ended: &End, decided: usize, most: usize) -> usize {
    match ended {
        End::Undone => decided.max(1),
        _ => most.saturating_mul(2),
    }
}
