//! The transform worker: takes batches from its partitions and prepares them. Its
//! thread runs untrusted code, so it does nothing else.

use super::encode::Encodings;
use super::prepared::PreparedBatch;
use crate::kafka::consumer::FillLimits;
use crate::pipeline::partition::assignment::Inbox;
use crate::pipeline::partition::reader::{Partition, Work};
use crate::pipeline::partition::state::InHand;
use crate::pipeline::shared::{Shared, Trouble};
use crate::pipeline::signal::Signal;
use crate::pipeline::swap::instances::Instances;
use crate::pipeline::turns::Turns;
use crate::store::Writer;
use anyhow::Context;
use metrics::{Histogram, histogram};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

/// The most batches in progress of one partition, so that a partition that waits
/// leaves room for the others.
const IN_HAND: usize = 3;

/// The longest sleep, in case a wake-up is lost.
const NAP: Duration = Duration::from_millis(100);

/// The transform thread of a worker.
pub(in crate::pipeline) struct TransformWorker {
    pub shared: Arc<Shared>,
    inbox: Inbox,
    pub turns: Arc<Turns>,
    prepared: SyncSender<Box<PreparedBatch>>,
    /// Rung when a batch is sent to the commit worker, or Kafka answers.
    pub commit: Arc<Signal>,
    pub instances: Instances,
    /// What routed events are encoded by.
    pub encodings: Option<Encodings>,
    pub partitions: Vec<Partition>,
    /// For presence look-ups: the commit worker's connection is busy with transactions.
    pub interest: Box<dyn Writer>,
    pub plugin_seconds: Histogram,
    /// It waits until an instance of a plugin can be made.
    pub stuck: bool,
}

impl TransformWorker {
    /// # Errors
    /// If no plugin instances are left for it.
    pub fn new(
        shared: Arc<Shared>,
        (inbox, turns): (Inbox, Arc<Turns>),
        prepared: SyncSender<Box<PreparedBatch>>,
        commit: Arc<Signal>,
    ) -> anyhow::Result<TransformWorker> {
        let instances = shared.take_instances();
        let instances = instances.context("no plugin instances are left for this worker")?;
        let interest = shared.store.writer();
        let name = shared.settings.name.clone();
        let plugin_seconds = histogram!("millstream_plugin_seconds", "pipeline" => name);
        Ok(TransformWorker {
            encodings: shared.encodings.clone(),
            shared,
            inbox,
            turns,
            prepared,
            commit,
            instances,
            partitions: Vec::new(),
            interest,
            plugin_seconds,
            stuck: false,
        })
    }

    pub fn run(mut self) {
        while !self.shared.draining() {
            let assigned = self.inbox.take();
            self.partitions
                .extend(assigned.into_iter().map(Partition::new));
            self.partitions
                .retain(|partition| !partition.state.is_gone());
            if self.stuck && self.partitions.is_empty() {
                // Another worker has the partition that waited.
                self.stuck = false;
                self.shared.trouble(Trouble::Instances, None);
            }
            let mut wake = Some(Instant::now() + NAP);
            for index in 0..self.partitions.len() {
                self.turns.transform.beat();
                match self.visit(index) {
                    Visit::Prepared | Visit::Worked => wake = None,
                    Visit::Idle(Some(later)) => wake = wake.map(|wake| wake.min(later)),
                    Visit::Idle(None) => {}
                    Visit::Stop => return,
                }
            }
            self.turns.transform.rest();
            if let Some(wake) = wake {
                self.inbox.signal.wait(wake);
            }
        }
    }

    /// Processes one batch of one partition, if it has one.
    fn visit(&mut self, index: usize) -> Visit {
        self.take_up_generation();
        let generation = self.instances.generation.number;
        if self.shared.breaker.open_for(generation) {
            return Visit::Idle(None);
        }
        match self.partitions[index].state.take_in_hand(IN_HAND) {
            Some(in_hand) => self.work(index, in_hand),
            None => Visit::Idle(None),
        }
    }

    fn work(&mut self, index: usize, in_hand: InHand) -> Visit {
        let limits = FillLimits {
            records: self.shared.depth.records(),
            bytes: self.shared.settings.batch_bytes,
        };
        let prepared = match self.partitions[index].work(limits) {
            Work::Batch(remaining) => self.prepare(index, remaining, in_hand),
            Work::Pass(next) => {
                let generation = self.instances.generation.clone();
                let partition = &mut self.partitions[index];
                Some(PreparedBatch::pass(partition, next, generation, in_hand))
            }
            Work::Later(then) => return Visit::Idle(Some(then)),
            Work::None => return Visit::Idle(None),
        };
        // Waiting for the commit worker is not this thread's turn; it may take as long as the store
        // is away.
        self.turns.transform.depend();
        match prepared.map(|prepared| self.prepared.send(Box::new(prepared))) {
            Some(Ok(())) => {
                self.commit.ring();
                Visit::Prepared
            }
            Some(Err(_)) => Visit::Stop,
            None => Visit::Worked,
        }
    }

    /// Takes up the newest generation. Called only between two batches.
    fn take_up_generation(&mut self) {
        let newest = self.shared.generation.load().number;
        if newest == self.instances.generation.number {
            return;
        }
        // The instances of every worker were made before it went live.
        if let Some(instances) = self.shared.take_instances() {
            self.instances = instances;
            self.partitions
                .iter_mut()
                .for_each(Partition::plugins_changed);
        }
    }
}

enum Visit {
    /// A prepared batch was sent to the commit worker.
    Prepared,
    /// There was a batch, but nothing of it can be stored yet.
    Worked,
    /// There was nothing to do, and nothing comes before this time.
    Idle(Option<Instant>),
    /// The commit worker is gone.
    Stop,
}
