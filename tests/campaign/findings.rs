//! What a check found.

use std::fmt::{Display, Formatter, Result};

/// How many are told one by one.
const TOLD: usize = 20;

/// What may be wrong with an event or a letter. Their order is that of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    Lost,
    Doubled,
    OutOfOrder,
    WrongClient,
    WrongPayload,
    WrongVersion,
    /// An event of no record, or of one that is malformed.
    StrayEvent,
    LetterMissing,
    LetterDamaged,
    /// A letter of no record, or of one that is good.
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
    /// Letters beyond a record's first: legal, and told.
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

/// The first of them, a line each.
impl Display for Findings {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(&self.first.join("\n"))
    }
}
