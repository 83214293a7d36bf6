//! Where a partition begins: what its ledger says, against what Kafka says of
//! it. Nothing here asks anybody: the answers are given.
//!
//! Invariants: where it begins is inside of the partition; records are never
//! passed over without a word, and never by themselves unless the
//! configuration says `continue`.

use crate::config::{OnLoss, StartAt};
use crate::store::Ledger;

/// What the configuration says.
#[derive(Clone, Copy)]
pub(super) struct Policy {
    pub start: StartAt,
    pub lost_records: OnLoss,
    pub remade_topic: OnLoss,
}

impl Policy {
    /// Nothing is passed over.
    pub fn halting(start: StartAt) -> Policy {
        Policy {
            start,
            lost_records: OnLoss::Halt,
            remade_topic: OnLoss::Halt,
        }
    }
}

/// What is known.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub ledger: Option<Ledger>,
    /// The partition's first offset, and the one after its last.
    pub low: i64,
    pub high: i64,
    /// What the group committed to Kafka: matters only where there is no ledger.
    pub committed: Option<i64>,
    /// Empty where Kafka gives none.
    pub topic_id: String,
    pub cluster_id: String,
}

/// How to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// Where this ledger stands.
    GoOn(Ledger),
    /// This ledger is written first, in place of the one that was read.
    Write {
        ledger: Ledger,
        /// What is to be said about it, and how many records are passed over
        /// that are in nobody's stream, where that is known.
        loss: Option<(String, u64)>,
    },
    /// Not at all.
    Halt(String),
}

impl Facts {
    /// Whether the ledger is of another topic, or cluster, of the same name:
    /// its offsets and the partition's have nothing to do with one another.
    pub fn is_another(&self) -> bool {
        self.ledger.as_ref().is_some_and(|ledger| {
            other(&ledger.cluster_id, &self.cluster_id) || other(&ledger.topic_id, &self.topic_id)
        })
    }

    /// What follows from them.
    pub fn judge(self, policy: Policy) -> Opening {
        let Some(ledger) = self.ledger.clone() else {
            return self.first(policy.start);
        };
        let next = ledger.next;
        let Facts { low, high, .. } = self;
        if other(&ledger.cluster_id, &self.cluster_id) {
            let (known, now) = (&ledger.cluster_id, &self.cluster_id);
            let why = format!("its ledger is of the Kafka cluster {known}, and this is {now}");
            return self.anew(policy, why);
        }
        if other(&ledger.topic_id, &self.topic_id) {
            let why = "the topic was deleted and made anew since its ledger was written".into();
            return self.anew(policy, why);
        }
        if next > high {
            let why = format!("its ledger is at offset {next}, past the partition's end at {high}");
            // The same topic, so its end was cut off; else it may be another.
            return match ledger.topic_id.is_empty() {
                true => self.anew(
                    policy,
                    format!("{why}: the topic was made anew, or lost records"),
                ),
                false => self.lost(policy, high, 0, format!("{why}: Kafka lost records")),
            };
        }
        if next < low {
            let why = format!(
                "its ledger is at offset {next}, and retention has removed everything before {low}"
            );
            return self.lost(policy, low, low.abs_diff(next), why);
        }
        let named = Ledger {
            topic_id: known(&ledger.topic_id, &self.topic_id),
            cluster_id: known(&ledger.cluster_id, &self.cluster_id),
            ..ledger.clone()
        };
        match named == ledger {
            true => Opening::GoOn(ledger),
            false => Opening::Write {
                ledger: named,
                loss: None,
            },
        }
    }

    fn first(self, start: StartAt) -> Opening {
        let Facts {
            low,
            high,
            committed,
            ..
        } = self;
        let next = self.beginning(start);
        let loss = committed.filter(|committed| *committed != next).map(|c| {
            let passed = next.saturating_sub(c.max(low)).max(0).unsigned_abs();
            let said = format!(
                "there is no ledger, though the group has committed offset {c} to Kafka: Redis \
                 lost it, or the group was another program's; beginning at offset {next} of \
                 {low} to {high}"
            );
            (said, passed)
        });
        Opening::Write {
            ledger: self.ledger_at(next),
            loss,
        }
    }

    fn beginning(&self, start: StartAt) -> i64 {
        let inside = |offset: &i64| (self.low..=self.high).contains(offset);
        match start {
            StartAt::Earliest => self.low,
            StartAt::Latest => self.high,
            StartAt::Committed => self.committed.filter(inside).unwrap_or(self.low),
        }
    }

    /// A ledger that stands there, of this topic and cluster.
    pub fn ledger_at(&self, next: i64) -> Ledger {
        Ledger {
            next,
            topic_id: self.topic_id.clone(),
            cluster_id: self.cluster_id.clone(),
            ..Ledger::default()
        }
    }

