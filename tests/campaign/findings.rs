//! The findings of a check.

use std::fmt::{Display, Formatter, Result};

/// How many findings are printed one by one.
const TOLD: usize = 20;

/// The possible faults of an event or a letter, in the report's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    Lost,
    Doubled,
    OutOfOrder,
    WrongClient,
    WrongPayload,
    WrongVersion,
    /// An event without a record, or of a malformed one.
    StrayEvent,
    LetterMissing,
    LetterDamaged,
    /// A letter without a record, or of a well-formed one.
    StrayLetter,
}

pub const FLAWS: [(Flaw, &str); 10] = [
    (Flaw::Lost, "lost"),
    (Flaw::Doubled, "doubled"),
    (Flaw::OutOfOrder, "out of order"),
    (Flaw::WrongClient, "wrong client"),
    (Flaw::WrongPayload, "wrong payload"),
    (Flaw::WrongVersion, "wrong version"),
    (Flaw::StrayEvent, "stray events"),
    (Flaw::LetterMissing, "dead letters missing"),
    (Flaw::LetterDamaged, "dead letters damaged"),
    (Flaw::StrayLetter, "stray dead letters"),
];

#[derive(Default)]
pub struct Findings {
    pub events: u64,
    pub letters: u64,
    /// Letters beyond a record's first: allowed, but reported.
    pub copies: u64,
    counts: [u64; FLAWS.len()],
    first: Vec<String>,
}

impl Findings {
    pub fn add(&mut self, flaw: Flaw, what: impl Display) {
        self.counts[flaw as usize] += 1;
        if self.first.len() < TOLD {
            self.first
                .push(format!("{}: {what}", FLAWS[flaw as usize].1));
        }
    }

    pub fn count(&self, flaw: Flaw) -> u64 {
        self.counts[flaw as usize]
    }

    pub fn flaws(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// The first findings, a line each.
impl Display for Findings {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(&self.first.join("\n"))
    }
}
