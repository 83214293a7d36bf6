//! Bytes that anyone may have written, for terminals and for programs.

use std::borrow::Cow;
use std::fmt::Write;
use std::io::{self, IsTerminal};

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

/// Results, JSON or not, for where they go: JSON escapes what is below a space
/// and no other character that steers a terminal.
pub(super) fn for_stdout(text: String) -> String {
    match io::stdout().is_terminal() {
        true => tame_json(&text).into_owned(),
        false => text,
    }
}

/// Escaped as JSON has it, so that JSON stays what it says.
fn tame_json(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            let _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe.into()
}

/// DEL, C1 controls, and what turns the direction of text; all of them below
/// U+10000.
pub(super) fn steers(c: char) -> bool {
    matches!(
        c,
        '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}' | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
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
    fn json_stays_what_it_says() {
        let json = serde_json::json!("a\u{9b}2J\u{7f}\u{202e}\u{2069}é").to_string();
        let tame = tame_json(&json);
        assert_eq!(tame, "\"a\\u009b2J\\u007f\\u202e\\u2069é\"");
        let read = |text: &str| serde_json::from_str::<String>(text).expect("JSON");
        assert_eq!(read(&tame), read(&json));
    }

    #[test]
    fn a_cut_counts_characters() {
        assert_eq!(cut("ééé", 3), "ééé");
        assert_eq!(cut("éééé", 3), "éé…");
    }
}
