//! Finds the end of an HTTP/1.1 body while its bytes arrive (RFC 9112, section 6).

use std::mem::take;

/// Decodes a body from its bytes on the wire.
pub enum Body {
    /// `Transfer-Encoding: chunked`
    Chunked(Chunk),
    /// `Content-Length`: the number of bytes still to come.
    Length(usize),
    /// The body lasts until the connection ends.
    ToEnd,
}

pub enum Chunk {
    /// In the line with the size; holds its bytes so far.
    Size(Vec<u8>),
    /// In the data; holds the number of bytes still to come.
    Data(usize),
    /// In the line end after the data.
    DataEnd,
    /// In the lines after the last chunk; holds the bytes of the current line so far.
    Trailer(Vec<u8>),
    Done,
}

impl Body {
    /// A chunked body.
    pub fn chunked() -> Self {
        Body::Chunked(Chunk::Size(vec![]))
    }

    /// The body that these headers (names in lower case) describe.
    pub(crate) fn of(headers: &[(String, String)]) -> Self {
        let header = |name: &str| headers.iter().find(|(key, _)| key == name).map(|h| &*h.1);
        match (header("transfer-encoding"), header("content-length")) {
            (Some("chunked"), _) => Body::chunked(),
            (_, Some(length)) => Body::Length(length.parse().expect("bad Content-Length")),
            _ => Body::ToEnd,
        }
    }

    /// Whether the body is complete.
    pub fn is_done(&self) -> bool {
        matches!(self, Body::Length(0) | Body::Chunked(Chunk::Done))
    }

    /// Decodes the next bytes; returns the part of the body in them.
    pub fn decode(&mut self, mut input: &[u8]) -> Vec<u8> {
        let mut output = Vec::new();
        while !input.is_empty() && !self.is_done() {
            let used = match self {
                Body::Chunked(chunk) => chunk.step(input, &mut output),
                Body::Length(left) => copy(left, input, &mut output),
                Body::ToEnd => copy(&mut input.len(), input, &mut output),
            };
            input = &input[used..];
        }
        output
    }
}

impl Chunk {
    /// Consumes one byte of a line, or all available data; returns how many bytes it consumed.
    fn step(&mut self, input: &[u8], output: &mut Vec<u8>) -> usize {
        match self {
            Chunk::Data(left) => {
                let used = copy(left, input, output);
                if *left == 0 {
                    *self = Chunk::DataEnd;
                }
                return used;
            }
            Chunk::DataEnd if input[0] == b'\n' => *self = Chunk::Size(vec![]),
            Chunk::Size(line) if input[0] == b'\n' => *self = Chunk::of_size(line),
            Chunk::Trailer(line) if input[0] == b'\n' => {
                *self = match take(line).is_empty() {
                    true => Chunk::Done,
                    false => Chunk::Trailer(vec![]),
                }
            }
            Chunk::Size(line) | Chunk::Trailer(line) if input[0] != b'\r' => line.push(input[0]),
            _ => {}
        }
        1
    }

    fn of_size(line: &[u8]) -> Self {
        let line = std::str::from_utf8(line).unwrap();
        let digits = line.split(';').next().unwrap().trim(); // extensions follow
        match usize::from_str_radix(digits, 16).expect("bad chunk size") {
            0 => Chunk::Trailer(vec![]),
            size => Chunk::Data(size),
        }
    }
}

fn copy(left: &mut usize, input: &[u8], output: &mut Vec<u8>) -> usize {
    let used = input.len().min(*left);
    output.extend_from_slice(&input[..used]);
    *left -= used;
    used
}
