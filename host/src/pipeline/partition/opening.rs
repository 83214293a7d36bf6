//! Decides where a partition starts, from its ledger and what Kafka says of the
//! partition. No I/O: the facts are passed in.
//!
//! Invariants: the start is inside the partition. Skipped records are always logged,
//! and records are skipped only if the configuration says `continue`.

use super::commit_mark as mark;
use crate::kafka::consumer::Commit;
use crate::pipeline::settings::{LostLedger, OnLoss, StartAt};
use crate::record::NO_TIME;
use crate::store::{Identity, Ledger};

/// The configured rules.
#[derive(Clone, Copy)]
pub(in crate::pipeline) struct Policy {
    pub start: StartAt,
    pub lost_records: OnLoss,
    pub remade_topic: OnLoss,
    pub lost_ledger: LostLedger,
    /// The transform's values are lost with the ledger.
    pub keeps_state: bool,
}

impl Policy {
    /// Halts instead of skipping records.
    pub fn halting(start: StartAt) -> Policy {
        Policy {
            start,
            lost_records: OnLoss::Halt,
            remade_topic: OnLoss::Halt,
            lost_ledger: LostLedger::Halt,
            keeps_state: false,
        }
    }
}

/// What is known of a partition.
#[derive(Clone, Debug)]
pub(in crate::pipeline) struct Facts {
    pub ledger: Option<Ledger>,
    /// The first available offset, and (`high`) the one after the last record.
    pub low: i64,
    pub high: i64,
    /// The group's committed offset in Kafka. Used only without a ledger.
    pub committed: Option<i64>,
    /// The commit is Millstream's, of this topic in this cluster, so a ledger
    /// existed.
    pub ours: bool,
    /// The partition was added after the group first read the topic.
    pub added: bool,
    /// Empty if Kafka has none.
    pub topic_id: String,
    pub cluster_id: String,
}

/// How a partition starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pipeline) enum Opening {
    /// At this ledger's offset.
    GoOn(Ledger),
    /// At this ledger's offset, after it is written in place of the one that was read.
    Write {
        ledger: Ledger,
        /// The values are of another topic's records.
        forget: bool,
        /// The message to log, and the number of skipped records that are in no
        /// stream, as far as known.
        loss: Option<(String, u64)>,
    },
    /// Not at all.
    Halt {
        /// Why.
        why: String,
        /// The offset spec at which an operator would most likely continue: for all
        /// halted partitions of the topic, so no number.
        to: &'static str,
    },
}

impl Facts {
    pub fn new(
        ledger: Option<Ledger>,
        (low, high): (i64, i64),
        committed: Option<&Commit>,
        identity: Identity,
    ) -> Facts {
        Facts {
            ledger,
            low,
            high,
            committed: committed.map(|commit| commit.next),
            ours: committed.is_some_and(|commit| mark::is_of(commit, &identity)),
            added: false,
            topic_id: identity.topic_id,
            cluster_id: identity.cluster_id,
        }
    }

    /// Whether the ledger belongs to another topic or cluster with the same name, so
    /// that its offset means nothing here.
    pub fn is_another(&self) -> bool {
        self.ledger.as_ref().is_some_and(|ledger| {
            other(&ledger.cluster_id, &self.cluster_id) || other(&ledger.topic_id, &self.topic_id)
        })
    }

    /// Whether the ledger belongs to another cluster, where a pipeline may still use it.
    pub fn is_of_another_cluster(&self) -> bool {
        let of = self.ledger.as_ref();
        of.is_some_and(|ledger| other(&ledger.cluster_id, &self.cluster_id))
    }

