//! Writes JSON within limits.

use super::fault::Fault;
use super::limits::Limits;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

/// JSON in the making: appended to a buffer, with what is left of the limits.
pub(super) struct Json<'a> {
    out: &'a mut Vec<u8>,
    /// The most bytes that `out` may have.
    end: usize,
    limit: usize,
    steps: u64,
    depth: u32,
    depth_max: u32,
}

impl<'a> Json<'a> {
    /// For a value that has `size` bytes before it is decoded.
    pub fn new(out: &'a mut Vec<u8>, size: usize, limits: Limits) -> Json<'a> {
        Json {
            end: out.len().saturating_add(limits.bytes),
            limit: limits.bytes,
            out,
            steps: Limits::steps(size),
            depth: 0,
            depth_max: limits.depth,
        }
    }

    /// Counts a value.
    pub fn step(&mut self) -> Result<(), Fault> {
        self.steps(1)
    }

    /// Counts work that is worth so many values.
    pub fn steps(&mut self, count: u64) -> Result<(), Fault> {
        match self.steps.checked_sub(count) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => Err(Fault::too_large(
                "the value has far more elements than bytes",
            )),
        }
    }

    /// Enters an object or array.
    pub fn enter(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        match self.depth <= self.depth_max {
            true => Ok(()),
            false => Err(Fault::too_large(format!(
                "the value is nested deeper than {} levels",
                self.depth_max
            ))),
        }
    }

    /// Leaves it.
    pub fn leave(&mut self) {
        self.depth -= 1;
    }

    fn room(&mut self, bytes: usize) -> Result<(), Fault> {
        match self.out.len() + bytes <= self.end {
            true => Ok(()),
            false => Err(Fault::too_large(format!(
                "as JSON the value is larger than {} bytes",
                self.limit
            ))),
        }
    }

    /// Writes JSON that is made already.
    pub fn raw(&mut self, json: &[u8]) -> Result<(), Fault> {
        self.room(json.len())?;
        self.out.extend_from_slice(json);
        Ok(())
    }

    /// Writes one character of syntax.
    pub fn byte(&mut self, byte: u8) -> Result<(), Fault> {
        self.room(1)?;
        self.out.push(byte);
        Ok(())
    }

    /// Writes a number; one that JSON lacks as its name.
    pub fn float(&mut self, number: f64) -> Result<(), Fault> {
        match special(number) {
            Some(name) => self.raw(name),
            None => self.number(number),
        }
    }

    /// The same with the digits that a 32-bit number needs.
    pub fn float32(&mut self, number: f32) -> Result<(), Fault> {
        match special(number.into()) {
            Some(name) => self.raw(name),
            None => self.number(number),
        }
    }

    /// Writes a finite number.
    pub fn number(&mut self, number: impl Serialize) -> Result<(), Fault> {
        // More than any number takes.
        self.room(32)?;
        serde_json::to_writer(&mut *self.out, &number)
            .map_err(|error| Fault::malformed(error.to_string()))
    }

    /// Writes a string.
    pub fn string(&mut self, text: &[u8]) -> Result<(), Fault> {
        let Ok(text) = std::str::from_utf8(text) else {
            return Err(Fault::malformed("a string is not UTF-8"));
        };
        self.room(text.len() + 2)?;
        self.out.push(b'"');
        let mut rest = text.as_bytes();
        while let Some(at) = escaped(rest) {
            self.out.extend_from_slice(&rest[..at]);
            // An escape is at most six bytes.
            self.room(rest.len() - at + 6)?;
            escape(rest[at], self.out);
            rest = &rest[at + 1..];
        }
        self.out.extend_from_slice(rest);
        self.byte(b'"')
    }

    /// Writes a string that needs no escapes.
    pub fn quoted(&mut self, text: &[u8]) -> Result<(), Fault> {
        self.room(text.len() + 2)?;
        self.out.push(b'"');
        self.out.extend_from_slice(text);
        self.out.push(b'"');
        Ok(())
    }

