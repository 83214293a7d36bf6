//! A worker's first thread: takes batches from its lanes and has the plugins
//! make plans of them. It runs untrusted code, so it serves nobody else.

use super::Shared;
use super::instances::Instances;
use super::lane::{Lane, LaneState, Work};
use super::plan::Plan;
use super::shared::lock;
use super::signal::Signal;
use super::turns::Turns;
use crate::ingest::{Feed, FillLimits, Start};
use crate::store::Writer;
use anyhow::Context;
use metrics::{Histogram, histogram};
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A partition on its way to its worker.
pub(super) struct Arrival {
    pub state: Arc<LaneState>,
    pub feed: Feed,
    pub start: Start,
    /// How often the record that it begins with was tried.
    pub attempts: u32,
}

/// How many plans of one partition may be in hand. A partition that has as many
/// takes no more, so that what it waits for leaves the others room.
const IN_HAND: usize = 3;

/// Partitions on their way to a worker. Whoever hands them over polls the group
/// and must not wait for a worker that is busy; there are never more than are
/// assigned.
pub(super) type Arrivals = Arc<Mutex<Vec<Arrival>>>;

/// How long the front sleeps at most: a lost wake-up costs no more.
const NAP: Duration = Duration::from_millis(100);

/// A worker's first thread.
pub(super) struct Front {
    pub shared: Arc<Shared>,
    signal: Arc<Signal>,
    turns: Arc<Turns>,
    arrivals: Arrivals,
    plans: SyncSender<Box<Plan>>,
    /// Rung when a plan is on its way to the back, or Kafka answers.
    pub back: Arc<Signal>,
    pub instances: Instances,
    pub lanes: Vec<Lane>,
    /// For interest look-ups: the back's is busy with a transaction.
    pub interest: Box<dyn Writer>,
    pub plugin_seconds: Histogram,
    /// It waits for an instance of a plugin.
    pub stuck: bool,
}

impl Front {
    pub fn new(
        shared: Arc<Shared>,
        (signal, turns): (Arc<Signal>, Arc<Turns>),
        arrivals: Arrivals,
        plans: SyncSender<Box<Plan>>,
        back: Arc<Signal>,
    ) -> anyhow::Result<Front> {
        let instances = shared.take_instances();
        let instances = instances.context("no plugin instances are left for this worker")?;
        let interest = shared.store.writer();
        let name = shared.settings.name.clone();
        let plugin_seconds = histogram!("millstream_plugin_seconds", "pipeline" => name);
        let lanes = Vec::new();
        Ok(Front {
            shared,
            signal,
            turns,
            arrivals,
            plans,
            back,
            instances,
            lanes,
            interest,
            plugin_seconds,
            stuck: false,
        })
    }

    pub fn run(mut self) {
        while !self.shared.draining() {
            let arrived = std::mem::take(&mut *lock(&self.arrivals));
            self.lanes.extend(arrived.into_iter().map(Lane::new));
            self.lanes
                .retain(|lane| !lane.state.abandoned.load(Ordering::Acquire));
            let mut wake = Some(Instant::now() + NAP);
            for index in 0..self.lanes.len() {
                self.turns.front.beat();
                match self.visit(index) {
                    Visit::Planned | Visit::Worked => wake = None,
                    Visit::Idle(Some(later)) => wake = wake.map(|wake| wake.min(later)),
                    Visit::Idle(None) => {}
                    Visit::Stop => return,
                }
            }
            self.turns.front.rest();
            if let Some(wake) = wake {
                self.signal.wait(wake);
            }
        }
    }

    /// One batch of one lane, where it has one. The lane's batches in hand are
    /// counted before it is asked whether it closes, so that a revocation
    /// waits for this one.
    fn visit(&mut self, index: usize) -> Visit {
        self.take_up_generation();
        let generation = self.instances.generation.number;
        if self.shared.breaker.open_for(generation) {
            return Visit::Idle(None);
        }
        let state = self.lanes[index].state.clone();
        let in_hand = state.in_hand.fetch_add(1, Ordering::AcqRel);
        let closing = state.closing.load(Ordering::Acquire);
        let visit = match closing || in_hand >= IN_HAND {
            true => Visit::Idle(None),
            false => self.work(index),
        };
        // The back counts off what was planned, when it is done with it.
        if !matches!(visit, Visit::Planned) {
            state.in_hand.fetch_sub(1, Ordering::AcqRel);
        }
        visit
    }

    fn work(&mut self, index: usize) -> Visit {
        let settings = &self.shared.settings;
        let limits = FillLimits {
            records: settings.batch_records,
            bytes: settings.batch_bytes,
        };
        let plan = match self.lanes[index].work(limits) {
            Work::Batch(rest) => self.plan(index, rest),
            Work::Pass(next) => {
                let generation = self.instances.generation.clone();
                Some(Plan::pass(&mut self.lanes[index], next, generation))
            }
            Work::Later(then) => return Visit::Idle(Some(then)),
            Work::None => return Visit::Idle(None),
        };
        // What is waited for now is the back's turn.
        self.turns.front.rest();
        match plan.map(|plan| self.plans.send(Box::new(plan))) {
            Some(Ok(())) => {
                self.back.ring();
                Visit::Planned
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
            self.lanes.iter_mut().for_each(Lane::plugins_changed);
        }
    }
}

enum Visit {
    /// A plan is on its way to the back.
    Planned,
    /// There was a batch, and nothing of it can be stored yet.
    Worked,
    /// There was nothing, and is nothing before then.
    Idle(Option<Instant>),
    /// The back is gone.
    Stop,
}
