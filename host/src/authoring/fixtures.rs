//! A folder of fixtures: `NAME.jsonl` holds records, `NAME.expected.jsonl` what
//! shall become of them.

use super::case::{self, Line};
use super::diff::differences;
use super::outcome::Outcome;
use crate::plugin::PluginKind;
use anyhow::{Context, bail};
use std::fs;
use std::path::{Path, PathBuf};

const RECORDS: &str = ".jsonl";
const EXPECTED: &str = ".expected.jsonl";

/// One pair of files.
pub struct Fixture {
    /// The file of its records, as messages name it.
    pub name: String,
    /// The records.
    pub lines: Vec<Line>,
    /// The file of its outcomes.
    pub expected_path: PathBuf,
    /// The outcomes in it; `None` if the file is not there.
    pub expected: Option<Vec<Outcome>>,
}

/// Reads all fixtures of a folder, in the order of their names.
///
/// # Errors
/// The file, the line, and what is wrong with it.
pub fn read(folder: &Path, kind: PluginKind) -> anyhow::Result<Vec<Fixture>> {
    let paths = files(folder)?;
    paths.iter().map(|path| read_one(path, kind)).collect()
}

/// The files with records in a folder, in the order of their names.
///
/// # Errors
/// If the folder can't be read.
pub fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("can't read the folder {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(RECORDS) && !name.ends_with(EXPECTED)
    });
    paths.sort();
    Ok(paths)
}

/// Reads the records of one file.
///
/// # Errors
/// The file, the line, and what is wrong with it.
pub fn records(path: &Path, kind: PluginKind) -> anyhow::Result<Vec<Line>> {
    let text = fs::read(path).with_context(|| format!("can't read {}", path.display()))?;
    let lines = case::lines(&text, kind);
    lines.map_err(|why| anyhow::anyhow!("{}, {why}", path.display()))
}

fn read_one(path: &Path, kind: PluginKind) -> anyhow::Result<Fixture> {
    let name = path.display().to_string();
    let stem = name.trim_end_matches(RECORDS);
    let expected_path = PathBuf::from(format!("{stem}{EXPECTED}"));
    let lines = records(path, kind)?;
    let expected = match fs::read_to_string(&expected_path) {
        Ok(text) => Some(outcomes(&expected_path, &text)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            let why = format!("can't read {}", expected_path.display());
            return Err(error).context(why);
        }
    };
    Ok(Fixture {
        name,
        lines,
        expected_path,
        expected,
    })
}

fn outcomes(path: &Path, text: &str) -> anyhow::Result<Vec<Outcome>> {
    let lines = text.lines().enumerate();
    let lines = lines.filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| match Outcome::of_line(line) {
            Ok(outcome) => Ok(outcome),
            Err(why) => bail!("{}, line {}: {why}", path.display(), index + 1),
        })
        .collect()
}

impl Fixture {
    /// Writes outcomes as the expected ones. Returns whether the file changed.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn bless(&self, outcomes: &[Outcome]) -> anyhow::Result<bool> {
        let mut text = String::new();
        for outcome in outcomes {
            text.push_str(&outcome.clone().without_source().to_line());
            text.push('\n');
        }
        let path = &self.expected_path;
        if fs::read_to_string(path).is_ok_and(|before| before == text) {
            return Ok(false);
        }
        fs::write(path, text).with_context(|| format!("can't write {}", path.display()))?;
        Ok(true)
    }

    /// For each record whose outcomes differ from the expected ones, a few
    /// lines for people.
    pub fn compare(&self, expected: &[Outcome], actual: &[Outcome]) -> Vec<String> {
        let mut reports = Vec::new();
        for number in numbers(expected, actual) {
            let of = |all: &[Outcome]| -> Vec<Outcome> {
                all.iter().filter(|o| o.record == number).cloned().collect()
            };
            let (old, new) = (of(expected), of(actual));
            let essence = |all: &[Outcome]| all.iter().map(Outcome::essence).collect::<Vec<_>>();
            if essence(&old) != essence(&new) {
                reports.push(self.report(number, &old, &new));
            }
        }
        reports
    }

    fn report(&self, number: usize, old: &[Outcome], new: &[Outcome]) -> String {
        let line = self.lines.iter().find(|line| line.number == number);
        let value = match line.map(|line| line.case.record.value.as_deref()) {
            None => "there is no such record".into(),
            Some(None) => "a tombstone".into(),
            Some(Some(value)) => cut(&String::from_utf8_lossy(value)),
        };
        let mut report = format!("{}, record {number} ({value}):", self.name);
        for (sign, outcomes) in [('-', old), ('+', new)] {
            for outcome in outcomes {
                report.push_str(&format!("\n  {sign} {}", outcome.essence()));
            }
        }
        for (a, b) in old.iter().zip(new) {
            if let (Some(a), Some(b)) = (a.json(), b.json()) {
                for difference in differences(&a, &b) {
                    report.push_str(&format!("\n    json: {difference}"));
                }
            }
        }
        report
    }
}

fn numbers(a: &[Outcome], b: &[Outcome]) -> std::collections::BTreeSet<usize> {
    a.iter().chain(b).map(|outcome| outcome.record).collect()
}

fn cut(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        None => text.into(),
        Some((at, _)) => format!("{}...", &text[..at]),
    }
}
