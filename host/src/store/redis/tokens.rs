//! The parts of Redis' answers, one after another, without a copy.

use redis::{ServerError, Value};
use std::io::{self, ErrorKind, Read};
use std::ops::Range;

/// How much is read at once, at least.
const CHUNK: usize = 64 << 10;
/// The nesting of an answer: an array in an array, and so on.
const DEPTH: usize = 32;

/// One part of an answer: a whole one, or an array's head, whose elements follow.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A word, such as `OK`.
    Simple(&'a [u8]),
    /// An error, without the `-`.
    Error(&'a [u8]),
    Int(i64),
    Bulk(&'a [u8]),
    Nil,
    Array(usize),
}

/// What was read and is not parsed yet.
#[derive(Default)]
pub(super) struct Tokens {
    buffer: Vec<u8>,
    unread: Range<usize>,
}

impl Tokens {
    /// The next token. Waits for it if it is not there.
    pub fn next(&mut self, from: &mut dyn Read) -> io::Result<Token<'_>> {
        let line = self.line(from)?;
        let kind = *self.buffer.get(line.start).ok_or_else(garbled)?;
        let rest = line.start + 1..line.end;
        match kind {
            b'+' => Ok(Token::Simple(&self.buffer[rest])),
            b'-' => Ok(Token::Error(&self.buffer[rest])),
            b':' => self.number(rest).map(Token::Int),
            b'*' => match self.length(rest)? {
                None => Ok(Token::Nil),
                Some(length) => Ok(Token::Array(length)),
            },
            b'$' => match self.length(rest)? {
                None => Ok(Token::Nil),
                Some(length) => {
                    let whole = self.take(length.checked_add(2).ok_or_else(garbled)?, from)?;
                    Ok(Token::Bulk(&self.buffer[whole.start..whole.end - 2]))
                }
            },
            _ => Err(garbled()),
        }
    }

    /// The next answer, as the library has it.
    pub fn value(&mut self, from: &mut dyn Read) -> io::Result<Value> {
        self.nested(from, DEPTH)
    }

    /// Passes over the rest of an answer that began with this many elements.
    pub fn skip(&mut self, elements: usize, from: &mut dyn Read) -> io::Result<()> {
        let mut left = elements;
        while left > 0 {
            left -= 1;
            if let Token::Array(elements) = self.next(from)? {
                left = left.checked_add(elements).ok_or_else(garbled)?;
            }
        }
        Ok(())
    }

    fn nested(&mut self, from: &mut dyn Read, depth: usize) -> io::Result<Value> {
        Ok(match self.next(from)? {
            Token::Simple(b"OK") => Value::Okay,
            Token::Simple(word) => Value::SimpleString(String::from_utf8_lossy(word).into_owned()),
            Token::Error(error) => error_value(error),
            Token::Int(number) => Value::Int(number),
            Token::Bulk(bytes) => Value::BulkString(bytes.to_vec()),
            Token::Nil => Value::Nil,
            Token::Array(_) if depth == 0 => return Err(garbled()),
            Token::Array(length) => {
                // Not allocated beforehand: a wrong length must not exhaust memory.
                let mut all = Vec::new();
                for _ in 0..length {
                    all.push(self.nested(from, depth - 1)?);
                }
                Value::Array(all)
            }
        })
    }

    /// Reads a line; returns its place, without its end.
    fn line(&mut self, from: &mut dyn Read) -> io::Result<Range<usize>> {
        let mut seen = 0;
        loop {
            let unread = &self.buffer[self.unread.clone()];
            // Lines are short, so this beats a search by words.
            if let Some(at) = unread[seen..].iter().position(|byte| *byte == b'\n') {
                let start = self.unread.start;
                let end = start + seen + at;
                self.unread.start = end + 1;
                return match end > start && self.buffer[end - 1] == b'\r' {
                    true => Ok(start..end - 1),
                    false => Err(garbled()),
                };
            }
            seen = unread.len();
            self.read(from, 1)?;
        }
    }

    /// Reads this many bytes; returns their place.
    fn take(&mut self, count: usize, from: &mut dyn Read) -> io::Result<Range<usize>> {
        while self.unread.len() < count {
            self.read(from, count - self.unread.len())?;
        }
        let taken = self.unread.start..self.unread.start + count;
        self.unread.start = taken.end;
        Ok(taken)
    }

    /// Reads more, and makes room for at least this many bytes, or a chunk.
    fn read(&mut self, from: &mut dyn Read, wanted: usize) -> io::Result<()> {
        self.buffer.copy_within(self.unread.clone(), 0);
        self.unread = 0..self.unread.len();
        // Grows with what has come, not with what was announced.
        let room = wanted.clamp(CHUNK, self.unread.len().max(CHUNK));
        self.buffer.resize(self.unread.end + room, 0);
        loop {
            match from.read(&mut self.buffer[self.unread.end..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    self.unread.end += read;
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn number(&self, digits: Range<usize>) -> io::Result<i64> {
        let text = std::str::from_utf8(&self.buffer[digits]).ok();
        text.and_then(|text| text.parse().ok()).ok_or_else(garbled)
    }

    /// `None` for a missing value, which has the length -1.
    fn length(&self, digits: Range<usize>) -> io::Result<Option<usize>> {
        match self.number(digits)? {
            -1 => Ok(None),
            length => usize::try_from(length).map(Some).map_err(|_| garbled()),
        }
    }
}

/// An error as the library has it, which tells its code from its words.
pub(super) fn error_value(error: &[u8]) -> Value {
    // It repeats arguments, which may be cut within a character.
    let line = format!("-{}\r\n", String::from_utf8_lossy(error));
    let value = redis::parse_redis_value(line.as_bytes());
    value.unwrap_or_else(|_| Value::ServerError(unreadable()))
}

/// Never taken for an answer that something was done.
fn unreadable() -> ServerError {
    let value = redis::parse_redis_value(b"-ERR an unreadable error\r\n");
    match value {
        Ok(Value::ServerError(error)) => error,
        _ => unreachable!("this is an error in Redis' protocol"),
    }
}

fn garbled() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "the answer is not Redis' protocol")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    const ANSWERS: &[u8] = b"+OK\r\n+QUEUED\r\n-WRONGTYPE not a stream\r\n:-12\r\n$-1\r\n*-1\r\n\
        $0\r\n\r\n$7\r\na\r\nb\r\nc\r\n*3\r\n:1\r\n*2\r\n$1\r\nx\r\n-ERR no\r\n$-1\r\n";

    #[test]
    fn answers_are_read_as_the_library_reads_them_however_they_arrive() {
        for pieces in [1, 2, 3, 7, 1000] {
            let (mut tokens, mut from) = (Tokens::default(), Drip(ANSWERS, pieces));
            let mut library = redis::Parser::new();
            let mut rest = ANSWERS;
            for _ in 0..9 {
                let expected = library.parse_value(&mut rest).unwrap();
                assert_eq!(tokens.value(&mut from).unwrap(), expected);
            }
            let end = tokens.value(&mut from).unwrap_err();
            assert_eq!(end.kind(), ErrorKind::UnexpectedEof);
        }
    }

    #[test]
    fn a_nested_answer_is_passed_over() {
        let (mut tokens, mut from) = (Tokens::default(), Drip(ANSWERS, 5));
        tokens.skip(8, &mut from).unwrap();
        tokens.skip(1, &mut from).unwrap();
        let end = tokens.next(&mut from).unwrap_err();
        assert_eq!(end.kind(), ErrorKind::UnexpectedEof);
    }

    #[test]
    fn an_error_stays_one_whatever_its_bytes() {
        for error in [&b"ERR unknown command with \xc3"[..], b"", b" ", b"\xff"] {
            let value = error_value(error);
            assert!(
                matches!(value, Value::ServerError(_)),
                "{error:?}: {value:?}"
            );
        }
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        let deep = b"*1\r\n".repeat(DEPTH + 2);
        for wrong in [
            &b"hello\r\n"[..],
            b"\r\n",
            b"\n",
            b":1\n",
            b":\r\n",
            b":1x\r\n",
            b"$-2\r\n",
            b"*-7\r\n",
            b"*99999999999999999999\r\n",
            b"$9223372036854775807\r\n",
            &deep,
        ] {
            let error = Tokens::default().value(&mut Drip(wrong, 9)).unwrap_err();
            let kinds = [ErrorKind::InvalidData, ErrorKind::UnexpectedEof];
            assert!(kinds.contains(&error.kind()), "{wrong:?}: {error}");
        }
    }
}
