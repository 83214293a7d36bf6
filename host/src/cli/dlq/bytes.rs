//! Bytes that anyone may have written, for terminals and for programs.

use std::fmt::Write;

/// On one line of a terminal, and doing nothing to it.
pub(super) fn line(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    text.chars().for_each(|c| push(&mut safe, c));
    safe
}

/// Likewise, with its lines and tabs.
pub(super) fn lines(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => safe.push(c),
            _ => push(&mut safe, c),
        }
    }
    safe
}

fn push(safe: &mut String, c: char) {
    match c {
        '"' | '\'' | '\\' => safe.push(c),
        _ => safe.extend(c.escape_debug()),
    }
}

/// [`line`] of what may be no text, or nothing.
pub(super) fn one_line(bytes: Option<&[u8]>) -> String {
    match bytes.map(std::str::from_utf8) {
        None => "-".into(),
        Some(Ok(text)) => line(text),
        Some(Err(_)) => bytes.unwrap_or_default().escape_ascii().to_string(),
    }
}

/// The first `most` characters, and a sign that there are more.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.into();
    }
    let mut cut: String = text.chars().take(most - 1).collect();
    cut.push('…');
    cut
}

/// Sixteen bytes a line: where, in hexadecimal, as text.
pub(super) fn dump(bytes: &[u8]) -> String {
    let mut dump = String::new();
    for (line, bytes) in bytes.chunks(16).enumerate() {
        let numbers: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let shown = |byte: &u8| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        };
        let text: String = bytes.iter().map(shown).collect();
        let _ = writeln!(
            dump,
            "{:08x}  {:<47}  |{text}|",
            line * 16,
            numbers.join(" ")
        );
    }
    dump
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_shown_moves_a_terminal() {
        let hostile = "a\u{1b}[2Jb\r\u{202e}c\u{7}\"é\\";
        assert_eq!(line(hostile), "a\\u{1b}[2Jb\\r\\u{202e}c\\u{7}\"é\\");
        assert_eq!(lines("a\n\tb\r"), "a\n\tb\\r");
        assert_eq!(one_line(Some(b"\xff\x1b[2J")), "\\xff\\x1b[2J");
        assert_eq!(one_line(None), "-");
    }

    #[test]
    fn a_cut_counts_characters() {
        assert_eq!(cut("ééé", 3), "ééé");
        assert_eq!(cut("éééé", 3), "éé…");
    }
}
