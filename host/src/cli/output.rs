//! Results on standard output. Unlike `println!`, a failed write is an error, not
//! a panic.

use super::bytes;
use std::fmt::Display;
use std::io::{self, Write};

/// Writes a line.
pub(super) fn line(text: impl Display) -> io::Result<()> {
    lines([text])
}

/// Writes one line for each text.
pub(super) fn lines(texts: impl IntoIterator<Item = impl Display>) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    texts
        .into_iter()
        .try_for_each(|text| writeln!(out, "{}", bytes::for_stdout(text.to_string())))?;
    out.flush()
}

/// Writes a message for people to standard error. Unlike `eprintln!`, it ignores a
/// failed write.
pub(super) fn say(line: impl Display) {
    write_whole(&format!("{line}\n"));
}

/// Asks a question; the answer comes on the same line.
pub(super) fn ask(question: impl Display) {
    write_whole(&format!("{question} "));
}

/// In one write, so that no line of the log comes into the midst of it.
fn write_whole(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Results of actions that run one after another. After a result can't be
/// printed, the remaining actions still run; [`Results::end`] returns the error.
#[derive(Default)]
pub(super) struct Results {
    unprinted: Option<io::Error>,
}

impl Results {
    /// Writes a line, unless an earlier write failed.
    pub fn line(&mut self, text: impl Display) {
        if self.unprinted.is_none() {
            self.unprinted = line(text).err();
        }
    }

    /// Returns the error of the first failed write.
    pub fn end(self) -> io::Result<()> {
        self.unprinted.map_or(Ok(()), Err)
    }
}

/// The value, or `-`.
pub(super) fn or_dash(it: Option<impl Display>) -> String {
    it.map_or_else(|| "-".into(), |it| it.to_string())
}

/// `1 record`, `2 records`.
pub(super) fn count(n: usize, of: &str) -> String {
    format!("{n} {of}{}", if n == 1 { "" } else { "s" })
}
