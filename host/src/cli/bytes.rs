//! Makes untrusted bytes safe to print, for terminals and for programs.

use std::borrow::Cow;
use std::fmt::Write;
use std::io::{self, IsTerminal};

/// Escapes text to one line that does not control the terminal.
pub(super) fn line(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    text.chars().for_each(|c| push(&mut safe, c));
    safe
}

/// Like [`line`], but keeps newlines and tabs.
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

/// A result, JSON or not, made safe if standard output is a terminal: JSON escapes
/// only the control characters below a space.
pub(super) fn for_stdout(text: String) -> String {
    match io::stdout().is_terminal() {
        true => tame_json(&text).into_owned(),
        false => text,
    }
}

/// Uses JSON's own escapes, so that JSON keeps its meaning.
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

/// DEL, C1 controls, and characters that change the direction of text; all of
/// them are below U+10000.
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

/// [`line`] of bytes that may be absent (`-`) or not UTF-8.
pub(super) fn one_line(bytes: Option<&[u8]>) -> String {
    match bytes.map(std::str::from_utf8) {
        None => "-".into(),
        Some(Ok(text)) => line(text),
        Some(Err(_)) => bytes.unwrap_or_default().escape_ascii().to_string(),
    }
}

/// Cuts text to `most` characters; the last is `…` if there were more.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.into();
    }
    let mut cut: String = text.chars().take(most - 1).collect();
    cut.push('…');
    cut
}

/// A hex dump with sixteen bytes per line: position, hexadecimal, text.
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
    fn shown_text_does_not_control_a_terminal() {
        let hostile = "a\u{1b}[2Jb\r\u{202e}c\u{7}\"é\\";
        assert_eq!(line(hostile), "a\\u{1b}[2Jb\\r\\u{202e}c\\u{7}\"é\\");
        assert_eq!(lines("a\n\tb\r"), "a\n\tb\\r");
        assert_eq!(one_line(Some(b"\xff\x1b[2J")), "\\xff\\x1b[2J");
        assert_eq!(one_line(None), "-");
    }

    #[test]
    fn json_keeps_its_meaning() {
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
