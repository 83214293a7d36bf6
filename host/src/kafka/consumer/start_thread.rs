//! Looks up where partitions start, on a thread that may block: the one that
//! polls the group must not.
//!
//! Each partition is opened separately. One that Kafka can't answer for is
//! retried with growing pauses, one per turn, and delays no other.

use super::context::Context;
use super::{Cluster, NotYet, Partitions, Start};
use crate::process;
use crate::process::Pulse;
use crate::record::TopicPartition;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the pipeline may look after its partitions, and how long the thread
/// looks up starts before that.
const LOOK_AFTER: Duration = Duration::from_millis(250);
/// How long it waits for the polling thread to take the results.
const HAND_OVER: Duration = Duration::from_millis(20);
/// How long all partitions wait if no query is possible.
const AWAY: Duration = Duration::from_millis(200);
/// The first and the longest pause before a partition is retried.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));

type Found = Vec<(TopicPartition, Start)>;

/// Returns where partitions start, each as soon as it is known.
pub(in crate::kafka) struct StartThread {
    ask: SyncSender<Vec<TopicPartition>>,
    found: Receiver<Found>,
    thread: JoinHandle<()>,
    /// The thread may end.
    ending: Arc<AtomicBool>,
}

impl StartThread {
    /// Starts its thread, whose pulse is `turns`. It ends when this is dropped.
    pub fn start(
        name: &str,
        (consumer, cluster): (Arc<BaseConsumer<Context>>, Cluster),
        partitions: Arc<dyn Partitions>,
        turns: &Arc<Pulse>,
    ) -> std::io::Result<StartThread> {
        let (ask, asked) = sync_channel(1);
        let (answer, found) = sync_channel(1);
        let finding = Finding {
            consumer,
            cluster,
            partitions,
            asked,
            answer,
            waiting: Vec::new(),
            found: Vec::new(),
            owed: false,
            turns: turns.clone(),
        };
        let (pipeline, ending) = (finding.partitions.clone(), Arc::<AtomicBool>::default());
        let ended = ending.clone();
        let may_end = move || pipeline.stopping() || ended.load(Ordering::Relaxed);
        let thread = process::thread(format!("start-{name}"), may_end, || finding.run())?;
        Ok(StartThread {
            ask,
            found,
            thread,
            ending,
        })
    }

    /// Lets the thread end, after the start that it is looking up.
    pub fn end(self) -> JoinHandle<()> {
        self.ending.store(true, Ordering::Relaxed);
        self.thread
    }

    /// Requests the starts of these partitions; returns them while an earlier
    /// request is pending.
    pub fn ask(&self, partitions: Vec<TopicPartition>) -> Option<Vec<TopicPartition>> {
        match self.ask.try_send(partitions) {
            Err(TrySendError::Full(partitions)) => Some(partitions),
            // Its thread has ended: the pipeline is stopping.
            Ok(()) | Err(TrySendError::Disconnected(_)) => None,
        }
    }

    /// The starts that were found since. The list may be empty: then all have
    /// been tried once, and the group must not wait for them.
    pub fn found(&self) -> Option<Found> {
        self.found.try_recv().ok()
    }
}

/// A partition whose start is not known yet.
struct Waiting {
    partition: TopicPartition,
    /// When it is tried next, and the pause before that; `None` at first.
    tried: Option<(Instant, Duration)>,
}

impl Waiting {
    fn is_due(&self, now: Instant) -> bool {
        self.tried.is_none_or(|(next, _)| next <= now)
    }

    /// Schedules the next try, with a longer pause each time.
    fn again(&mut self) {
        let pause = self
            .tried
            .map_or(PAUSES.0, |(_, pause)| (pause * 2).min(PAUSES.1));
        self.tried = Some((Instant::now() + pause, pause));
    }
}

struct Finding {
    /// The group's consumer.
    consumer: Arc<BaseConsumer<Context>>,
    cluster: Cluster,
    partitions: Arc<dyn Partitions>,
    asked: Receiver<Vec<TopicPartition>>,
    answer: SyncSender<Found>,
    waiting: Vec<Waiting>,
    /// Found, but not handed over yet.
    found: Found,
    /// The group waits for the answer to the last request.
    owed: bool,
    turns: Arc<Pulse>,
}

impl Finding {
    fn run(mut self) {
        let mut looked = Instant::now();
        let mut away = false;
        loop {
            self.turns.rest();
            match self.asked.recv_timeout(self.pause(away)) {
                Ok(list) => self.add(list),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            away = self.turn();
            self.cluster.clear();
            if !self.hand_over() {
                return;
            }
            if looked.elapsed() >= LOOK_AFTER {
                self.turns.beat();
                self.look_after();
                looked = Instant::now();
            }
        }
    }

    fn pause(&self, away: bool) -> Duration {
        let now = Instant::now();
        let next = self
            .waiting
            .iter()
            .map(|waiting| waiting.tried.map_or(now, |(next, _)| next));
        let next = next.min().map(|next| next.saturating_duration_since(now));
        match (self.found.is_empty(), away) {
            (false, _) => HAND_OVER,
            (true, true) => AWAY,
            (true, false) => next.unwrap_or(LOOK_AFTER).min(LOOK_AFTER),
        }
    }

    fn add(&mut self, list: Vec<TopicPartition>) {
        for partition in list {
            self.waiting
                .retain(|waiting| waiting.partition != partition);
            let tried = None;
            self.waiting.push(Waiting { partition, tried });
        }
        self.owed = true;
    }

    /// For a while, tries the partitions that were not tried yet and one that
    /// was. Returns whether no query is possible.
    fn turn(&mut self) -> bool {
        let began = Instant::now();
        let mut tried_again = false;
        for index in (0..self.waiting.len()).rev() {
            let waiting = &self.waiting[index];
            if !waiting.is_due(began) || waiting.tried.is_some() && tried_again {
                continue;
            }
            tried_again |= waiting.tried.is_some();
            if began.elapsed() >= LOOK_AFTER {
                break;
            }
            match self.attempt(index) {
                Ok(()) | Err(NotYet::Partition) => {}
                Err(NotYet::Any) => return true,
            }
        }
        // Partitions that were tried come after the others.
        self.waiting
            .sort_by_key(|waiting| std::cmp::Reverse(waiting.tried.map(|(next, _)| next)));
        false
    }

    fn attempt(&mut self, index: usize) -> Result<(), NotYet> {
        self.turns.beat();
        let partition = self.waiting[index].partition.clone();
        if !self.consumer.context().group().owned.contains(&partition) {
            self.waiting.swap_remove(index);
            self.partitions.forget(&partition);
            return Ok(());
        }
        match self.partitions.start(&partition, &self.cluster) {
            Ok(start) => {
                self.waiting.swap_remove(index);
                self.found.push((partition, start));
                Ok(())
            }
            Err(why) => {
                if why == NotYet::Partition {
                    self.waiting[index].again();
                }
                Err(why)
            }
        }
    }

    /// Hands over the results, unless earlier ones are still waiting. Returns
    /// false when the receiver is gone.
    fn hand_over(&mut self) -> bool {
        if self.found.is_empty() && !self.owed {
            return true;
        }
        match self.answer.try_send(std::mem::take(&mut self.found)) {
            Ok(()) => self.owed = false,
            Err(TrySendError::Full(found)) => self.found = found,
            Err(TrySendError::Disconnected(_)) => return false,
        }
        true
    }

    fn look_after(&self) {
        let reopen = self.partitions.look_after(&self.cluster);
        self.consumer.context().group().reopen.extend(reopen);
    }
}