    /// Decides by the policy.
    pub fn judge(self, policy: Policy) -> Opening {
        let Some(ledger) = self.ledger.clone() else {
            return match (self.committed, self.ours) {
                (Some(committed), true) => self.without_ledger(policy, committed),
                _ => self.first(policy.start),
            };
        };
        let next = ledger.next;
        let Facts { low, high, .. } = self;
        if other(&ledger.cluster_id, &self.cluster_id) {
            let (known, now) = (&ledger.cluster_id, &self.cluster_id);
            let why = format!(
                "its ledger belongs to Kafka cluster {known}, and this is cluster {now}: give each cluster a \
                 separate key-prefix or group-id, or take over the ledger if the topic has moved here"
            );
            return Opening::Halt {
                why,
                to: "earliest",
            };
        }
        if other(&ledger.topic_id, &self.topic_id) {
            let why = "the topic was deleted and created again after its ledger was written".into();
            return self.anew(policy, why);
        }
        if next > high {
            let why =
                format!("its ledger is at offset {next}, past the end of the partition at {high}");
            // If the ledger has the topic's ID, it is the same topic and lost its end.
            return match ledger.topic_id.is_empty() {
                true => self.anew(
                    policy,
                    format!("{why}: the topic was created again or lost records"),
                ),
                false => {
                    let why = format!("{why}: Kafka lost records");
                    self.lost(policy, (high, "latest"), 0, why)
                }
            };
        }
        if next < low {
            let why = format!(
                "its ledger is at offset {next}, but retention removed everything before {low}"
            );
            return self.lost(policy, (low, "earliest"), low.abs_diff(next), why);
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
                forget: false,
                loss: None,
            },
        }
    }

    /// Redis has lost the ledger. It was at the commit's offset or a little
    /// further.
    fn without_ledger(self, policy: Policy, committed: i64) -> Opening {
        let Facts { low, high, .. } = self;
        let why = format!(
            "Redis lost the ledger, but Kafka has the group's commit at offset {committed}"
        );
        match policy.lost_ledger {
            LostLedger::Halt => Opening::Halt {
                why: match policy.keeps_state {
                    true => format!("{why}. The transform's values were lost with it"),
                    false => format!("{why}: lost-ledger = \"committed\" continues there"),
                },
                to: "earliest",
            },
            LostLedger::Start => self.first(policy.start),
            LostLedger::Committed if (low..=high).contains(&committed) => Opening::Write {
                ledger: self.ledger_at(committed),
                forget: false,
                loss: Some((
                    format!(
                        "{why}; continuing there. Events that were lost with their streams before \
                         clients read them are not made again: go back with `millstream offsets set`, \
                         or set lost-ledger = \"start\" to start at `start`"
                    ),
                    0,
                )),
            },
            LostLedger::Committed => {
                let next = committed.clamp(low, high);
                let why = format!("{why}, which is out of range (available: {low} to {high})");
                self.lost(
                    policy,
                    (next, if next == low { "earliest" } else { "latest" }),
                    low.saturating_sub(committed).max(0).unsigned_abs(),
                    why,
                )
            }
        }
    }

    fn first(self, start: StartAt) -> Opening {
        let Facts {
            low,
            high,
            committed,
            ours,
            ..
        } = self;
        let next = self.beginning(start);
        let loss = committed.filter(|committed| *committed != next).map(|c| {
            let whose = match ours {
                true => "",
                false => " (a commit of another program or an older version)",
            };
            let passed = next.saturating_sub(c.max(low)).max(0).unsigned_abs();
            let said = format!(
                "no ledger found, but the group has committed offset {c} to Kafka{whose}; \
                 starting at offset {next} (available: {low} to {high})"
            );
            (said, passed)
        });
        Opening::Write {
            ledger: self.ledger_at(next),
            forget: false,
            loss,
        }
    }

    fn beginning(&self, start: StartAt) -> i64 {
        let inside = |offset: &i64| (self.low..=self.high).contains(offset);
        match start {
            StartAt::Earliest => self.low,
            // All of its records are newer than the pipeline.
            StartAt::Latest if self.added => self.low,
            StartAt::Latest => self.high,
            StartAt::Committed => self.committed.filter(inside).unwrap_or(self.low),
        }
    }

    /// A ledger at this offset, for this topic and cluster, with the time of the one
    /// before.
    pub fn ledger_at(&self, next: i64) -> Ledger {
        Ledger {
            next,
            topic_id: self.topic_id.clone(),
            cluster_id: self.cluster_id.clone(),
            clock: self.ledger.as_ref().map_or(NO_TIME, |ledger| ledger.clock),
            ..Ledger::default()
        }
    }

    /// The topic was created again: the ledger is of the earlier one.
    fn anew(self, policy: Policy, why: String) -> Opening {
        if policy.remade_topic == OnLoss::Halt {
            return Opening::Halt {
                why,
                to: "earliest",
            };
        }
        let next = self.beginning(policy.start);
        Opening::Write {
            ledger: Ledger {
                clock: NO_TIME,
                ..self.ledger_at(next)
            },
            forget: true,
            loss: Some((format!("{why}; starting at offset {next}"), 0)),
        }
    }

    /// The topic is the ledger's, but records are missing.
    fn lost(
        self,
        policy: Policy,
        (next, to): (i64, &'static str),
        records: u64,
        why: String,
    ) -> Opening {
        if policy.lost_records == OnLoss::Halt {
            return Opening::Halt { why, to };
        }
        Opening::Write {
            ledger: self.ledger_at(next),
            forget: false,
            loss: Some((format!("{why}; continuing at offset {next}"), records)),
        }
    }
}

/// Whether two IDs are known and differ.
pub(in crate::pipeline) fn other(known: &str, now: &str) -> bool {
    !known.is_empty() && !now.is_empty() && known != now
}

fn known(known: &str, now: &str) -> String {
    if now.is_empty() { known } else { now }.into()
}

#[cfg(test)]
mod tests;
