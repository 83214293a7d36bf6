//! A batch through its plugins.

use super::Trouble;
use super::breaker::Judged;
use super::decide::{Processed, failures};
use super::front::Front;
use super::lane::Carry;
use super::plan::Plan;
use crate::config::{Deliver, PipelineSettings};
use crate::plugin::{self, Decision, Made, RouteInstance, Routed, TransformInstance};
use crate::record::{Batch, Class, Event, Failure, Stage, StreamKind};
use crate::store::{Unavailable, Writer};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

impl Front {
    /// Processes records from index `from` on; `None` if nothing can be stored
    /// of it yet, or the pipeline is stopping.
    pub(super) fn plan(
        &mut self,
        lane: usize,
        batch: &Arc<Batch>,
        from: usize,
        attempts: u32,
    ) -> Option<Plan> {
        let began = Instant::now();
        let shared = &self.shared;
        let mut road = Road {
            settings: &shared.settings,
            transform: &mut self.instances.transform,
            route: &mut self.instances.route,
            store: &mut *self.interest,
            // What is being stopped waits no longer.
            wait: &|error| {
                shared.trouble(Trouble::Store, Some(error.to_string()));
                std::thread::sleep(Duration::from_millis(200));
                !shared.draining()
            },
        };
        let Passed {
            mut made,
            routed,
            connected,
        } = road.pass(batch, from..batch.records.len())?;
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
}

/// The part of the road that is a batch's own, whoever sends it down: the
/// daemon, or a replay of dead letters.
pub(super) struct Road<'a> {
    pub settings: &'a PipelineSettings,
    pub transform: &'a mut TransformInstance,
    pub route: &'a mut RouteInstance,
    /// For look-ups.
    pub store: &'a mut dyn Writer,
    /// Told each time that the store does not answer: waits, and says whether
    /// to ask again.
    pub wait: &'a dyn Fn(&Unavailable) -> bool,
}

/// What came out at its end. Nothing has left yet.
pub(super) struct Passed {
    pub made: Made,
    pub routed: Routed,
    /// Who is connected, one answer an event; empty where nobody asked.
    pub connected: Vec<bool>,
}

impl Road<'_> {
    /// Sends a range of records down; `None` if it was given up meanwhile.
    pub fn pass(&mut self, batch: &Batch, range: Range<usize>) -> Option<Passed> {
        let mut made = self.transform(batch, range);
        self.look_up_owners(&mut made)?;
        let mut connected = Vec::new();
        let configured = self.settings.deliver == Deliver::WhileConnected;
        if configured || self.route.needs.connected {
            connected = self.connected(&made)?;
        }
        let routed = self.route.run(batch, &made.events, &connected);
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
            return self.transform.run(batch, range);
        };
        let end = if large == range.start {
            large + 1
        } else {
            large
        };
        // Up to the large one, or it alone; the rest is the next batch.
        let mut made = match large == range.start {
            false => self.transform.run(batch, range.start..end),
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
