//! A batch through its plugins.

use super::Trouble;
use super::breaker::Judged;
use super::decide::{Processed, failures};
use super::front::Front;
use super::grants::Grants;
use super::lane::Rest;
use super::plan::Plan;
use crate::config::{Deliver, PipelineSettings};
use crate::plugin::{
    self, CallError, Decision, End, Made, RouteInstance, Routed, TransformInstance, Turn,
};
use crate::record::{Batch, Class, Event, Failure, Stage, StreamKind};
use crate::store::{Unavailable, Writer};
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long a worker waits before it tries to make an instance again.
const PAUSE: Duration = Duration::from_millis(500);

impl Front {
    /// Processes records as far as this turn goes; `None` if nothing can be
    /// stored of it yet, or the pipeline is stopping. What is left of them is
    /// the lane's next turn.
    pub(super) fn plan(&mut self, lane: usize, rest: Rest) -> Option<Plan> {
        let began = Instant::now();
        let Some(passed) = self.pass(lane, &rest) else {
            self.lanes[lane].begin_again(rest.anew());
            return None;
        };
        self.plugin_seconds.record(began.elapsed().as_secs_f64());
        let Passed {
            mut made,
            routed,
            connected,
        } = passed;
        let seen = made.end - rest.unseen();
        if let (0, End::NoInstance(error)) = (seen, &made.ended) {
            self.no_instance(lane, &rest, error);
            return None;
        }
        if std::mem::take(&mut self.stuck) {
            self.shared.trouble(Trouble::Instances, None);
        }
        let failures = failures(&mut made, &routed, rest.from, rest.attempts);
        let work = Processed {
            rest,
            made,
            routed,
            connected,
            failures,
        };
        let work = self.judge(lane, seen, work)?;
        self.decide(lane, work)
    }

    fn pass(&mut self, lane: usize, rest: &Rest) -> Option<Passed> {
        let shared = &self.shared;
        let generation = self.instances.generation.number;
        let state = &self.lanes[lane].state;
        let mut road = Road {
            settings: &shared.settings,
            transform: &mut self.instances.transform,
            route: &mut self.instances.route,
            grants: &self.instances.grants,
            store: &mut *self.interest,
            // What is being stopped waits no longer.
            wait: &|error| {
                shared.trouble(Trouble::Store, Some(error.to_string()));
                std::thread::sleep(Duration::from_millis(200));
                !shared.draining()
            },
            turn: &Turn {
                pace: rest.pace,
                wanted: &|| shared.wants(generation) && !state.closing.load(Ordering::Acquire),
            },
        };
        road.pass(&rest.batch, rest.unseen()..rest.batch.records.len())
    }

    /// Lets the breaker judge what became of `seen` records, before anything of
    /// it leaves. `None` if it is not to be decided, but processed again.
    fn judge(&mut self, lane: usize, seen: usize, work: Processed) -> Option<Processed> {
        let generation = &self.instances.generation;
        let Processed {
            rest,
            made,
            failures,
            ..
        } = &work;
        let judged = self.shared.breaker.judge(generation.number, seen, failures);
        let is_stale = judged == Judged::Stale || !self.shared.is_live(generation.number);
        let again = match judged {
            Judged::Opened { failed, records } => {
                let worst = failures.first().map_or("", |failure| &failure.message);
                let why = format!("{failed} of {records} records failed after the swap ({worst})");
                self.shared.step_back(generation, &why);
                rest.anew()
            }
            Judged::Open => rest.anew(),
            // What it fails of is for the plugins that are live to decide; what is
            // good keeps the plugins that it began with.
            _ if is_stale && !failures.is_empty() => rest.anew(),
            _ => match rest.tried(made, judged == Judged::Unsure) {
                Some(again) => again,
                None => return Some(work),
            },
        };
        self.lanes[lane].begin_again(again);
        None
    }

    /// No instance of a plugin can be made, which is no record's fault.
    pub(super) fn no_instance(&mut self, lane: usize, rest: &Rest, error: &CallError) {
        let generation = &self.instances.generation;
        let left = rest.batch.records.len() - rest.from;
        let CallError { class, message, .. } = error;
        let why = format!("{message} ({})", class.name());
        match self.shared.breaker.count(generation.number, left, left) {
            Judged::Opened { .. } => self.shared.step_back(generation, &why),
            Judged::Open | Judged::Stale => {}
            Judged::Good | Judged::Unsure => {
                self.stuck = true;
                self.shared.trouble(Trouble::Instances, Some(why));
                self.lanes[lane].wait_until(Instant::now() + PAUSE, rest.anew());
                return;
            }
        }
        self.lanes[lane].begin_again(rest.anew());
    }
}

