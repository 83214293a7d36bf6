use crate::frames::{Frame, Parser};
use crate::http::{Exchange, find};
use std::collections::VecDeque;
use std::io::{ErrorKind, Result};
use std::time::{Duration, Instant};

/// An open event stream. Dropping it closes the connection.
pub struct Sse {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    exchange: Exchange,
    parser: Parser,
    ready: VecDeque<Frame>,
    end: Option<String>,
}

impl Sse {
    /// GET of `path` at `addr` (`127.0.0.1:port`) with these headers; returns when the head of the
    /// answer has arrived, with any status.
    pub fn open(addr: &str, path: &str, headers: &[(&str, &str)]) -> Self {
        let opened = Self::try_open(addr, path, headers);
        opened.unwrap_or_else(|error| panic!("GET http://{addr}{path}: {error}"))
    }

    /// Like [`Sse::open`], for a server that may be down.
    pub fn try_open(addr: &str, path: &str, headers: &[(&str, &str)]) -> Result<Self> {
        let headers = [&[("accept", "text/event-stream")], headers].concat();
        let exchange = Exchange::begin("GET", addr, path, &headers, b"")?;
        Ok(Sse {
            status: exchange.status,
            headers: exchange.headers.clone(),
            exchange,
            parser: Parser::default(),
            ready: VecDeque::new(),
            end: None,
        })
    }

    /// The first header of this name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The next frame of any kind; `None` if none arrives in time or the stream has ended.
    pub fn next(&mut self, timeout: Duration) -> Option<Frame> {
        let deadline = Instant::now() + timeout;
        while self.ready.is_empty() && self.end.is_none() {
            match self.exchange.read(deadline) {
                Ok(Some(bytes)) => self.ready.extend(self.parser.parse(&bytes)),
                Ok(None) => self.end = Some("complete".to_owned()),
                Err(error) if error.kind() == ErrorKind::TimedOut => break,
                Err(error) => self.end = Some(error.to_string()),
            }
        }
        self.ready.pop_front()
    }

    /// The next frame with data, as a browser dispatches it; skips comments and the like.
    pub fn next_event(&mut self, timeout: Duration) -> Option<Frame> {
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let frame = self.next(left)?;
            if frame.data.is_some() {
                return Some(frame);
            }
        }
    }

    /// The next `count` frames with data; panics if they don't arrive in time.
    pub fn events(&mut self, count: usize, timeout: Duration) -> Vec<Frame> {
        let deadline = Instant::now() + timeout;
        let mut events = Vec::with_capacity(count);
        while events.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(event) = self.next_event(left) else {
                let (have, end) = (events.len(), &self.end);
                panic!("{have} of {count} events in {timeout:?} (end: {end:?}): {events:?}");
            };
            events.push(event);
        }
        events
    }

    /// How the stream ended, if [`Sse::next`] has reached its end: `complete`, or the error.
    pub fn end(&self) -> Option<&str> {
        self.end.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
    const SOON: Duration = Duration::from_secs(10);

    /// Serves one connection with these pieces, each in its own packet, and closes it.
    fn serve(pieces: Vec<String>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            let (mut peer, _) = listener.accept().unwrap();
            peer.set_nodelay(true).unwrap();
            assert!(peer.read(&mut [0; 4096]).unwrap() > 0);
            for piece in pieces {
                peer.write_all(piece.as_bytes()).unwrap();
            }
        });
        addr
    }

    fn chunked(end: &str) -> Vec<String> {
        let body =
            "5;ext=1\r\ndata:\r\nD\r\n a\n\n: hello\n\n\r\nA\r\nid: 7\ndata\r\n4\r\n:b\n\n\r\n";
        let whole = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{body}{end}");
        whole.chars().map(String::from).collect()
    }

    #[test]
    fn a_chunked_stream_is_read_with_any_packet_boundaries() {
        let mut sse = Sse::open(&serve(chunked("0\r\n\r\n")), "/", &[]);
        assert_eq!(
            (sse.status, sse.header("content-type")),
            (200, Some("text/event-stream"))
        );
        assert_eq!(sse.next(SOON).unwrap().data.unwrap(), "a");
        assert_eq!(sse.next(SOON).unwrap().comment.unwrap(), "hello");
        let last = sse.next_event(SOON).unwrap();
        assert_eq!(
            (last.id.as_deref(), last.data.as_deref()),
            (Some("7"), Some("b"))
        );
        assert_eq!((sse.next(SOON), sse.end()), (None, Some("complete")));
    }

    #[test]
    fn a_cut_connection_is_not_complete() {
        let mut sse = Sse::open(&serve(chunked("")), "/", &[]);
        assert_eq!(sse.events(2, SOON).len(), 2);
        assert_eq!(sse.next(SOON), None);
        assert_ne!(sse.end(), Some("complete"));
    }

    #[test]
    fn a_timeout_is_not_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap().to_string();
        let peer = thread::spawn(move || {
            let mut peer = listener.accept().unwrap().0;
            write!(peer, "{HEAD}\r\n").unwrap();
            peer
        });
        let mut sse = Sse::open(&addr, "/", &[]);
        let peer = peer.join().unwrap();
        assert_eq!(
            (sse.next(Duration::from_millis(20)), sse.end()),
            (None, None)
        );
        drop(peer);
    }

    #[test]
    fn a_body_with_a_content_length_ends_there() {
        let head = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n";
        let answer = crate::http::get(&serve(vec![format!("{head}no, more")]), "/");
        assert_eq!((answer.status, answer.text().as_str()), (404, "no"));
    }
}
