//! The tokens of JSON, and values that are skipped.

use super::super::scan;
use super::{DEPTH, Failed, Reader, Result};

impl<'de> Reader<'de> {
    /// The byte here; 0, which is in no token, at the end.
    #[inline]
    pub fn here(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    /// Passes white space; returns the byte behind it.
    #[inline]
    pub fn space(&mut self) -> u8 {
        match self.here() {
            b' ' | b'\n' | b'\t' | b'\r' => self.spaces(),
            byte => byte,
        }
    }

    #[inline(never)]
    fn spaces(&mut self) -> u8 {
        loop {
            self.at += 1;
            match self.here() {
                b' ' | b'\n' | b'\t' | b'\r' => {}
                byte => return byte,
            }
        }
    }

    /// Passes `byte`, which must be here.
    #[inline]
    pub fn pass(&mut self, byte: u8) -> Result<()> {
        if self.here() != byte {
            return Err(Failed);
        }
        self.at += 1;
        Ok(())
    }

    /// Passes a word.
    pub fn word(&mut self, word: &str) -> Result<()> {
        let rest = &self.text.as_bytes()[self.at..];
        if !rest.starts_with(word.as_bytes()) {
            return Err(Failed);
        }
        self.at += word.len();
        Ok(())
    }

    /// Passes an opening bracket.
    #[inline]
    pub fn enter(&mut self) -> Result<()> {
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Failed);
        }
        Ok(())
    }

    /// Passes white space and a closing bracket.
    #[inline]
    pub fn leave(&mut self, bracket: u8) -> Result<()> {
        self.space();
        self.depth -= 1;
        self.pass(bracket)
    }

    /// Passes the comma and the white space before an element or a key. Returns false at the
    /// closing bracket.
    #[inline]
    pub fn next(&mut self, first: &mut bool, end: u8) -> Result<bool> {
        let byte = self.space();
        if byte == end {
            return Ok(false);
        }
        if std::mem::take(first) {
            return Ok(true);
        }
        self.pass(b',')?;
        match self.space() == end {
            true => Err(Failed),
            false => Ok(true),
        }
    }

    #[inline]
    pub fn colon(&mut self) -> Result<()> {
        self.space();
        self.pass(b':')
    }

    /// Passes a string, and returns what is between its quotes. `escapes` tells then
    /// whether it has any.
    #[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
    pub fn string(&mut self) -> Result<&'de str> {
        self.pass(b'"')?;
        let start = self.at;
        self.at = scan::special(self.text.as_bytes(), start);
        self.escapes = self.here() == b'\\';
        if self.here() != b'"' {
            self.rest_of_string()?;
        }
        let inner = self.text.get(start..self.at).ok_or(Failed)?;
        self.at += 1;
        Ok(inner)
    }

    /// Passes a string from an escape on, up to its quote.
    #[cold]
    #[inline(never)]
    #[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
    fn rest_of_string(&mut self) -> Result<()> {
        while self.here() == b'\\' {
            self.escape()?;
            self.at = scan::special(self.text.as_bytes(), self.at);
        }
        match self.here() {
            b'"' => Ok(()),
            _ => Err(Failed),
        }
    }

    /// The string that was just passed, with its quotes.
    pub fn quoted(&self, inner: &str) -> Result<&'de str> {
        let start = self.at.checked_sub(inner.len() + 2);
        let quoted = start.and_then(|start| self.text.get(start..self.at));
        quoted.ok_or(Failed)
    }

    fn escape(&mut self) -> Result<()> {
        self.at += 1;
        let kind = self.here();
        self.at += 1;
        match kind {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => {
                let digits = self.text.as_bytes().get(self.at..self.at + 4);
                let is_hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
                self.at += 4;
                digits.filter(|d| is_hex(d)).map(drop).ok_or(Failed)
            }
            _ => Err(Failed),
        }
    }

    /// Passes a number.
    pub fn number(&mut self) -> Result<&'de str> {
        let start = self.at;
        self.at += usize::from(self.here() == b'-');
        match self.here() {
            b'0' => self.at += 1,
            _ => self.digits()?,
        }
        if self.here() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.here(), b'e' | b'E') {
            self.at += 1;
            self.at += usize::from(matches!(self.here(), b'+' | b'-'));
            self.digits()?;
        }
        self.text.get(start..self.at).ok_or(Failed)
    }

    /// Passes one digit or more.
    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while self.here().is_ascii_digit() {
            self.at += 1;
        }
        match self.at > start {
            true => Ok(()),
            false => Err(Failed),
        }
    }

    /// Passes a value, and returns it without the white space around it.
    pub fn skip(&mut self) -> Result<&'de str> {
        self.space();
        let start = self.at;
        let outside = self.depth;
        // One bit for each open bracket: whether it is an object's.
        let mut objects: u128 = 0;
        let mut first = false;
        loop {
            // A value, or the first of what has just been opened.
            match self.space() {
                b'"' => drop(self.string()?),
                b'{' | b'[' => {
                    objects = objects << 1 | u128::from(self.here() == b'{');
                    self.enter()?;
                    first = true;
                }
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                _ => drop(self.number()?),
            }
            // Out of all that ends here, to the next value.
            loop {
                if self.depth == outside {
                    return self.text.get(start..self.at).ok_or(Failed);
                }
                let is_object = objects & 1 == 1;
                let end = if is_object { b'}' } else { b']' };
                if self.next(&mut first, end)? {
                    if is_object {
                        self.string()?;
                        self.colon()?;
                    }
                    break;
                }
                self.leave(end)?;
                objects >>= 1;
                first = false;
            }
        }
    }
}