    /// The partition is another than the ledger's.
    fn anew(self, policy: Policy, why: String) -> Opening {
        if policy.remade_topic == OnLoss::Halt {
            return Opening::Halt(why);
        }
        let next = self.beginning(policy.start);
        Opening::Write {
            ledger: self.ledger_at(next),
            loss: Some((format!("{why}; beginning at offset {next}"), 0)),
        }
    }

    /// It is the ledger's, but not all of it is there.
    fn lost(self, policy: Policy, next: i64, records: u64, why: String) -> Opening {
        if policy.lost_records == OnLoss::Halt {
            return Opening::Halt(why);
        }
        Opening::Write {
            ledger: self.ledger_at(next),
            loss: Some((format!("{why}; going on at offset {next}"), records)),
        }
    }
}

/// Whether two IDs are known, and not the same.
pub(super) fn other(known: &str, now: &str) -> bool {
    !known.is_empty() && !now.is_empty() && known != now
}

fn known(known: &str, now: &str) -> String {
    if now.is_empty() { known } else { now }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOW: i64 = 10;
    const HIGH: i64 = 20;
    const STARTS: [StartAt; 3] = [StartAt::Earliest, StartAt::Latest, StartAt::Committed];
    const ON_LOSS: [OnLoss; 2] = [OnLoss::Halt, OnLoss::Continue];

    fn ledgers() -> Vec<Option<Ledger>> {
        let mut all = vec![None];
        for next in [5, LOW, 15, HIGH, 25] {
            for topic_id in ["", "same", "other"] {
                for cluster_id in ["", "same", "other"] {
                    all.push(Some(Ledger {
                        next,
                        topic_id: topic_id.into(),
                        cluster_id: cluster_id.into(),
                        digests: "d".into(),
                        attempts: 3,
                    }));
                }
            }
        }
        all
    }

    /// Every combination of what may be known and configured.
    fn each(check: impl Fn(&Facts, Policy, &Opening)) {
        for ledger in ledgers() {
            for committed in [None, Some(5), Some(12), Some(25)] {
                for (topic_id, cluster_id) in [("", ""), ("same", "same")] {
                    let facts = Facts {
                        ledger: ledger.clone(),
                        low: LOW,
                        high: HIGH,
                        committed,
                        topic_id: topic_id.into(),
                        cluster_id: cluster_id.into(),
                    };
                    for start in STARTS {
                        for lost_records in ON_LOSS {
                            for remade_topic in ON_LOSS {
                                let policy = Policy {
                                    start,
                                    lost_records,
                                    remade_topic,
                                };
                                check(&facts, policy, &facts.clone().judge(policy));
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn it_begins_inside_of_the_partition_or_not_at_all() {
        each(|facts, _, opening| match opening {
            Opening::Halt(_) => {}
            Opening::GoOn(ledger) | Opening::Write { ledger, .. } => {
                assert!(
                    (LOW..=HIGH).contains(&ledger.next),
                    "{facts:?}: {opening:?}"
                );
            }
        });
    }

    #[test]
    fn a_ledger_that_fits_is_gone_on_from_and_keeps_what_it_knows() {
        each(|facts, _, opening| {
            let Some(ledger) = &facts.ledger else { return };
            let fits = (LOW..=HIGH).contains(&ledger.next)
                && (facts.topic_id.is_empty() || ledger.topic_id != "other")
                && (facts.cluster_id.is_empty() || ledger.cluster_id != "other");
            let there = match opening {
                Opening::GoOn(there) => Some(there),
                Opening::Write { ledger, loss: None } => Some(ledger),
                _ => None,
            };
            assert_eq!(there.is_some(), fits, "{facts:?}: {opening:?}");
            if let Some(there) = there {
                assert_eq!((there.next, there.attempts), (ledger.next, 3));
            }
        });
    }

    #[test]
    fn records_are_passed_over_only_where_the_configuration_says_so_and_with_a_word() {
        each(|facts, policy, opening| {
            let (
                Some(ledger),
                Opening::Write {
                    loss: Some((said, _)),
                    ..
                },
            ) = (&facts.ledger, opening)
            else {
                return;
            };
            let remade = said.contains("anew") || said.contains("cluster");
            let allowed = if remade {
                policy.remade_topic
            } else {
                policy.lost_records
            };
            assert_eq!(allowed, OnLoss::Continue, "{ledger:?}: {said}");
        });
    }

    #[test]
    fn without_a_ledger_the_configured_start_counts_and_a_commit_is_spoken_of() {
        each(|facts, policy, opening| {
            let (None, Opening::Write { ledger, loss }) = (&facts.ledger, opening) else {
                assert!(facts.ledger.is_some(), "{opening:?}");
                return;
            };
            let start = match (policy.start, facts.committed) {
                (StartAt::Latest, _) => HIGH,
                (StartAt::Committed, Some(12)) => 12,
                _ => LOW,
            };
            assert_eq!(ledger.next, start);
            let differs = facts.committed.is_some_and(|committed| committed != start);
            assert_eq!(loss.is_some(), differs, "{facts:?}");
        });
    }
}
