//! The client: one connection, read by a thread that notes when each event arrives.

use super::stages::Received;
use crate::clock::now;
use crate::edge::client::{http::Answer, sse::Frame, sse::Parser};
use anyhow::{Result, bail, ensure};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long to wait without progress before giving up.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Reader {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The first frame has arrived.
    open: bool,
    received: Vec<Received>,
    /// Why no more will arrive.
    trouble: Option<String>,
}

impl Reader {
    /// Connects, and returns when the stream is open.
    pub fn open(addr: &str, client: &str) -> Result<Reader> {
        let mut stream = TcpStream::connect(addr)?;
        write!(
            stream,
            "GET /v1/events?client={client} HTTP/1.1\r\nhost: {addr}\r\n\
             accept: text/event-stream\r\n\r\n"
        )?;
        let reader = Reader {
            state: Arc::default(),
        };
        let state = reader.state.clone();
        thread::spawn(move || {
            let trouble = read(&mut stream, &state);
            lock(&state).trouble.get_or_insert(trouble);
        });
        reader.wait_until("the stream to open", |state| usize::from(state.open), 1)?;
        Ok(reader)
    }

    /// Waits until this many events have arrived in all; returns all.
    pub fn wait(&self, events: usize) -> Result<Vec<Received>> {
        let what = format!("{events} events");
        self.wait_until(&what, |state| state.received.len(), events)?;
        let received = lock(&self.state).received.clone();
        ensure!(
            received.len() == events,
            "{} events of {events} records",
            received.len()
        );
        Ok(received)
    }

    fn wait_until(&self, what: &str, progress: impl Fn(&State) -> usize, all: usize) -> Result<()> {
        let (mut had, mut since) = (0, Instant::now());
        loop {
            {
                let state = lock(&self.state);
                let has = progress(&state);
                if has >= all {
                    return Ok(());
                }
                if let Some(trouble) = &state.trouble {
                    bail!("waited for {what}: {trouble}");
                }
                if has != had {
                    (had, since) = (has, Instant::now());
                }
            }
            ensure!(
                since.elapsed() < PATIENCE,
                "waited for {what}, and had {had} of {all}"
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Reads until the connection ends; returns why it did.
fn read(stream: &mut TcpStream, state: &Mutex<State>) -> String {
    let (mut answer, mut parser) = (Answer::default(), Parser::default());
    let mut buffer = [0; 16 << 10];
    loop {
        let read = match stream.read(&mut buffer) {
            Ok(read) => read,
            Err(error) => return error.to_string(),
        };
        let at = now();
        let mut body = |bytes: &[u8]| parser.feed(bytes, &mut |frame| take(state, frame, at));
        match answer.decode(&buffer[..read], &mut body) {
            Ok(true) => {}
            Ok(false) => return "the server ended the stream".to_owned(),
            Err(trouble) => return trouble,
        }
    }
}

fn take(state: &Mutex<State>, frame: &Frame, at: u64) {
    let mut state = lock(state);
    state.open = true;
    if frame.is_gap() {
        state.trouble = Some("the stream has a gap".to_owned());
    } else if frame.has_data {
        match frame.made_at {
            Some(sent) => state.received.push(Received { sent, at }),
            None => state.trouble = Some("an event of another producer".to_owned()),
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
