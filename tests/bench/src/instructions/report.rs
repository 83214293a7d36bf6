//! What the counts mean.

use super::baseline::Baseline;
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::fmt::Write;

/// A case may need so much more, or less, than the baseline says.
const LIMIT: f64 = 0.03;

/// How to accept what was counted.
const UPDATE: &str = "`cargo xtask bench instructions --update` writes the baseline anew";

/// The difference to the baseline, 0.03 for three percent more; `None` for a new case.
fn change(now: &Baseline, before: &Baseline, name: &str) -> Option<f64> {
    let before = before.counts.get(name)?;
    Some(now.counts[name] / before - 1.0)
}

/// A line for each case, and what differs from the machine of the baseline.
pub fn table(now: &Baseline, before: &Baseline) -> String {
    let mut text = format!(
        "{:<32} {:>14} {:>12} {:>8}\n",
        "case", "instructions", "baseline", "change"
    );
    text += &format!("{:<32} {:>14}\n", "", "per record");
    for (name, count) in &now.counts {
        let known = before.counts.get(name);
        let known = known.map_or("new".into(), |known| format!("{known:.2}"));
        let change = change(now, before, name);
        let change = change.map_or(String::new(), |change| format!("{:+.2}%", change * 100.0));
        // Writing into a String can't fail.
        let _ = writeln!(text, "{name:<32} {count:>14.2} {known:>12} {change:>8}");
    }
    for (what, value) in &before.context {
        let here = now.context.get(what).map_or("unknown", String::as_str);
        if here != value {
            let _ = writeln!(
                text,
                "The baseline was taken with another {what}: {value}, not {here}. So counts may \
                 differ although the code is the same."
            );
        }
    }
    text
}

/// The same for programs.
pub fn json(now: &Baseline, before: &Baseline) -> Value {
    let case = |(name, count): (&String, &f64)| {
        json!({
            "case": name,
            "instructions-per-record": count,
            "baseline": before.counts.get(name),
            "change": change(now, before, name),
        })
    };
    json!({
        "context": now.context,
        "baseline-context": before.context,
        "cases": now.counts.iter().map(case).collect::<Vec<_>>(),
    })
}

/// # Errors
/// When a case needs too many instructions, or the baseline lacks one or has one too many.
pub fn judge(now: &Baseline, before: &Baseline) -> Result<()> {
    let mut wrong = Vec::new();
    for name in now.counts.keys() {
        match change(now, before, name) {
            Some(change) if change > LIMIT => wrong.push(format!(
                "{name} needs {:.2}% more instructions",
                change * 100.0
            )),
            Some(change) if change < -LIMIT => eprintln!(
                "{name} needs {:.2}% fewer instructions. Keep that: {UPDATE}.",
                change * -100.0
            ),
            Some(_) => {}
            None => wrong.push(format!("{name} is not in the baseline")),
        }
    }
    let gone = before.counts.keys();
    let gone = gone.filter(|name| !now.counts.contains_key(*name));
    wrong.extend(gone.map(|name| format!("{name} is in the baseline, but no case")));
    if wrong.is_empty() {
        return Ok(());
    }
    bail!(
        "the baseline, tests/bench/instructions.baseline, does not allow this:\n  {}\nFind what made them dearer; \
         the limit is {:.0}%. If the change is worth it: {UPDATE}; commit it and say why.",
        wrong.join("\n  "),
        LIMIT * 100.0,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn of(counts: &[(&str, f64)]) -> Baseline {
        let counts = counts.iter();
        Baseline {
            context: BTreeMap::new(),
            counts: counts
                .map(|(name, count)| ((*name).into(), *count))
                .collect(),
        }
    }

    #[test]
    fn more_than_three_percent_fails_and_names_the_case() {
        let before = of(&[("a", 100.0), ("b", 100.0)]);
        assert!(judge(&of(&[("a", 102.9), ("b", 50.0)]), &before).is_ok());
        let error = judge(&of(&[("a", 100.0), ("b", 103.1)]), &before).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("b needs 3.10% more"), "{error}");
        assert!(!error.contains("a needs"), "{error}");
    }

    #[test]
    fn a_case_must_be_in_the_baseline_and_a_line_must_have_its_case() {
        let before = of(&[("a", 100.0), ("gone", 100.0)]);
        let error = judge(&of(&[("a", 100.0), ("new", 1.0)]), &before).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("new is not in"), "{error}");
        assert!(error.contains("gone is in the baseline"), "{error}");
    }
}
