//! A worker's first thread: takes batches from its lanes and has the plugins
//! make plans of them. It runs untrusted code, so it serves nobody else.

use super::Shared;
use super::lane::{Carry, Lane, LaneState, Work};
use super::letters::{Letters, Verdict, judge};
use super::plan::Plan;
use super::signal::Signal;
use crate::config::Deliver;
use crate::ingest::{Feed, FillLimits, Start};
use crate::plugin::{
    self, DeadLetterInstance, Decision, Generation, Made, RouteInstance, Routed, ToTopic,
    TransformInstance,
};
use crate::record::{Batch, Class, Event, Failure, Outgoing, Stage};
use crate::store::Writer;
use metrics::{Counter, Histogram, counter, histogram};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

/// A partition on its way to its worker.
pub(super) type Arrival = (Arc<LaneState>, Feed, Start);

/// How long the front sleeps at most: a lost wake-up costs no more.
const NAP: Duration = Duration::from_millis(100);

/// The plugins' instances of one worker, all of one generation.
struct Instances {
    generation: Arc<Generation>,
    transform: TransformInstance,
    route: RouteInstance,
    dead_letter: DeadLetterInstance,
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

struct Meters {
    records: Counter,
    events: Counter,
    batches: Counter,
    plugin_seconds: Histogram,
}

/// A worker's first thread.
pub(super) struct Front {
    shared: Arc<Shared>,
    signal: Arc<Signal>,
    arrivals: Receiver<Arrival>,
    plans: SyncSender<Plan>,
    instances: Instances,
    lanes: Vec<Lane>,
    /// For interest look-ups: the back's is busy with a transaction.
    interest: Box<dyn Writer>,
    meters: Meters,
}

impl Front {
    pub fn new(
        shared: Arc<Shared>,
        signal: Arc<Signal>,
        arrivals: Receiver<Arrival>,
        plans: SyncSender<Plan>,
    ) -> anyhow::Result<Front> {
        let instances = Instances::new(shared.generation.load_full())?;
        let interest = shared.store.writer();
        let name = shared.settings.name.clone();
        let meters = Meters {
            records: counter!("millstream_records_total", "pipeline" => name.clone()),
            events: counter!("millstream_events_total", "pipeline" => name.clone()),
            batches: counter!("millstream_batches_total", "pipeline" => name.clone()),
            plugin_seconds: histogram!("millstream_plugin_seconds", "pipeline" => name),
        };
        let lanes = Vec::new();
        Ok(Front {
            shared,
            signal,
            arrivals,
            plans,
            instances,
            lanes,
            interest,
            meters,
        })
    }

