//! A reader during an attack: the attack must not affect it.

use super::{GROWTH, SOON};
use crate::sse::rig::{Rig, numbered};
use millstream_tests::Sse;
use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::time::Duration;

/// An ordinary reader and its daemon.
pub struct Bystander<'a> {
    rig: &'a Rig<'a>,
    sse: Sse,
    read: usize,
    /// The daemon's memory at the start, in bytes.
    before: u64,
}

impl<'a> Bystander<'a> {
    /// Opens its stream and records the daemon's memory.
    pub fn of(rig: &'a Rig<'a>) -> Self {
        let (sse, _) = rig.open("client=beside");
        let mut bystander = Bystander {
            rig,
            sse,
            read: 0,
            before: 0,
        };
        bystander.reads_on();
        rig.daemon.forget_peak();
        bystander.before = rig.daemon.memory().now;
        bystander
    }

    /// Checks that it gets its next event.
    #[track_caller]
    pub fn reads_on(&mut self) {
        self.rig.send("beside", numbered(self.read..self.read + 1));
        let event = self.sse.events(1, SOON).remove(0);
        assert_eq!(event.data, numbered(self.read..self.read + 1).next());
        self.read += 1;
    }

    /// Checks that it still gets events, and that the daemon did not grow beyond the limit.
    #[track_caller]
    pub fn noticed_nothing(mut self) {
        self.reads_on();
        let grown = self.rig.daemon.memory().peak.saturating_sub(self.before);
        println!("the daemon grew by {} KiB", grown >> 10);
        assert!(grown < GROWTH, "the daemon grew by {} KiB", grown >> 10);
    }
}

/// Reads to the connection's end and returns what arrived; panics if it does not end.
#[track_caller]
pub fn read_to_end(mut socket: TcpStream) -> String {
    socket.set_read_timeout(Some(SOON)).unwrap();
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => all.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let all = String::from_utf8_lossy(&all);
                panic!("the connection does not end; so far: {all}")
            }
            Err(_) => break, // reset: the daemon did not read everything
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// A connection on which nothing is sent yet.
pub fn connect(rig: &Rig) -> TcpStream {
    let socket = TcpStream::connect(rig.daemon.sse()).unwrap();
    // A daemon that does not read must not block the test either.
    socket
        .set_write_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    socket.set_nodelay(true).unwrap();
    socket
}

/// Checks for a 4xx status, or a closed connection.
#[track_caller]
pub fn assert_refused(answer: &str) {
    let status = answer.strip_prefix("HTTP/1.1 ");
    let is_refusal = status.is_some_and(|status| status.starts_with('4'));
    assert!(answer.is_empty() || is_refusal, "{answer}");
}
