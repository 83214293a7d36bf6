//! A folder of fixtures: `NAME.jsonl` holds records, `NAME.expected.jsonl` what
//! shall become of them.

use super::bench;
use super::compare::{Difference, compare};
use super::outcome::Outcome;
use crate::plugin::fixture::{EXPECTED, Line, RECORDS, files, records};
use crate::plugin::{AnyPlugin, PluginKind};
use anyhow::{Context, bail};
use std::fs;
use std::path::{Path, PathBuf};

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
        let differences = compare(&self.lines, expected, actual);
        let text = |difference: &Difference| difference.text(&self.name);
        differences.iter().map(text).collect()
    }
}

/// How a test ended.
pub struct Tested {
    /// Lines for people.
    pub report: Vec<String>,
    /// Whether all is as expected.
    pub passed: bool,
}

/// Tests a plugin with a folder of fixtures, and for state. With `bless`, writes
/// what it makes of them as what is expected.
///
/// # Errors
/// If the folder has no fixtures, or the plugin may not go live.
pub fn test(plugin: &AnyPlugin, folder: &Path, bless: bool) -> anyhow::Result<Tested> {
    let fixtures = read(folder, plugin.kind())?;
    if fixtures.is_empty() {
        bail!(
            "found no fixtures in {0}: write records to {0}/NAME.jsonl, as `millstream \
             consume --format json` prints them",
            folder.display()
        );
    }
    let (mut report, mut records, mut differ) = (Vec::new(), 0, 0);
    for fixture in &fixtures {
        let actual = bench::run(plugin, &fixture.lines)?.outcomes;
        records += fixture.lines.len();
        if bless {
            if fixture.bless(&actual)? {
                report.push(format!("wrote {}", fixture.expected_path.display()));
            }
            continue;
        }
        let Some(expected) = &fixture.expected else {
            bail!(
                "{} is missing: look at what the plugin makes of {} with `millstream plugin run`, \
                 then write it with --bless",
                fixture.expected_path.display(),
                fixture.name
            );
        };
        let reports = fixture.compare(expected, &actual);
        differ += reports.len();
        report.extend(reports);
    }
    let own: Vec<_> = fixtures.into_iter().map(|f| (f.name, f.lines)).collect();
    bench::conforms(plugin, &own)?;
    let count = |n: usize, of: &str| format!("{n} {of}{}", if n == 1 { "" } else { "s" });
    let (records, files) = (count(records, "record"), count(own.len(), "file"));
    report.push(match differ {
        0 => format!("{records} in {files}: as expected"),
        n => format!("{records} in {files}: {n} not as expected"),
    });
    Ok(Tested {
        report,
        passed: differ == 0,
    })
}
