//! The event stream format of the HTML standard (section 9.2.6), including what a browser hides:
//! comments, and frames without data.

use std::mem::take;

/// The fields between two empty lines. An absent field is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    pub id: Option<String>,
    pub event: Option<String>,
    /// The data lines, joined by LF.
    pub data: Option<String>,
    pub comment: Option<String>,
    /// Milliseconds.
    pub retry: Option<u64>,
}

/// Parses frames from bytes with any boundaries.
#[derive(Default)]
pub struct Parser {
    line: Vec<u8>,
    after_cr: bool,
    frame: Frame,
}

impl Parser {
    /// The frames that these bytes complete.
    pub fn parse(&mut self, bytes: &[u8]) -> Vec<Frame> {
        bytes.iter().filter_map(|byte| self.byte(*byte)).collect()
    }

    fn byte(&mut self, byte: u8) -> Option<Frame> {
        let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
        match byte {
            b'\n' if after_cr => None,
            b'\r' | b'\n' => self.end_of_line(),
            _ => {
                self.line.push(byte);
                None
            }
        }
    }

    fn end_of_line(&mut self) -> Option<Frame> {
        let line = String::from_utf8(take(&mut self.line)).expect("an event stream is UTF-8");
        if line.is_empty() {
            return Some(take(&mut self.frame)).filter(|frame| *frame != Frame::default());
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        self.field(field, value.strip_prefix(' ').unwrap_or(value));
        None
    }

    fn field(&mut self, field: &str, value: &str) {
        match field {
            "" => append(&mut self.frame.comment, value),
            "data" => append(&mut self.frame.data, value),
            "id" => self.frame.id = Some(value.to_owned()),
            "event" => self.frame.event = Some(value.to_owned()),
            "retry" => self.frame.retry = value.parse().ok(),
            _ => panic!("not a field of an event stream: {field}: {value}"),
        }
    }
}

fn append(lines: &mut Option<String>, line: &str) {
    match lines {
        Some(lines) => *lines = format!("{lines}\n{line}"),
        None => *lines = Some(line.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &str, expected: &[Frame]) {
        assert_eq!(Parser::default().parse(bytes.as_bytes()), expected);
        let mut parser = Parser::default();
        let singles = bytes.bytes().flat_map(|byte| parser.parse(&[byte]));
        assert_eq!(singles.collect::<Vec<_>>(), expected, "byte by byte");
    }

    fn data(data: &str) -> Frame {
        let data = Some(data.to_owned());
        Frame {
            data,
            ..Frame::default()
        }
    }

    #[test]
    fn every_line_end_ends_a_line() {
        check(
            "data: a\n\ndata: b\r\n\r\ndata: c\r\r",
            &[data("a"), data("b"), data("c")],
        );
    }

    #[test]
    fn data_lines_are_joined_and_one_space_is_dropped() {
        check("data:a\ndata:  b\ndata\n\n", &[data("a\n b\n")]);
    }

    #[test]
    fn a_frame_may_have_no_data() {
        let id = Some("1-0".to_owned());
        let frame = Frame {
            id,
            ..Frame::default()
        };
        check("id: 1-0\n\n", &[frame]);
    }

    #[test]
    fn an_unfinished_frame_is_dropped() {
        check("data: a\n", &[]);
    }
}
