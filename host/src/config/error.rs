//! What is wrong with a configuration, and where.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// An error in a configuration: `file:line: what, and what to do`.
#[derive(Debug)]
pub struct ConfigError {
    file: PathBuf,
    line: Option<usize>,
    message: String,
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    pub(super) fn new(file: &Path, line: Option<usize>, message: impl Into<String>) -> ConfigError {
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

/// toml's own error, with its line, and the nearest valid name.
pub(super) fn of_toml(file: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let line = error.span().map(|span| line_of(text, span.start));
    let mut message = error.message().trim_end().replace('\n', "; ");
    if let Some(nearest) = nearest_of(&message) {
        message.push_str(&format!("; did you mean `{nearest}`?"));
    }
    ConfigError::new(file, line, message)
}

/// The nearest of the names in serde's "unknown field `x`, expected one of `a`,
/// `b`" (or "unknown variant").
fn nearest_of(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("unknown ")?;
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let wrong = quoted.next()?;
    nearest(wrong, quoted)
}

/// The name most like `wrong`, if any is like it.
pub fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = names.map(|name| (strsim::damerau_levenshtein(wrong, name), name));
    let (distance, name) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= 2.max(wrong.len() / 3)).then_some(name)
}
