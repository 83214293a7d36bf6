//! The final report.

use crate::findings::{FLAWS, Findings};
use crate::plan::{Kind, Step};
use crate::world::World;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// How many of the last faults are printed after a failure.
const LAST: usize = 60; // a start and an end each

/// Log lines of daemons that show that a fault had an effect, and their meaning.
const MET: [(&str, &str); 4] = [
    (
        "lost an answer of the store",
        "answers of Redis lost in a transaction",
    ),
    ("the ledger moved; continuing", "ledgers found elsewhere"),
    ("revoked pipeline", "revocations of partitions"),
    (
        "kind=\"transform\"",
        "generations live, the first of each start too",
    ),
];

/// Prints the table.
pub fn table(world: &World, steps: &[Step], records: usize, findings: &Findings) -> String {
    let mut rows = vec![
        (
            "elapsed",
            format!("{:.0} s", world.journal.elapsed().as_secs_f64()),
        ),
        ("records", records.to_string()),
        ("events", findings.events.to_string()),
        ("dead letters", findings.letters.to_string()),
        ("dead letter copies (legal)", findings.copies.to_string()),
        ("faults", faults(steps)),
        ("starts of daemons", starts(world).to_string()),
    ];
    let conflicts: f64 = world
        .instances()
        .map(|instance| instance.told.conflicts)
        .sum();
    rows.push(("transaction conflicts", conflicts.to_string()));
    rows.extend(MET.map(|(text, name)| (name, count_logged(world, text).to_string())));
    rows.push(("bad ends of daemons", bad_ends(world).len().to_string()));
    rows.extend(FLAWS.map(|(flaw, name)| (name, findings.count(flaw).to_string())));
    let row = |(name, value): (&str, String)| format!("  {name:<46}{value}\n");
    rows.into_iter().map(row).collect()
}

pub fn bad_ends(world: &World) -> Vec<String> {
    let ends = |instance: std::sync::MutexGuard<'_, crate::instance::Instance>| {
        instance.told.bad_ends.clone()
    };
    world.instances().flat_map(ends).collect()
}

fn starts(world: &World) -> u64 {
    world.instances().map(|instance| instance.told.starts).sum()
}

fn faults(steps: &[Step]) -> String {
    let mut kinds: BTreeMap<Kind, usize> = BTreeMap::new();
    for fault in steps.iter().flat_map(|step| &step.faults) {
        *kinds.entry(fault.kind).or_default() += 1;
    }
    let all: usize = kinds.values().sum();
    let kinds: Vec<String> = kinds
        .iter()
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect();
    format!("{all} ({})", kinds.join(", "))
}

fn count_logged(world: &World, text: &str) -> usize {
    let mut count = 0;
    for instance in world.instances() {
        let logs = instance.logs().map(|(_, log)| log.lines());
        count += logs.flatten().filter(|line| line.contains(text)).count();
    }
    count
}

/// The last faults, with their start and end times.
pub fn last_faults(world: &World) -> String {
    let lines = world.journal.lines();
    lines[lines.len().saturating_sub(LAST)..].join("\n")
}

/// Keeps every log and the journal, and returns their folder.
pub fn keep_logs(world: &World, seed: u64) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("campaign-{seed}"));
    fs::remove_dir_all(&folder).ok(); // left by an earlier run of this seed
    fs::create_dir_all(&folder).unwrap();
    let keep = |name: &str, text: String| fs::write(folder.join(name), text).unwrap();
    keep("journal", world.journal.lines().join("\n"));
    keep("redis.log", world.redis.log());
    keep("kafka.log", world.kafka.log());
    for instance in world.instances() {
        instance
            .logs()
            .for_each(|(name, log)| keep(&name, log.lines().join("\n")));
    }
    folder
}
