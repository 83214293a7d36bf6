//! The part of HTTP/1.1 that a response with an endless body needs.

/// A response, as far as it has arrived.
pub enum Answer {
    /// The part of the head so far.
    Head(Vec<u8>),
    /// A body that ends with the connection.
    ToEnd,
    Chunked(Chunked),
}

impl Default for Answer {
    fn default() -> Self {
        Answer::Head(Vec::new())
    }
}

/// The position in a chunked body.
pub enum Chunked {
    /// In the line with the size; this is the size so far.
    Size(usize),
    /// After the size: an extension, or the CR.
    Extension(usize),
    Data(usize),
    /// In the line end after a chunk.
    After,
    Done,
}

impl Answer {
    /// Takes the bytes read (none means the connection's end) and hands out the body's bytes. False
    /// when the response is complete; an error when it can't continue.
    pub fn decode(&mut self, bytes: &[u8], body: &mut impl FnMut(&[u8])) -> Result<bool, String> {
        if bytes.is_empty() {
            return Ok(false);
        }
        match self {
            Answer::ToEnd => body(bytes),
            Answer::Chunked(chunked) => return chunked.decode(bytes, body),
            Answer::Head(head) => {
                let had = head.len();
                head.extend_from_slice(bytes);
                let Some(end) = head.windows(4).position(|end| end == b"\r\n\r\n") else {
                    return Ok(true);
                };
                *self = begun(&head[..end])?;
                let early = &bytes[end + 4 - had..];
                return Ok(early.is_empty() || self.decode(early, body)?);
            }
        }
        Ok(true)
    }
}

/// The kind of body that follows this head.
fn begun(head: &[u8]) -> Result<Answer, String> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let (status, headers) = head.split_once("\r\n").unwrap_or((&head, ""));
    if status.split(' ').nth(1) != Some("200") {
        return Err(format!("answered {status}"));
    }
    let chunked = |line: &str| {
        let header = line.split_once(':');
        header.is_some_and(|(name, value)| name == "transfer-encoding" && value.contains("chunked"))
    };
    match headers.split("\r\n").any(chunked) {
        true => Ok(Answer::Chunked(Chunked::Size(0))),
        false => Ok(Answer::ToEnd),
    }
}

impl Chunked {
    fn decode(&mut self, mut bytes: &[u8], body: &mut impl FnMut(&[u8])) -> Result<bool, String> {
        while let Some(&byte) = bytes.first() {
            if let Chunked::Data(left) = *self {
                let (data, rest) = bytes.split_at(left.min(bytes.len()));
                body(data);
                bytes = rest;
                *self = match left - data.len() {
                    0 => Chunked::After,
                    left => Chunked::Data(left),
                };
                continue;
            }
            self.step(byte)?;
            if matches!(self, Chunked::Done) {
                return Ok(false); // trailers are ignored
            }
            bytes = &bytes[1..];
        }
        Ok(true)
    }

    /// Takes one byte of the chunk framing.
    fn step(&mut self, byte: u8) -> Result<(), String> {
        *self = match (&*self, byte) {
            (Chunked::After, b'\n') => Chunked::Size(0),
            (Chunked::After, _) => Chunked::After,
            (Chunked::Size(size) | Chunked::Extension(size), b'\n') => match *size {
                0 => Chunked::Done,
                size => Chunked::Data(size),
            },
            (Chunked::Size(size), byte) if byte.is_ascii_hexdigit() => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                Chunked::Size(size * 16 + digit as usize)
            }
            (Chunked::Size(size), b'\r' | b';' | b' ') => Chunked::Extension(*size),
            (Chunked::Extension(size), _) => Chunked::Extension(*size),
            _ => return Err(format!("chunked: unexpected byte {byte}")),
        };
        Ok(())
    }
}
