//! A worker's first thread: takes batches from its lanes and has the plugins
//! make plans of them. It runs untrusted code, so it serves nobody else.

use super::breaker::Judged;
use super::decide::{Processed, failures};
use super::lane::{Carry, Lane, LaneState, Work};
use super::letters::Letters;
use super::plan::Plan;
use super::signal::Signal;
use super::{Shared, Trouble};
use crate::config::Deliver;
use crate::ingest::{Feed, FillLimits, Start};
use crate::plugin::{
    self, DeadLetterInstance, Decision, Generation, Made, RouteInstance, TransformInstance,
};
use crate::record::{Batch, Class, Event, Events, Failure, Stage, StreamKind};
use crate::store::Writer;
use metrics::{Histogram, histogram};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

/// A partition on its way to its worker.
pub(super) type Arrival = (Arc<LaneState>, Feed, Start, u32);

/// How long the front sleeps at most: a lost wake-up costs no more.
const NAP: Duration = Duration::from_millis(100);

/// The plugins' instances of one worker, all of one generation.
pub(super) struct Instances {
    pub generation: Arc<Generation>,
    transform: TransformInstance,
    route: RouteInstance,
    pub dead_letter: DeadLetterInstance,
}

impl Instances {
    fn new(generation: Arc<Generation>) -> anyhow::Result<Instances> {
        let error = |e: plugin::CallError| anyhow::anyhow!("{}", e.message);
        Ok(Instances {
            transform: generation.transform.instance().map_err(error)?,
            route: generation.route.instance().map_err(error)?,
            dead_letter: generation.dead_letter.instance().map_err(error)?,
            generation,
        })
    }
}

/// A worker's first thread.
pub(super) struct Front {
    pub shared: Arc<Shared>,
    signal: Arc<Signal>,
    arrivals: Receiver<Arrival>,
    plans: SyncSender<Box<Plan>>,
    pub instances: Instances,
    pub lanes: Vec<Lane>,
    /// For interest look-ups: the back's is busy with a transaction.
    interest: Box<dyn Writer>,
    plugin_seconds: Histogram,
}

impl Front {
    pub fn new(
        shared: Arc<Shared>,
        signal: Arc<Signal>,
        arrivals: Receiver<Arrival>,
        plans: SyncSender<Box<Plan>>,
    ) -> anyhow::Result<Front> {
        let instances = Instances::new(shared.generation.load_full())?;
        let interest = shared.store.writer();
        let name = shared.settings.name.clone();
        let plugin_seconds = histogram!("millstream_plugin_seconds", "pipeline" => name);
        let lanes = Vec::new();
        Ok(Front {
            shared,
            signal,
            arrivals,
            plans,
            instances,
            lanes,
            interest,
            plugin_seconds,
        })
    }

    pub fn run(mut self) {
        while !self.shared.draining() {
            while let Ok((state, feed, start, attempts)) = self.arrivals.try_recv() {
                self.lanes.push(Lane::new(state, feed, &start, attempts));
            }
            self.lanes
                .retain(|lane| !lane.state.abandoned.load(Ordering::Acquire));
            self.take_up_generation();
            let mut wake = Some(Instant::now() + NAP);
            let generation = self.instances.generation.number;
            if self.shared.breaker.open_for(generation) {
                self.signal.wait(Instant::now() + NAP);
                continue;
            }
            for index in 0..self.lanes.len() {
                match self.visit(index) {
                    Visit::Worked => wake = None,
                    Visit::Idle(Some(later)) => wake = wake.map(|wake| wake.min(later)),
                    Visit::Idle(None) => {}
                    Visit::Stop => return,
                }
            }
            if let Some(wake) = wake {
                self.signal.wait(wake);
            }
        }
    }

    /// One batch of one lane, where it has one. The lane's batches in hand are
    /// counted before it is asked whether it closes, so that a revocation
    /// waits for this one.
    fn visit(&mut self, index: usize) -> Visit {
        let state = self.lanes[index].state.clone();
        state.in_hand.fetch_add(1, Ordering::AcqRel);
        let mut visit = Visit::Idle(None);
        if !state.closing.load(Ordering::Acquire) {
            let settings = &self.shared.settings;
            let limits = FillLimits {
                records: settings.batch_records,
                bytes: settings.batch_bytes,
            };
            match self.lanes[index].work(limits) {
                Work::Batch {
                    batch,
                    from,
                    attempts,
                } => {
                    let planned = self.plan(index, &batch, from, attempts);
                    match planned.map(|plan| self.plans.send(Box::new(plan))) {
                        Some(Ok(())) => return Visit::Worked,
                        Some(Err(_)) => visit = Visit::Stop,
                        None => visit = Visit::Worked,
                    }
                }
                Work::Pass(next) => {
                    let plan = self.pass(index, next);
                    match self.plans.send(Box::new(plan)) {
                        Ok(()) => return Visit::Worked,
                        Err(_) => visit = Visit::Stop,
                    }
                }
                Work::Later(then) => visit = Visit::Idle(Some(then)),
                Work::None => {}
            }
        }
        state.in_hand.fetch_sub(1, Ordering::AcqRel);
        visit
    }

