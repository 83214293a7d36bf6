//! HTTP/2 frames (RFC 9113) as a client sends them, one by one: the tests send what a library never
//! would.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

/// SETTINGS_INITIAL_WINDOW_SIZE
const INITIAL_WINDOW: u16 = 4;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http2Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

/// A connection. It answers pings and settings; the test does everything else.
pub struct Http2 {
    socket: TcpStream,
    buffer: Vec<u8>,
    ended: bool,
}

impl Http2 {
    /// A new connection, before the preface.
    pub fn connect(addr: &str) -> Self {
        let socket = TcpStream::connect(addr).unwrap();
        socket.set_nodelay(true).unwrap();
        Http2 {
            socket,
            buffer: Vec::new(),
            ended: false,
        }
    }

    /// A connection after the preface, with this window for each stream.
    pub fn open(addr: &str, window: u32) -> Self {
        let mut http2 = Http2::connect(addr);
        http2.raw(PREFACE);
        let settings = [&INITIAL_WINDOW.to_be_bytes()[..], &window.to_be_bytes()].concat();
        http2.send(SETTINGS, 0, 0, &settings);
        http2
    }

    /// Sends bytes; returns whether that succeeded.
    pub fn raw(&mut self, bytes: &[u8]) -> bool {
        self.socket.write_all(bytes).is_ok()
    }

    /// Sends a frame; returns whether that succeeded.
    pub fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> bool {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        self.raw(&[&head, payload].concat())
    }

    /// A complete GET of this path.
    pub fn get(&mut self, stream: u32, path: &str, headers: &[(&str, &str)]) {
        self.ask("GET", stream, path, headers);
    }

    /// A complete request without a body.
    pub fn ask(&mut self, method: &str, stream: u32, path: &str, headers: &[(&str, &str)]) {
        let block = [literal(":method", method), rest_of_block(path, headers)].concat();
        self.send(HEADERS, END_STREAM | END_HEADERS, stream, &block);
    }

    /// Lets the server send this many more bytes on the stream; 0 is the connection.
    pub fn widen(&mut self, stream: u32, by: u32) {
        self.send(WINDOW_UPDATE, 0, stream, &by.to_be_bytes());
    }

    /// The next frame that the connection does not answer by itself; `None` if none arrives in time
    /// or the connection has ended.
    pub fn next(&mut self, timeout: Duration) -> Option<Http2Frame> {
        let deadline = Instant::now() + timeout;
        loop {
            let frame = self.frame(deadline)?;
            match (frame.kind, frame.flags) {
                (SETTINGS | PING, ACK) => {}
                (SETTINGS, _) => drop(self.send(SETTINGS, ACK, 0, &[])),
                (PING, _) => drop(self.send(PING, ACK, 0, &frame.payload)),
                _ => return Some(frame),
            }
        }
    }

    /// Whether the server ended the connection.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    fn frame(&mut self, deadline: Instant) -> Option<Http2Frame> {
        loop {
            if let Some((head, rest)) = self.buffer.split_first_chunk::<9>() {
                let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
                if rest.len() >= length {
                    let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
                    let frame = Http2Frame {
                        kind: head[3],
                        flags: head[4],
                        stream,
                        payload: rest[..length].to_vec(),
                    };
                    self.buffer.drain(..9 + length);
                    return Some(frame);
                }
            }
            self.receive(deadline)?;
        }
    }

    fn receive(&mut self, deadline: Instant) -> Option<()> {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = left.max(Duration::from_millis(1));
        self.socket.set_read_timeout(Some(left)).unwrap();
        let mut bytes = [0; 16 << 10];
        match self.socket.read(&mut bytes) {
            Ok(read @ 1..) => {
                self.buffer.extend_from_slice(&bytes[..read]);
                Some(())
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Ok(_) | Err(_) => {
                self.ended = true;
                None
            }
        }
    }
}

/// The header block of a GET, with every field as a literal without indexing (RFC 7541, 6.2.2).
pub fn block(path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    [literal(":method", "GET"), rest_of_block(path, headers)].concat()
}

fn rest_of_block(path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let pseudo = [
        (":scheme", "http"),
        (":authority", "localhost"),
        (":path", path),
    ];
    let fields = pseudo.iter().chain(headers);
    fields
        .flat_map(|(name, value)| literal(name, value))
        .collect()
}

/// One header field.
pub fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&length(text.len())[..], text.as_bytes()].concat();
    [&[0][..], &text(name), &text(value)].concat()
}

/// An integer with a prefix of seven bits (RFC 7541, 5.1).
fn length(length: usize) -> Vec<u8> {
    let Some(mut rest) = length.checked_sub(127) else {
        return vec![length as u8];
    };
    let mut bytes = vec![127];
    while rest >= 128 {
        bytes.push((rest % 128) as u8 | 128);
        rest /= 128;
    }
    bytes.push(rest as u8);
    bytes
}
