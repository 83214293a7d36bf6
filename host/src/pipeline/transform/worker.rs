//! The worker that runs plugins: it takes batches from its partitions and
//! prepares them. Its thread runs untrusted code, so it serves nobody else.

use super::prepared::PreparedBatch;
use crate::kafka::consumer::FillLimits;
use crate::pipeline::partition::assignment::Inbox;
use crate::pipeline::partition::reader::{Partition, Work};
use crate::pipeline::partition::state::InHand;
use crate::pipeline::shared::Shared;
use crate::pipeline::signal::Signal;
use crate::pipeline::swap::instances::Instances;
use crate::pipeline::turns::Turns;
use crate::store::Writer;
use anyhow::Context;
use metrics::{Histogram, histogram};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

/// How many batches of one partition may be in hand. A partition that has as many
/// takes no more, so that what it waits for leaves the others room.
const IN_HAND: usize = 3;

/// How long the worker sleeps at most: a lost wake-up costs no more.
const NAP: Duration = Duration::from_millis(100);

/// The worker that runs plugins.
pub(in crate::pipeline) struct TransformWorker {
    pub shared: Arc<Shared>,
    inbox: Inbox,
    turns: Arc<Turns>,
    prepared: SyncSender<Box<PreparedBatch>>,
    /// Rung when a batch is on its way to the commit worker, or Kafka answers.
    pub commit: Arc<Signal>,
    pub instances: Instances,
    pub partitions: Vec<Partition>,
    /// For interest look-ups: the commit worker's is busy with a transaction.
    pub interest: Box<dyn Writer>,
    pub plugin_seconds: Histogram,
    /// It waits for an instance of a plugin.
    pub stuck: bool,
}

impl TransformWorker {
    /// # Errors
    /// When no plugin instances are left for it.
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

    /// One batch of one partition, where it has one.
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
        let settings = &self.shared.settings;
        let limits = FillLimits {
            records: settings.batch_records,
            bytes: settings.batch_bytes,
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
        // What is waited for now is the commit worker's turn.
        self.turns.transform.rest();
        match prepared.map(|prepared| self.prepared.send(Box::new(prepared))) {
            Some(Ok(())) => {
                self.commit.ring();
                Visit::Prepared
            }
            Some(Err(_)) => Visit::Stop,
            None => Visit::Worked,
        }
    }

    /// Takes up the newest generation: only here, between two batches.
    fn take_up_generation(&mut self) {
        let newest = self.shared.generation.load().number;
        if newest == self.instances.generation.number {
            return;
        }
        // They were made before it went live, for every worker.
        if let Some(instances) = self.shared.take_instances() {
            self.instances = instances;
            self.partitions
                .iter_mut()
                .for_each(Partition::plugins_changed);
        }
    }
}

enum Visit {
    /// A prepared batch is on its way to the commit worker.
    Prepared,
    /// There was a batch, and nothing of it can be stored yet.
    Worked,
    /// There was nothing, and is nothing before then.
    Idle(Option<Instant>),
    /// The commit worker is gone.
    Stop,
}