    /// A plan that moves the ledger and nothing else.
    fn pass(&mut self, lane: usize, next: i64) -> Plan {
        let lane = &mut self.lanes[lane];
        let expected = std::mem::replace(&mut lane.next, next);
        Plan {
            lane: lane.state.clone(),
            session: lane.session,
            expected,
            next,
            attempts: 0,
            generation: self.instances.generation.clone(),
            batch: Arc::new(Batch::new(lane.state.ledger.partition.clone())),
            records: 0,
            replays: HashMap::new(),
            events: Events::default(),
            streamed: Vec::new(),
            withheld: Vec::new(),
            letters: Letters::default(),
        }
    }

    /// Takes up the newest generation: only here, between two batches.
    fn take_up_generation(&mut self) {
        let newest = self.shared.generation.load();
        if newest.number == self.instances.generation.number {
            return;
        }
        match Instances::new(newest.clone()) {
            Ok(instances) => {
                self.instances = instances;
                self.lanes.iter_mut().for_each(Lane::plugins_changed);
            }
            // It started moments ago, so this is the machine's trouble.
            Err(error) => {
                let pipeline = &self.shared.settings.name;
                tracing::error!(pipeline, %error, "a worker can't start the new plugins; again");
            }
        }
    }

    /// Processes records from index `from` on; `None` if nothing can be stored
    /// of it yet, or the pipeline is stopping.
    fn plan(
        &mut self,
        lane: usize,
        batch: &Arc<Batch>,
        from: usize,
        attempts: u32,
    ) -> Option<Plan> {
        self.take_up_generation();
        let began = Instant::now();
        let mut made = self.transform(batch, from..batch.records.len());
        let mut connected = Vec::new();
        let configured = self.shared.settings.deliver == Deliver::WhileConnected;
        if configured || self.instances.route.needs.connected {
            connected = self.connected(&made)?;
        }
        let routed = self.instances.route.run(batch, &made.events, &connected);
        let asks = |d: &Option<Decision>| {
            d.as_ref()
                .is_some_and(|d| d.stream == plugin::Deliver::WhileConnected)
        };
        if connected.is_empty() && routed.decisions.iter().any(asks) {
            connected = self.connected(&made)?;
        }
        self.plugin_seconds.record(began.elapsed().as_secs_f64());
        let failures = failures(&mut made, &routed, from, attempts);
        if self.breaker_opens(made.end - from, &failures) {
            // Nothing of it has left: the plugins that are live next make it.
            self.lanes[lane].carry = Some(Carry {
                batch: batch.clone(),
                from,
                attempts,
                not_before: began,
            });
            return None;
        }
        let work = Processed {
            batch,
            from,
            made,
            routed,
            connected,
            failures,
        };
        self.decide(lane, work)
    }

    fn breaker_opens(&self, records: usize, failures: &[Failure]) -> bool {
        let generation = &self.instances.generation;
        match self
            .shared
            .breaker
            .judge(generation.number, records, failures)
        {
            Judged::Good => false,
            Judged::Open => true,
            Judged::Opened { failed, records } => {
                let worst = failures.first().map_or("", |failure| &failure.message);
                let why = format!("{failed} of {records} records failed after the swap ({worst})");
                self.shared.step_back(generation, &why);
                true
            }
        }
    }

    /// Transforms a range; records over the limit fail without a plugin.
    fn transform(&mut self, batch: &Batch, range: Range<usize>) -> Made {
        let limit = self.shared.settings.record_bytes;
        let too_large = |index: &usize| batch.view(*index).size() > limit;
        let Some(large) = range.clone().find(too_large) else {
            return self.instances.transform.run(batch, range);
        };
        let end = if large == range.start {
            large + 1
        } else {
            large
        };
        // Up to the large one, or it alone; the rest is the next batch.
        let mut made = match large == range.start {
            false => self.instances.transform.run(batch, range.start..end),
            true => Made::default(),
        };
        if large == range.start {
            let size = batch.view(large).size();
            let message = format!("the record has {size} bytes, the most is {limit}");
            let failure = Failure::new(large as u32, Stage::Ingest, Class::TooLarge, message);
            made.failures.push(failure);
            made.end = end;
        }
        made
    }

    /// Who is connected, one answer an event; waits for the store. `None` if
    /// the pipeline is stopping.
    fn connected(&mut self, made: &Made) -> Option<Vec<bool>> {
        // Checked to be client ids, hence text, when the events were made.
        let client = |e: &Event| std::str::from_utf8(made.events.bytes(e.name)).unwrap_or("");
        let events = &made.events.list;
        let own = events.iter().filter(|e| e.to == StreamKind::Client);
        let clients: Vec<&str> = own.map(client).collect();
        loop {
            match self.interest.connected(&clients) {
                Ok(connected) => {
                    let mut connected = connected.into_iter();
                    // A group has no interest of its own: someone may follow it.
                    let is =
                        |e: &Event| e.to == StreamKind::Group || connected.next() == Some(true);
                    return Some(events.iter().map(is).collect());
                }
                Err(error) => self.shared.trouble(Trouble::Store, Some(error.to_string())),
            }
            if self.shared.draining() {
                return None;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

enum Visit {
    Worked,
    Idle(Option<Instant>),
    Stop,
}
