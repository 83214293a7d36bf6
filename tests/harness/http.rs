//! A minimal HTTP/1.1 client, which shows the tests what a library would hide.

use crate::chunked::Body;
use std::io::{ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const ANSWER: Duration = Duration::from_secs(30);

/// A complete answer.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    /// Names in lower case, in the order sent.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of this name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// GET of `path` at `addr` (`127.0.0.1:port`).
pub fn get(addr: &str, path: &str) -> Response {
    request("GET", addr, path, &[], b"").unwrap_or_else(|e| panic!("GET http://{addr}{path}: {e}"))
}

/// Any request, on a new connection.
pub fn request(
    method: &str,
    addr: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Response> {
    let headers = [&[("connection", "close")], headers].concat();
    let mut exchange = Exchange::begin(method, addr, path, &headers, body)?;
    let mut body = Vec::new();
    while let Some(more) = exchange.read(Instant::now() + ANSWER)? {
        body.extend(more);
    }
    Ok(Response {
        status: exchange.status,
        headers: exchange.headers,
        body,
    })
}

pub(crate) fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut found = headers.iter().filter(|(header, _)| header == name);
    found.next().map(|(_, value)| value.as_str())
}

/// A request whose answer has begun; its body is read as it arrives.
pub(crate) struct Exchange {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    body: Body,
    /// Bytes that arrived with the headers.
    early: Vec<u8>,
    stream: TcpStream,
}

impl Exchange {
    pub(crate) fn begin(
        method: &str,
        addr: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Self> {
        let addr_parsed = addr.parse().unwrap_or_else(|e| panic!("{addr}: {e}"));
        let mut stream = TcpStream::connect_timeout(&addr_parsed, ANSWER)?;
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            head += &format!("host: {addr}\r\n");
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("content-length: {}\r\n\r\n", body.len());
        stream.write_all(&[head.as_bytes(), body].concat())?;
        let mut exchange = Self::read_head(stream)?;
        if method == "HEAD" || exchange.status == 204 {
            exchange.body = Body::Length(0); // no body, whatever the headers say
        }
        Ok(exchange)
    }

    /// The next bytes of the body; `None` when it is complete. The error is of kind `TimedOut` if
    /// nothing arrives in time, and of kind `UnexpectedEof` if the connection ends too soon.
    pub(crate) fn read(&mut self, deadline: Instant) -> Result<Option<Vec<u8>>> {
        if self.body.is_done() {
            return Ok(None);
        }
        let mut bytes = std::mem::take(&mut self.early);
        if bytes.is_empty() {
            bytes = receive(&mut self.stream, deadline)?;
        }
        match bytes.is_empty() {
            true if matches!(self.body, Body::ToEnd) => Ok(None),
            true => Err(ErrorKind::UnexpectedEof.into()),
            false => Ok(Some(self.body.decode(&bytes))),
        }
    }

    fn read_head(mut stream: TcpStream) -> Result<Self> {
        let (deadline, mut bytes) = (Instant::now() + ANSWER, Vec::new());
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
                break end;
            }
            match receive(&mut stream, deadline)? {
                more if more.is_empty() => return Err(ErrorKind::UnexpectedEof.into()),
                more => bytes.extend(more),
            }
        };
        let early = bytes.split_off(end + 4);
        let head = String::from_utf8_lossy(&bytes[..end]);
        let (status, headers) = parse_head(&head);
        Ok(Exchange {
            status,
            body: Body::of(&headers),
            headers,
            early,
            stream,
        })
    }
}

fn parse_head(head: &str) -> (u16, Vec<(String, String)>) {
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.and_then(|code| code.parse().ok());
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    let headers = lines.filter_map(header).collect();
    (
        status.unwrap_or_else(|| panic!("not HTTP: {head}")),
        headers,
    )
}

/// Reads at least one byte; nothing at the end of the connection.
fn receive(stream: &mut TcpStream, deadline: Instant) -> Result<Vec<u8>> {
    let left = deadline.saturating_duration_since(Instant::now());
    stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
    let mut buffer = vec![0; 64 * 1024];
    match stream.read(&mut buffer) {
        Ok(read) => buffer.truncate(read),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            return Err(ErrorKind::TimedOut.into()); // what Linux returns at a read timeout
        }
        Err(error) => return Err(error),
    }
    Ok(buffer)
}
