use super::sse::Frame;
use crate::clock::between;
use crate::edge::clients::{self, Tally};
use crate::edge::protocol::{Open, Status};
use hdrhistogram::Histogram;
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// The largest read; nearly always it is one event.
const BUFFER: usize = 64 << 10;

/// The limit of concurrent connection attempts, at first. A burst of connections is measured only
/// by `reconnect`, which starts all at once.
const OPENING: usize = 256;

/// A browser's default reconnection delay.
const RETRY: Duration = Duration::from_secs(3);

/// State shared by the tasks of this process.
pub struct Shared {
    pub open: RefCell<Open>,
    pub clients: RefCell<Vec<Client>>,
    pub status: RefCell<Status>,
    /// In microseconds.
    pub latencies: RefCell<Histogram<u64>>,
    /// Counts the cuts.
    pub cut: watch::Sender<u32>,
    pub opening: Semaphore,
    pub buffer: RefCell<Vec<u8>>,
    unbounded: Cell<bool>,
}

/// A client's state across connections, as in an `EventSource`.
pub struct Client {
    pub tally: Tally,
    pub last_id: Vec<u8>,
    pub retry: Duration,
}

impl Shared {
    pub fn new() -> Self {
        let nobody = Open {
            run: String::new(),
            first: 0,
            count: 0,
            addresses: vec![],
            query: String::new(),
        };
        Shared {
            open: RefCell::new(nobody),
            clients: RefCell::default(),
            status: RefCell::default(),
            latencies: RefCell::new(Histogram::new(3).unwrap()),
            cut: watch::Sender::new(0),
            opening: Semaphore::new(OPENING),
            buffer: RefCell::new(vec![0; BUFFER]),
            unbounded: Cell::new(false),
        }
    }

    /// Creates the clients and returns their indices.
    pub fn begin(&self, open: Open) -> Range<usize> {
        let all = 0..open.count as usize;
        let client = |_| Client {
            tally: Tally::default(),
            last_id: Vec::new(),
            retry: RETRY,
        };
        *self.clients.borrow_mut() = all.clone().map(client).collect();
        *self.open.borrow_mut() = open;
        all
    }

    /// Removes the limit of connection attempts.
    pub fn all_at_once(&self) {
        if !self.unbounded.replace(true) {
            self.opening.add_permits(1 << 20);
        }
    }

    /// The client's number, and its server.
    pub fn whom(&self, at: usize) -> (u32, SocketAddr) {
        let open = self.open.borrow();
        let n = open.first + u32::try_from(at).unwrap();
        (n, open.addresses[n as usize % open.addresses.len()])
    }

    /// The request that an `EventSource` sends.
    pub fn request(&self, at: usize) -> Vec<u8> {
        let (n, address) = self.whom(at);
        let (open, clients) = (self.open.borrow(), self.clients.borrow());
        let (name, query) = (clients::name(&open.run, n), &open.query);
        let mut request =
            format!("GET /v1/events?client={name}{query} HTTP/1.1\r\nhost: {address}\r\n");
        request += "accept: text/event-stream\r\ncache-control: no-store\r\n";
        let last_id = &clients[at].last_id;
        if !last_id.is_empty() {
            request += &format!("last-event-id: {}\r\n", String::from_utf8_lossy(last_id));
        }
        request += "\r\n";
        request.into()
    }

    /// Processes a frame that was read at `now`.
    pub fn take(&self, at: usize, frame: &Frame, now: u64) {
        let client = &mut self.clients.borrow_mut()[at];
        if frame.has_id() {
            client.last_id.clear();
            client.last_id.extend_from_slice(&frame.id);
        }
        if let Some(millis) = frame.retry {
            client.retry = Duration::from_millis(millis);
        }
        let mut status = self.status.borrow_mut();
        if frame.is_gap() {
            status.gaps += 1;
        } else if frame.has_data {
            client.tally.add(&client.last_id);
            status.received += 1;
            status.last_event_at = now;
            if let Some(made_at) = frame.made_at {
                let latency = between(made_at, now).as_micros();
                *self.latencies.borrow_mut() += u64::try_from(latency).unwrap();
            }
        }
    }
}
