//! The demo's records: notifications for four clients, some of them malformed.

mod story;

use super::topics::{DEAD_LETTERS, TOPIC};
use crate::kafka::mock::MockKafka;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
pub(super) use story::{CLIENTS, types};
use story::{Malformed, Story};

/// One record of this many is malformed.
pub(super) const MALFORMED_EVERY: u64 = 50;
/// How often the number of dead letters is read from Kafka.
const ASK: Duration = Duration::from_millis(500);

/// What was written so far, and how many dead letters there are.
#[derive(Default)]
pub(super) struct Counts {
    /// Records written to Kafka.
    pub produced: AtomicU64,
    /// Malformed records among these.
    pub malformed: AtomicU64,
    /// Records in the dead-letter topic.
    pub dead_letters: AtomicI64,
}

/// A thread that writes records.
pub(super) struct Source {
    /// The records written so far.
    pub counts: Arc<Counts>,
    /// Dropped to stop the thread.
    alive: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Source {
    /// Writes `rate` records per second from now on.
    ///
    /// # Errors
    /// If the thread can't be started.
    pub fn start(kafka: Arc<MockKafka>, rate: u32) -> std::io::Result<Source> {
        let counts = Arc::new(Counts::default());
        let (alive, stop) = sync_channel(0);
        let writer = Writer {
            kafka,
            counts: counts.clone(),
            story: Story::new(),
            pause: Duration::from_secs(1) / rate,
        };
        let thread = std::thread::Builder::new()
            .name("demo-source".into())
            .spawn(move || writer.run(&stop))?;
        Ok(Source {
            counts,
            alive,
            thread,
        })
    }

    /// Stops writing.
    pub fn stop(self) {
        drop(self.alive);
        let _ = self.thread.join();
    }
}

struct Writer {
    kafka: Arc<MockKafka>,
    counts: Arc<Counts>,
    story: Story,
    pause: Duration,
}

impl Writer {
    fn run(mut self, stop: &Receiver<()>) {
        let (mut next, mut asked) = (Instant::now(), Instant::now());
        loop {
            let wait = next.saturating_duration_since(Instant::now());
            match stop.recv_timeout(wait.min(ASK)) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
            }
            if asked.elapsed() >= ASK {
                self.count_dead_letters();
                asked = Instant::now();
            }
            if next <= Instant::now() {
                self.write_one();
                next += self.pause;
            }
        }
    }

    fn write_one(&mut self) {
        let number = self.counts.produced.fetch_add(1, Ordering::Relaxed) + 1;
        let malformed = number.is_multiple_of(MALFORMED_EVERY).then(|| {
            let so_far = self.counts.malformed.fetch_add(1, Ordering::Relaxed);
            Malformed::of(so_far)
        });
        let (client, value) = self.story.next(malformed);
        self.kafka.send(TOPIC, client, value.as_bytes());
    }

    fn count_dead_letters(&self) {
        if let Some(written) = self.kafka.written(DEAD_LETTERS) {
            self.counts.dead_letters.store(written, Ordering::Relaxed);
        }
    }
}
