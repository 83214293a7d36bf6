//! Errors in a configuration, with their place.

use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// An error in a configuration, as `file:line: what is wrong and what to do`.
#[derive(Debug)]
pub struct ConfigError {
    file: PathBuf,
    line: Option<usize>,
    message: String,
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    pub(crate) fn new(file: &Path, line: Option<usize>, message: impl Into<String>) -> ConfigError {
        ConfigError {
            file: file.into(),
            line,
            message: message.into(),
        }
    }

    pub(super) fn at(file: &Path, text: &str, span: Range<usize>, message: String) -> ConfigError {
        ConfigError::new(file, Some(line_of(text, span.start)), message)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.message)
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|b| *b == b'\n').count()
}

/// An error of the toml crate, with its line and the nearest valid name.
pub(super) fn of_toml(file: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let line = error.span().map(|span| line_of(text, span.start));
    let message = error.message().trim_end().replace('\n', "; ");
    let mut message = without_types(message);
    if let Some((name, line)) = misspelt_pipeline(text, &message) {
        message.push_str(&format!(
            "; did you mean `pipeline` instead of `{name}` in line {line}?"
        ));
    }
    if let Some(nearest) = nearest_of(&message) {
        message.push_str(&format!("; did you mean `{nearest}`?"));
    }
    ConfigError::new(file, line, message)
}

/// Replaces the Rust types in serde's messages by words for TOML.
fn without_types(message: String) -> String {
    // The toml crate says this where one of several words is expected.
    if message == "wanted string or table" {
        return "expected a string".into();
    }
    const WORDS: [(&str, &str); 5] = [
        ("u32", "a whole number from 0 to 4294967295"),
        ("u64", "a whole number, 0 or more"),
        ("usize", "a whole number, 0 or more"),
        ("f64", "a number"),
        ("a boolean", "true or false"),
    ];
    if let Some((before, _)) = message.rsplit_once("expected struct ") {
        return format!("{before}expected a table");
    }
    let in_words = WORDS.iter().find_map(|(rust, words)| {
        let before = message.strip_suffix(rust)?;
        let is_type = before.ends_with("expected ");
        is_type.then(|| format!("{before}{words}"))
    });
    in_words.unwrap_or(message)
}

/// With a table [[pipelines]] and [pipeline.transform] below it, TOML reports a wrong `pipeline`.
/// Finds the misspelt name and its line.
fn misspelt_pipeline(text: &str, message: &str) -> Option<(String, usize)> {
    if !message.contains("expected [[pipeline]]") {
        return None;
    }
    let tables: BTreeMap<Spanned<String>, IgnoredAny> = toml::from_str(text).ok()?;
    let others = tables.keys().filter(|name| name.get_ref() != "pipeline");
    let found = nearest("pipeline", others.clone().map(|name| &**name.get_ref()))?;
    let span = others.clone().find(|name| name.get_ref() == found)?.span();
    Some((found.into(), line_of(text, span.start)))
}

/// The nearest name in serde's "unknown field `x`, expected one of `a`, `b`" (or
/// "unknown variant").
fn nearest_of(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("unknown ")?;
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let wrong = quoted.next()?;
    nearest(wrong, quoted)
}

/// The name nearest to `wrong`, if one is near enough.
pub fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = names.map(|name| (strsim::damerau_levenshtein(wrong, name), name));
    let (distance, name) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= 2.max(wrong.len() / 3)).then_some(name)
}