/// The part of the road that is a batch's own, whoever sends it down: the
/// daemon, or a replay of dead letters.
pub(super) struct Road<'a> {
    pub settings: &'a PipelineSettings,
    pub transform: &'a mut TransformInstance,
    pub route: &'a mut RouteInstance,
    pub grants: &'a Grants,
    /// For look-ups.
    pub store: &'a mut dyn Writer,
    /// Told each time that the store does not answer: waits, and says whether
    /// to ask again.
    pub wait: &'a dyn Fn(&Unavailable) -> bool,
    /// How far each plugin goes at once.
    pub turn: &'a Turn<'a>,
}

/// What came out at its end. Nothing has left yet.
pub(super) struct Passed {
    pub made: Made,
    pub routed: Routed,
    /// Who is connected, one answer an event; empty where nobody asked.
    pub connected: Vec<bool>,
}

impl Road<'_> {
    /// Sends a range of records down, as far as the turn goes; `None` if it was
    /// given up meanwhile.
    pub fn pass(&mut self, batch: &Batch, range: Range<usize>) -> Option<Passed> {
        let mut made = self.transform(batch, range);
        if let End::Dropped = made.ended {
            return None;
        }
        self.look_up_owners(&mut made)?;
        let mut connected = Vec::new();
        let configured = self.settings.deliver == Deliver::WhileConnected;
        if configured || self.route.needs.connected {
            connected = self.connected(&made)?;
        }
        let mut routed = self.route.run(batch, &made.events, &connected, self.turn);
        if let End::Dropped = routed.ended {
            return None;
        }
        cut(&mut made, &mut routed);
        let route = self.route.program();
        self.grants.check(batch, &made.events, route, &mut routed);
        let asks = |d: &Option<Decision>| {
            d.as_ref()
                .is_some_and(|d| d.stream == plugin::Deliver::WhileConnected)
        };
        if connected.is_empty() && routed.decisions.iter().any(asks) {
            connected = self.connected(&made)?;
        }
        Some(Passed {
            made,
            routed,
            connected,
        })
    }

    /// Transforms a range; records over the limit fail without a plugin.
    fn transform(&mut self, batch: &Batch, range: Range<usize>) -> Made {
        let limit = self.settings.record_bytes;
        let too_large = |index: &usize| batch.view(*index).size() > limit;
        let Some(large) = range.clone().find(too_large) else {
            return self.transform.run(batch, range, self.turn);
        };
        let end = if large == range.start {
            large + 1
        } else {
            large
        };
        // Up to the large one, or it alone; the rest is the next batch.
        let mut made = match large == range.start {
            false => self.transform.run(batch, range.start..end, self.turn),
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
    /// it was given up.
    fn connected(&mut self, made: &Made) -> Option<Vec<bool>> {
        // Checked to be client ids, hence text, when the events were made.
        let client = |e: &Event| std::str::from_utf8(made.events.bytes(e.name)).unwrap_or("");
        let events = &made.events.list;
        let own = events.iter().filter(|e| e.to == StreamKind::Client);
        let clients: Vec<&str> = own.map(client).collect();
        loop {
            match self.store.connected(&clients) {
                Ok(connected) => {
                    let mut connected = connected.into_iter();
                    // A group has no interest of its own: someone may follow it.
                    let is =
                        |e: &Event| e.to == StreamKind::Group || connected.next() == Some(true);
                    return Some(events.iter().map(is).collect());
                }
                Err(error) if (self.wait)(&error) => {}
                Err(_) => return None,
            }
        }
    }
}

/// Takes back what was made of records whose events the route did not get to.
fn cut(made: &mut Made, routed: &mut Routed) {
    let decided = routed.decisions.len();
    let Some(next) = made.events.list.get(decided) else {
        return;
    };
    let end = next.record;
    made.events.list.truncate(decided);
    made.failures.retain(|failure| failure.record < end);
    made.end = end as usize;
    made.ended = std::mem::take(&mut routed.ended);
}
