//! Text from outside, cut to a readable length.

use std::borrow::Cow;
use std::fmt::{self, Display, Write};
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{self, Writer};

/// The most bytes of one value in a line of the log.
pub const VALUE: usize = 2048;
/// The most bytes of text in an answer.
const TEXT: usize = 1024;
/// The most bytes of a name or message in a longer text.
const SHORT: usize = 200;

/// A name or a message from outside, for a log line or an answer: on one line,
/// without control characters, and cut.
pub struct Short<'a>(pub &'a str);

impl Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cut = Cutting::new(f, SHORT);
        cut.write_str(self.0)?;
        cut.finish()
    }
}

/// Text that contains text from outside, cut for an answer or a longer message.
pub fn cut(text: &str) -> Cow<'_, str> {
    let fits = text.floor_char_boundary(TEXT);
    match text.len() - fits {
        0 => text.into(),
        over => format!("{}… ({over} more bytes)", &text[..fits]).into(),
    }
}

/// Writes a line's fields as `tracing_subscriber` does, each cut to `VALUE` bytes.
pub fn fields() -> impl for<'w> FormatFields<'w> + 'static {
    let field = |writer: &mut Writer<'_>, field: &tracing::field::Field, value: &dyn fmt::Debug| {
        if field.name() != "message" {
            write!(writer, "{}=", field.name())?;
        }
        let mut cut = Cutting::new(writer, VALUE);
        write!(cut, "{value:?}")?;
        cut.finish()
    };
    format::debug_fn(field).delimited(" ")
}

/// Writes up to a number of bytes, and counts the rest.
struct Cutting<'a> {
    to: &'a mut dyn Write,
    left: usize,
    over: usize,
}

impl Cutting<'_> {
    fn new(to: &mut dyn Write, most: usize) -> Cutting<'_> {
        Cutting {
            to,
            left: most,
            over: 0,
        }
    }

    /// Writes how many bytes are missing.
    fn finish(self) -> fmt::Result {
        match self.over {
            0 => Ok(()),
            over => write!(self.to, "… ({over} more bytes)"),
        }
    }
}

impl Write for Cutting<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let fits = match self.over {
            0 => text.floor_char_boundary(self.left),
            _ => 0,
        };
        let (written, over) = text.split_at(fits);
        (self.left, self.over) = (self.left - fits, self.over + over.len());
        for part in written.split_inclusive(char::is_control) {
            let plain = part.trim_end_matches(char::is_control);
            self.to.write_str(plain)?;
            for control in part[plain.len()..].chars() {
                write!(self.to, "{}", control.escape_default())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_text_is_unchanged_and_cut_bytes_are_counted() {
        assert_eq!(Short("orders").to_string(), "orders");
        let long = "ä".repeat(50_000);
        let cut = format!("{}… (99800 more bytes)", "ä".repeat(100));
        assert_eq!(Short(&long).to_string(), cut);
    }

    #[test]
    fn a_name_can_neither_end_a_line_nor_control_a_terminal() {
        let name = "a\nERROR forged\r\u{1b}[2Jb\u{9b}";
        let shown = r"a\nERROR forged\r\u{1b}[2Jb\u{9b}";
        assert_eq!(Short(name).to_string(), shown);
    }
}
