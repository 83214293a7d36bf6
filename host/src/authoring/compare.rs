//! Where two lists of outcomes differ, record by record.

use super::diff::differences;
use super::outcome::Outcome;
use crate::plugin::fixture::Line;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};

/// A record whose outcomes differ.
pub struct Difference<'a> {
    /// The number of its line.
    pub record: usize,
    line: Option<&'a Line>,
    before: Vec<&'a Outcome>,
    after: Vec<&'a Outcome>,
}

/// The records whose outcomes differ, in the order of their lines.
pub fn compare<'a>(
    lines: &'a [Line],
    before: &'a [Outcome],
    after: &'a [Outcome],
) -> Vec<Difference<'a>> {
    type Sides<'a> = [Vec<&'a Outcome>; 2];
    let mut records: BTreeMap<usize, Sides<'a>> = BTreeMap::new();
    for (side, outcomes) in [before, after].into_iter().enumerate() {
        for outcome in outcomes {
            records.entry(outcome.record).or_default()[side].push(outcome);
        }
    }
    let numbered: HashMap<usize, &Line> = lines.iter().map(|line| (line.number, line)).collect();
    let essence = |all: &[&Outcome]| all.iter().map(|o| o.essence()).collect::<Vec<_>>();
    let differ = records
        .into_iter()
        .filter(|(_, [a, b])| essence(a) != essence(b));
    differ
        .map(|(record, [before, after])| Difference {
            record,
            line: numbered.get(&record).copied(),
            before,
            after,
        })
        .collect()
}

impl Difference<'_> {
    /// A few lines for people; `file` holds the record.
    pub fn text(&self, file: &str) -> String {
        let value = match self.line.map(|line| line.case.record.value.as_deref()) {
            None => "no such record".into(),
            Some(None) => "a tombstone".into(),
            Some(Some(value)) => cut(&String::from_utf8_lossy(value)),
        };
        let source = self.line.and_then(|line| line.source.as_ref());
        let source = source.map_or(String::new(), |source| format!(", {source}"));
        let mut text = format!("{file}, record {}{source} ({value}):", self.record);
        for (sign, outcomes) in [('-', &self.before), ('+', &self.after)] {
            for outcome in outcomes {
                text.push_str(&format!("\n  {sign} {}", outcome.essence()));
            }
        }
        for difference in self.in_json() {
            text.push_str(&format!("\n    json: {difference}"));
        }
        text
    }

    /// A line of JSON: the record's number, its outcomes before and after, and
    /// where their payloads differ.
    pub fn to_line(&self) -> String {
        let of = |all: &[&Outcome]| -> Vec<String> { all.iter().map(|o| o.essence()).collect() };
        let (before, after) = (of(&self.before).join(","), of(&self.after).join(","));
        let source = self.line.and_then(|line| line.source.as_ref());
        let (source, json) = (json!(source), json!(self.in_json()));
        format!(
            "{{\"record\":{},\"source\":{source},\"before\":[{before}],\"after\":[{after}],\"json\":{json}}}",
            self.record
        )
    }

    /// What differs: `outcome` if the numbers of events and failures do, else
    /// `address`, `type`, `payload` and the like.
    pub fn kinds(&self) -> Vec<&'static str> {
        if self.before.len() != self.after.len() {
            return vec!["outcome"];
        }
        let pairs = self.before.iter().zip(&self.after);
        let mut kinds: Vec<_> = pairs.flat_map(|(a, b)| a.differs_in(b)).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    fn in_json(&self) -> Vec<String> {
        let pairs = self.before.iter().zip(&self.after);
        let both = pairs.filter_map(|(a, b)| Some((a.json()?, b.json()?)));
        both.flat_map(|(a, b)| differences(&a, &b)).collect()
    }
}

fn cut(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        None => text.into(),
        Some((at, _)) => format!("{}...", &text[..at]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(text: &str) -> Vec<Outcome> {
        let lines = text.lines();
        lines.map(|line| Outcome::of_line(line).unwrap()).collect()
    }

    fn kinds(before: &str, after: &str) -> Vec<Vec<&'static str>> {
        let (before, after) = (outcomes(before), outcomes(after));
        let found = compare(&[], &before, &after);
        found.iter().map(Difference::kinds).collect()
    }

    const TWO: &str = r#"{"record":1,"client":"a","type":"t","json":{"x":1}}
{"record":2,"filtered":true}"#;

    #[test]
    fn equal_outcomes_in_another_order_of_records_do_not_differ() {
        let mut turned: Vec<&str> = TWO.lines().collect();
        turned.reverse();
        assert!(kinds(TWO, &turned.join("\n")).is_empty());
    }

    #[test]
    fn each_kind_of_difference_is_found() {
        let with = |from: &str, to: &str| kinds(TWO, &TWO.replace(from, to));
        assert_eq!(with("\"a\"", "\"b\""), [["address"]]);
        assert_eq!(with("client", "group"), [["address"]]);
        assert_eq!(with("\"t\"", "\"u\""), [["type"]]);
        assert_eq!(with("\"x\":1", "\"x\":1.0"), [["payload"]]);
        assert_eq!(
            with("\"json\":{\"x\":1}", "\"payload\":\"x\""),
            [["payload"]]
        );
        let failed = "\"failure\":\"rejected\",\"message\":\"m\"";
        assert_eq!(with("\"filtered\":true", failed), [["outcome"]]);
        assert_eq!(kinds(TWO, TWO.lines().next().unwrap()), [["outcome"]]);
    }

    #[test]
    fn a_difference_is_told_with_the_place_in_the_payload() {
        let (before, after) = (outcomes(TWO), outcomes(&TWO.replace("\"x\":1", "\"x\":2")));
        let found = compare(&[], &before, &after);
        let text = found[0].text("f.jsonl");
        assert!(text.starts_with("f.jsonl, record 1 (no such record):\n  - {"));
        assert!(text.ends_with("\n    json: x: 1 -> 2"), "{text}");
        let line = found[0].to_line();
        let read: serde_json::Value = serde_json::from_str(&line).expect(&line);
        assert_eq!(read["after"][0]["json"]["x"], 2);
        assert_eq!(read["json"][0], "x: 1 -> 2");
    }
}