    pub fn run(mut self) {
        while !self.shared.draining() {
            while let Ok((state, feed, start)) = self.arrivals.try_recv() {
                self.lanes.push(Lane::new(state, feed, &start));
            }
            self.lanes
                .retain(|lane| !lane.state.abandoned.load(Ordering::Acquire));
            let mut wake = Some(Instant::now() + NAP);
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
                    match planned.map(|plan| self.plans.send(plan)) {
                        Some(Ok(())) => return Visit::Worked,
                        Some(Err(_)) => visit = Visit::Stop,
                        None => visit = Visit::Worked,
                    }
                }
                Work::Later(then) => visit = Visit::Idle(Some(then)),
                Work::None => {}
            }
        }
        state.in_hand.fetch_sub(1, Ordering::AcqRel);
        visit
    }

    /// Takes up the newest generation: only here, between two batches.
    fn take_up_generation(&mut self) {
        let newest = self.shared.generation.load();
        if newest.number == self.instances.generation.number {
            return;
        }
        match Instances::new(newest.clone()) {
            Ok(instances) => self.instances = instances,
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
        self.meters
            .plugin_seconds
            .record(began.elapsed().as_secs_f64());
        let failures = failures(&mut made, &routed, from, attempts);
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
        let client = |e: &Event| std::str::from_utf8(made.events.bytes(e.client)).unwrap_or("");
        let clients: Vec<&str> = made.events.list.iter().map(client).collect();
        if clients.is_empty() {
            return Some(Vec::new());
        }
        loop {
            match self.interest.connected(&clients) {
                Ok(connected) => return Some(connected),
                Err(error) => self.shared.store_trouble(Some(error.to_string())),
            }
            if self.shared.draining() {
                return None;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Makes the plan: where events go, what becomes of failures, and where it
    /// is cut if a record must be tried again first.
    fn decide(&mut self, lane: usize, work: Processed) -> Option<Plan> {
        let Processed {
            batch,
            from,
            made,
            routed,
            connected,
            failures,
        } = work;
        let settings = &self.shared.settings;
        let verdicts = judge(&mut self.instances.dead_letter, batch, &failures, settings);
        let lane = &mut self.lanes[lane];
        let mut end = made.end;
        let mut letters = Letters::default();
        for (failure, verdict) in failures.iter().zip(verdicts) {
            match verdict {
                Verdict::Letter(outgoing) => letters.send(&self.shared.outbox, outgoing),
                Verdict::Drop => {}
                Verdict::Retry(delay) => {
                    end = failure.record as usize;
                    let not_before = Instant::now() + delay;
                    let attempts = failure.attempts;
                    lane.carry = Some(Carry {
                        batch: batch.clone(),
                        from: end,
                        attempts,
                        not_before,
                    });
                    break;
                }
                Verdict::Halt => {
                    end = failure.record as usize;
                    let offset = batch.records[end].offset;
                    let (class, why) = (failure.class.name(), &failure.message);
                    // At once: what comes after it must not be taken any more.
                    lane.state.halt(format!(
                        "its dead-letter policy says so, at offset {offset} ({class}: {why})"
                    ));
                    break;
                }
            }
        }
        // The rest of a batch that was cut for its size comes next.
        if end < batch.records.len() && lane.carry.is_none() {
            let not_before = Instant::now();
            lane.carry = Some(Carry {
                batch: batch.clone(),
                from: end,
                attempts: 0,
                not_before,
            });
        }
        let last = batch.records[from..end].last()?;
        let mut streamed = Vec::with_capacity(made.events.list.len());
        for (index, decision) in routed.decisions.iter().enumerate() {
            let event = &made.events.list[index];
            let Some(decision) = decision.as_ref().filter(|_| (event.record as usize) < end) else {
                continue;
            };
            if goes_to_stream(decision, settings.deliver, connected.get(index)) {
                streamed.push(index as u32);
            }
            if let Some(to) = &decision.topic {
                letters.send(&self.shared.outbox, to_topic(to, batch, &made, event));
            }
        }
        let next = last.offset + 1;
        let plan = Plan {
            lane: lane.state.clone(),
            session: lane.session,
            expected: lane.next,
            next,
            generation: self.instances.generation.clone(),
            batch: batch.clone(),
            events: made.events,
            streamed,
            letters,
        };
        lane.next = next;
        self.meters.records.increment((end - from) as u64);
        self.meters.events.increment(plan.streamed.len() as u64);
        self.meters.batches.increment(1);
        Some(plan)
    }
}

enum Visit {
    Worked,
    Idle(Option<Instant>),
    Stop,
}

/// A batch after its plugins.
struct Processed<'a> {
    batch: &'a Arc<Batch>,
    from: usize,
    made: Made,
    routed: Routed,
    connected: Vec<bool>,
    failures: Vec<Failure>,
}

/// All failures in the order of their records, with their attempts.
fn failures(made: &mut Made, routed: &Routed, from: usize, attempts: u32) -> Vec<Failure> {
    let mut failures = std::mem::take(&mut made.failures);
    failures.extend(routed.failures.iter().cloned());
    failures.sort_by_key(|failure| failure.record);
    if let Some(first) = failures.first_mut().filter(|f| f.record as usize == from) {
        first.attempts = attempts + 1;
    }
    failures
}

fn goes_to_stream(decision: &Decision, deliver: Deliver, connected: Option<&bool>) -> bool {
    let connected = || connected == Some(&true);
    match (decision.stream, deliver) {
        (plugin::Deliver::No, _) => false,
        (plugin::Deliver::Always, _) | (plugin::Deliver::AsConfigured, Deliver::Always) => true,
        (plugin::Deliver::WhileConnected, _)
        | (plugin::Deliver::AsConfigured, Deliver::WhileConnected) => connected(),
    }
}

/// An event on its way to a Kafka topic. At least once: its source tells a copy.
fn to_topic(to: &ToTopic, batch: &Batch, made: &Made, event: &Event) -> Outgoing {
    let offset = batch.records[event.record as usize].offset;
    let source = format!("{}/{offset}/{}", batch.origin, event.n);
    let mut headers = to.headers.clone();
    headers.push(("millstream.source".into(), Some(source.into_bytes())));
    Outgoing {
        topic: to.topic.clone(),
        key: to.key.clone(),
        value: Some(made.events.bytes(event.payload).to_vec()),
        headers,
    }
}
