//! Where an HTTP/1.1 body ends, told from bytes as they arrive (RFC 9112, section 6).

use std::mem::take;

/// Turns a body as it is sent into the body as it is meant.
pub enum Body {
    /// `Transfer-Encoding: chunked`
    Chunked(Chunk),
    /// `Content-Length`: so many bytes are still to come.
    Length(usize),
    /// Until the connection ends.
    ToEnd,
}

pub enum Chunk {
    /// In the line that says the size; what of it has come.
    Size(Vec<u8>),
    /// In the data; so many bytes are still to come.
    Data(usize),
    /// In the line end behind the data.
    DataEnd,
    /// In the lines behind the last chunk; what of the current one has come.
    Trailer(Vec<u8>),
    Done,
}

impl Body {
    /// One that comes in chunks.
    pub fn chunked() -> Self {
        Body::Chunked(Chunk::Size(vec![]))
    }

    /// As these headers (names in lower case) say.
    pub(crate) fn of(headers: &[(String, String)]) -> Self {
        let header = |name: &str| headers.iter().find(|(key, _)| key == name).map(|h| &*h.1);
        match (header("transfer-encoding"), header("content-length")) {
            (Some("chunked"), _) => Body::chunked(),
            (_, Some(length)) => Body::Length(length.parse().expect("bad Content-Length")),
            _ => Body::ToEnd,
        }
    }

    /// Whether all of it has come.
    pub fn is_done(&self) -> bool {
        matches!(self, Body::Length(0) | Body::Chunked(Chunk::Done))
    }

    /// The part of the body that is in the next bytes.
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
    /// Takes one byte of a line or all there is of the data; returns how many it took.
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