    /// Writes bytes as a string of base64.
    pub fn base64(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let size = bytes.len().div_ceil(3) * 4;
        self.room(size + 2)?;
        self.out.push(b'"');
        let start = self.out.len();
        self.out.resize(start + size, 0);
        // The size is exact.
        let written = STANDARD.encode_slice(bytes, &mut self.out[start..]);
        self.out.truncate(start + written.unwrap_or(0));
        self.out.push(b'"');
        Ok(())
    }
}

/// What JSON writes in place of these numbers.
fn special(number: f64) -> Option<&'static [u8]> {
    match number {
        _ if number.is_nan() => Some(b"\"NaN\""),
        f64::INFINITY => Some(b"\"Infinity\""),
        f64::NEG_INFINITY => Some(b"\"-Infinity\""),
        _ => None,
    }
}

/// A string of JSON.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// The index of the first byte that must be escaped.
fn escaped(bytes: &[u8]) -> Option<usize> {
    let mut words = bytes.chunks_exact(8);
    let mut at = 0;
    for word in words.by_ref() {
        let Ok(word) = word.try_into().map(u64::from_le_bytes) else {
            break;
        };
        let found = below_space(word) | equal(word, b'"') | equal(word, b'\\');
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let rest = words.remainder().iter();
    rest.copied().position(needs_escape).map(|found| at + found)
}

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGH: u64 = ONES << 7;

/// Marks bytes below 0x20 by their high bit; the lowest mark is exact.
fn below_space(word: u64) -> u64 {
    word.wrapping_sub(ONES * 0x20) & !word & HIGH
}

/// Marks bytes equal to this one; the lowest mark is exact.
fn equal(word: u64, byte: u8) -> u64 {
    let other = word ^ (ONES * u64::from(byte));
    other.wrapping_sub(ONES) & !other & HIGH
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        0x08 => out.extend_from_slice(b"\\b"),
        0x0c => out.extend_from_slice(b"\\f"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits {
        bytes: 1 << 20,
        depth: 3,
    };

    fn written(write: impl FnOnce(&mut Json<'_>) -> Result<(), Fault>) -> String {
        let mut out = b"before".to_vec();
        write(&mut Json::new(&mut out, 0, LIMITS)).unwrap();
        String::from_utf8(out).unwrap().split_off(6)
    }

    proptest! {
        #[test]
        fn a_string_reads_back_as_it_was(text in r#"([a-z"\\\x00-\x1f\x7fäß𝄞]|ab){0,40}"#) {
            let json = written(|json| json.string(text.as_bytes()));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text.clone());
            prop_assert_eq!(quoted(&text), json);
        }

        #[test]
        fn a_number_reads_back_as_it_was(number: f64) {
            let json = written(|json| json.float(number));
            prop_assert_eq!(json.parse::<f64>().unwrap(), number);
        }
    }

    #[test]
    fn what_json_lacks_is_a_string() {
        for (number, name) in [
            (f64::NAN, "\"NaN\""),
            (f64::INFINITY, "\"Infinity\""),
            (f64::NEG_INFINITY, "\"-Infinity\""),
            (-0.0, "-0.0"),
        ] {
            assert_eq!(written(|json| json.float(number)), name);
        }
        assert_eq!(written(|json| json.float32(0.1)), "0.1");
        assert_eq!(written(|json| json.number(i64::MIN)), i64::MIN.to_string());
        assert_eq!(written(|json| json.base64(b"\0\xff?")), "\"AP8/\"");
        assert_eq!(written(|json| json.base64(b"")), "\"\"");
    }

    #[test]
    fn nothing_is_written_beyond_the_limits() {
        let limits = Limits {
            bytes: 10,
            depth: 1,
        };
        for (text, fits) in [
            ("12345678", true),
            ("123456789", false),
            ("\x01", true),
            ("\x01\x01", false),
        ] {
            let mut out = vec![b' '; 100];
            let result = Json::new(&mut out, 0, limits).string(text.as_bytes());
            assert_eq!(result.is_ok(), fits, "{text:?}");
            assert!(out.len() <= 110);
        }
        let mut out = Vec::new();
        let mut json = Json::new(&mut out, 2, limits);
        json.enter().unwrap();
        assert!(json.enter().is_err());
        json.steps(10_032).unwrap();
        assert!(json.step().is_err());
    }
}
