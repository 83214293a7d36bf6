//! A batch through its plugins.

use super::Trouble;
use super::breaker::Judged;
use super::decide::{Processed, failures};
use super::front::Front;
use super::lane::Carry;
use super::plan::Plan;
use crate::config::Deliver;
use crate::plugin::{self, Decision, Made};
use crate::record::{Batch, Class, Event, Failure, Stage, StreamKind};
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
        let mut made = self.transform(batch, from..batch.records.len());
        self.look_up_owners(&mut made)?;
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
