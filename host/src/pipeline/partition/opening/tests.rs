use super::*;

const LOW: i64 = 10;
const HIGH: i64 = 20;
const STARTS: [StartAt; 3] = [StartAt::Earliest, StartAt::Latest, StartAt::Committed];
const LOST: [LostLedger; 3] = [LostLedger::Committed, LostLedger::Start, LostLedger::Halt];
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
                    clock: 77,
                }));
            }
        }
    }
    all
}

/// Checks every combination of facts and policies.
fn each(check: impl Fn(&Facts, Policy, &Opening)) {
    for ledger in ledgers() {
        for committed in [None, Some(5), Some(12), Some(25)] {
            for (ours, id) in [(false, ""), (false, "same"), (true, "same")] {
                for added in [false, true] {
                    let facts = Facts {
                        ledger: ledger.clone(),
                        low: LOW,
                        high: HIGH,
                        committed,
                        ours: ours && committed.is_some(),
                        added,
                        topic_id: id.into(),
                        cluster_id: id.into(),
                    };
                    for policy in policies() {
                        check(&facts, policy, &facts.clone().judge(policy));
                    }
                }
            }
        }
    }
}

fn policies() -> Vec<Policy> {
    let mut all = Vec::new();
    for start in STARTS {
        for lost_records in ON_LOSS {
            for remade_topic in ON_LOSS {
                all.extend(LOST.map(|lost_ledger| Policy {
                    start,
                    lost_records,
                    remade_topic,
                    lost_ledger,
                    keeps_state: false,
                }));
            }
        }
    }
    all
}

#[test]
fn a_partition_starts_inside_its_range_or_halts() {
    each(|facts, _, opening| match opening {
        Opening::Halt { .. } => {}
        Opening::GoOn(ledger) | Opening::Write { ledger, .. } => {
            assert!(
                (LOW..=HIGH).contains(&ledger.next),
                "{facts:?}: {opening:?}"
            );
        }
    });
}

#[test]
fn a_valid_ledger_continues_and_keeps_its_attempts() {
    each(|facts, _, opening| {
        let Some(ledger) = &facts.ledger else { return };
        let fits = (LOW..=HIGH).contains(&ledger.next)
            && (facts.topic_id.is_empty() || ledger.topic_id != "other")
            && (facts.cluster_id.is_empty() || ledger.cluster_id != "other");
        let there = match opening {
            Opening::GoOn(there) => Some(there),
            Opening::Write {
                ledger, loss: None, ..
            } => Some(ledger),
            _ => None,
        };
        assert_eq!(there.is_some(), fits, "{facts:?}: {opening:?}");
        if let Some(there) = there {
            assert_eq!((there.next, there.attempts), (ledger.next, 3));
        }
    });
}

#[test]
fn records_are_skipped_only_if_configured_and_never_silently() {
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
        let remade = said.contains("created again");
        let allowed = if remade {
            policy.remade_topic
        } else {
            policy.lost_records
        };
        assert_eq!(allowed, OnLoss::Continue, "{ledger:?}: {said}");
    });
}

#[test]
fn a_ledger_of_another_cluster_always_halts() {
    each(|facts, _, opening| {
        if facts.is_of_another_cluster() {
            assert!(
                matches!(opening, Opening::Halt { .. }),
                "{facts:?}: {opening:?}"
            );
        }
    });
}

#[test]
fn a_marked_commit_replaces_a_lost_ledger_as_configured() {
    each(|facts, policy, opening| {
        if facts.ledger.is_some() || !facts.ours {
            return;
        }
        let said = |words: &str| match opening {
            Opening::Write { ledger, loss, .. } => {
                let (said, _) = loss.as_ref().expect("a message");
                assert!(said.contains(words), "{said}");
                Some(ledger.next)
            }
            _ => None,
        };
        match (policy.lost_ledger, facts.committed) {
            (LostLedger::Committed, Some(12)) => assert_eq!(said("lost the ledger"), Some(12)),
            (LostLedger::Committed, Some(outside)) if policy.lost_records == OnLoss::Continue => {
                assert_eq!(
                    said("which is out of range"),
                    Some(outside.clamp(LOW, HIGH))
                );
            }
            (LostLedger::Start, _) => {}
            _ => assert!(
                matches!(opening, Opening::Halt { .. }),
                "{facts:?}: {opening:?}"
            ),
        }
    });
}

#[test]
fn without_a_ledger_the_configured_start_applies_and_a_different_commit_is_logged() {
    each(|facts, policy, opening| {
        if facts.ours && policy.lost_ledger != LostLedger::Start {
            return;
        }
        let (None, Opening::Write { ledger, loss, .. }) = (&facts.ledger, opening) else {
            assert!(facts.ledger.is_some(), "{opening:?}");
            return;
        };
        let start = match (policy.start, facts.committed) {
            (StartAt::Latest, _) if !facts.added => HIGH,
            (StartAt::Committed, Some(12)) => 12,
            _ => LOW,
        };
        assert_eq!(ledger.next, start);
        let differs = facts.committed.is_some_and(|committed| committed != start);
        assert_eq!(loss.is_some(), differs, "{facts:?}");
    });
}

#[test]
fn time_and_values_stay_unless_the_topic_was_created_again() {
    each(|facts, _, opening| {
        let (ledger, forget) = match opening {
            Opening::GoOn(ledger) => (ledger, false),
            Opening::Write { ledger, forget, .. } => (ledger, *forget),
            Opening::Halt { .. } => return,
        };
        let before = facts.ledger.as_ref();
        let expected = if forget { None } else { before.map(|_| 77) };
        assert_eq!(ledger.clock, expected.unwrap_or(NO_TIME), "{facts:?}");
        let unknown_end = |l: &Ledger| l.topic_id.is_empty() && l.next > HIGH;
        let anew = facts.is_another() || before.is_some_and(unknown_end);
        assert_eq!(forget, anew, "{facts:?}");
    });
}

#[test]
fn the_advice_of_a_halt_leads_on() {
    let halted = |ledger: Option<i64>, keeps_state| {
        let facts = Facts {
            ledger: ledger.map(|next| Ledger {
                next,
                topic_id: "same".into(),
                ..Ledger::default()
            }),
            low: LOW,
            high: HIGH,
            committed: Some(12),
            ours: true,
            added: false,
            topic_id: "same".into(),
            cluster_id: String::new(),
        };
        let policy = Policy {
            keeps_state,
            ..Policy::halting(StartAt::Earliest)
        };
        match facts.judge(policy) {
            Opening::Halt { why, to } => (why, to),
            other => panic!("{other:?}"),
        }
    };
    // What it would read again from the start of the partition was stored long ago.
    let (why, to) = halted(Some(25), false);
    assert!(
        why.ends_with("Kafka lost records") && to == "latest",
        "{why}"
    );
    assert_eq!(halted(Some(5), false).1, "earliest");
    let (why, _) = halted(None, false);
    assert!(
        why.ends_with("lost-ledger = \"committed\" continues there"),
        "{why}"
    );
    let (why, _) = halted(None, true);
    assert!(why.ends_with("values were lost with it"), "{why}");
}
