//! Produces events at an even rate, for random clients, on a separate thread.

use crate::edge::transaction::Writer;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

/// The interval of batches: as in a daemon whose ingest is not behind.
const EVERY: Duration = Duration::from_millis(5);

/// The most events of one transaction when the producer is behind.
const BATCH: u64 = 1024;

pub struct Producer {
    shared: Arc<Shared>,
    thread: JoinHandle<Produced>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    stored: AtomicU64,
}

/// The result.
#[derive(Clone, Copy, Debug, Default)]
pub struct Produced {
    pub events: u64,
    pub elapsed: Duration,
    /// The worst lag behind its rate.
    pub lag: Duration,
    /// How often Redis was away.
    pub interruptions: u32,
}

impl Producer {
    /// Starts to produce events for clients `0..clients`.
    pub fn start(writer: Writer, clients: u32, rate: u32) -> Producer {
        let shared = Arc::new(Shared::default());
        let its = shared.clone();
        let thread = spawn(move || Production::new(writer, clients, rate).run(&its));
        Producer { shared, thread }
    }

    /// How many events Redis has acknowledged.
    pub fn stored(&self) -> u64 {
        self.shared.stored.load(Ordering::SeqCst)
    }

    /// Stops it; returns when its last batch is stored.
    pub fn stop(self) -> Produced {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.thread
            .join()
            .expect("the producer panicked, see above")
    }
}

struct Production {
    writer: Writer,
    clients: u32,
    rate: f64,
    produced: Produced,
    /// The origin of the schedule, and how many events were produced since. It moves when Redis was
    /// away: that time is not made up for.
    origin: Instant,
    made: u64,
}

impl Production {
    fn new(writer: Writer, clients: u32, rate: u32) -> Self {
        Production {
            writer,
            clients,
            rate: f64::from(rate),
            produced: Produced::default(),
            origin: Instant::now(),
            made: 0,
        }
    }

    fn run(mut self, shared: &Shared) -> Produced {
        let began = Instant::now();
        while !shared.stop.load(Ordering::SeqCst) {
            // The schedule counts from the origin, so that late sleeps do not add up.
            let due = self.origin.elapsed().as_secs_f64() * self.rate;
            let batch = (due as u64).saturating_sub(self.made).min(BATCH);
            self.append(batch);
            shared.stored.store(self.produced.events, Ordering::SeqCst);
            self.pause();
        }
        self.produced.elapsed = began.elapsed();
        self.produced
    }

    fn append(&mut self, batch: u64) {
        let clients: Vec<u32> = (0..batch).map(|_| fastrand::u32(..self.clients)).collect();
        let Some(last) = clients.last() else { return };
        let stored = self.writer.append(&clients, self.produced.events);
        if let Err(error) = stored {
            eprintln!("can't write to Redis: {error}; retrying");
            let last_event = self.produced.events + batch - 1;
            let stored = self.writer.recover(*last, last_event);
            self.produced.events += if stored { batch } else { 0 };
            self.produced.interruptions += 1;
            (self.origin, self.made) = (Instant::now(), 0);
            return;
        }
        self.produced.events += batch;
        self.made += batch;
    }

    /// Until the next beat, or zero if it has passed.
    fn pause(&mut self) {
        let elapsed = self.origin.elapsed();
        let behind = elapsed.as_secs_f64() - self.made as f64 / self.rate;
        // An event that is not due before the next beat is not late.
        let behind = Duration::from_secs_f64(behind.max(0.0));
        let usual = EVERY + Duration::from_secs_f64(1.0 / self.rate);
        self.produced.lag = self.produced.lag.max(behind.saturating_sub(usual));
        let beats = elapsed.as_nanos() / EVERY.as_nanos() + 1;
        let next = self.origin + EVERY * u32::try_from(beats).unwrap();
        if behind < usual {
            sleep(next.saturating_duration_since(Instant::now()));
        }
    }
}
