//! Lines for the author.

use std::io::Write;

/// Prints a line. A closed standard output is not an error.
pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
