//! Sends a batch through its plugins.

use super::decide::failures;
use super::encode::Encoders;
use super::finish::Processed;
use super::grants::Grants;
use super::prepared::PreparedBatch;
use super::stored_state::StoredState;
use super::undo::{fail, undo};
use super::worker::TransformWorker;
use crate::pipeline::decode::Outcome;
use crate::pipeline::partition::remaining::Remaining;
use crate::pipeline::partition::state::{InHand, Waits};
use crate::pipeline::partition::values::UnstoredValues;
use crate::pipeline::settings::{Deliver, PipelineSettings};
use crate::pipeline::shared::Trouble;
use crate::pipeline::swap::breaker::Judged;
use crate::plugin;
use crate::plugin::{
    CallError, Decision, End, Made, RouteInstance, Routed, TransformInstance, Turn,
};
use crate::record::{Batch, Class, Event, Failure, Stage, StreamKind};
use crate::store::{LedgerKey, Unavailable, Writer};
use metrics::counter;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Pause before a worker tries to make an instance again.
const PAUSE: Duration = Duration::from_millis(500);
/// How often a partition whose next record has an unknown schema looks whether it is known now.
const LOOK: Duration = Duration::from_millis(10);

impl TransformWorker {
    /// Processes records as far as this turn goes; `None` if nothing can be stored
    /// yet, or the pipeline is stopping. The rest of them waits for the partition's
    /// next turn.
    pub(in crate::pipeline) fn prepare(
        &mut self,
        index: usize,
        remaining: Remaining,
        in_hand: InHand,
    ) -> Option<PreparedBatch> {
        let remaining = self.decode(index, remaining)?;
        let (remaining, encoders) = self.encoders(index, remaining)?;
        let began = Instant::now();
        let Some(passed) = self.pass(index, &remaining, encoders.as_ref()) else {
            self.partitions[index].retry(remaining.anew());
            return None;
        };
        self.plugin_seconds.record(began.elapsed().as_secs_f64());
        let Passed {
            mut made,
            routed,
            connected,
        } = passed;
        let seen = made.end - remaining.unseen();
        if let (0, End::NoInstance(error)) = (seen, &made.ended) {
            self.no_instance(index, &remaining, error);
            return None;
        }
        if std::mem::take(&mut self.stuck) {
            self.shared.trouble(Trouble::Instances, None);
        }
        let failures = failures(&mut made, &routed, remaining.from, remaining.attempts);
        let work = Processed {
            remaining,
            made,
            routed,
            connected,
            failures,
        };
        let work = self.judge(index, seen, work)?;
        self.finish(index, work, in_hand)
    }

    fn pass(
        &mut self,
        index: usize,
        remaining: &Remaining,
        encoders: Option<&Encoders>,
    ) -> Option<Passed> {
        let (shared, turns) = (&self.shared, &self.turns);
        let generation = self.instances.generation.number;
        let partition = &mut self.partitions[index];
        partition
            .values
            .stored(partition.state.done().unwrap_or(i64::MIN));
        let (state, values) = (&partition.state, &partition.values);
        let failing = state.failing();
        let mut road = Road {
            settings: &shared.settings,
            transform: &mut self.instances.transform,
            route: &mut self.instances.route,
            grants: &self.instances.grants,
            encoders,
            store: &mut *self.interest,
            values,
            refused: remaining.decoded.as_ref().map(|decoded| &decoded.refused),
            failing: &failing,
            // A pipeline that stops does not wait any longer.
            wait: &|error| {
                turns.transform.beat();
                shared.trouble(Trouble::Store, Some(error.to_string()));
                std::thread::sleep(Duration::from_millis(200));
                !shared.draining()
            },
            turn: &Turn {
                pace: remaining.pace,
                wanted: &|| shared.wants(generation) && state.is_open(),
            },
        };
        road.pass(remaining.input(), remaining.unseen()..remaining.end())
    }

    /// Decodes the next records, if that is configured; `None` if their schema is not known yet.
    fn decode(&mut self, index: usize, mut remaining: Remaining) -> Option<Remaining> {
        let Some(decoder) = &self.shared.decoder else {
            return Some(remaining);
        };
        let unseen = remaining.unseen();
        let decoded = remaining.decoded.as_ref();
        if decoded.is_some_and(|decoded| decoded.has(unseen)) {
            return Some(remaining);
        }
        let partition = &mut self.partitions[index];
        match decoder.decode(&remaining.batch, unseen) {
            Outcome::Decoded(decoded) => {
                partition.state.waits_for(Waits::Schema, None);
                remaining.decoded = Some(Arc::new(decoded));
                Some(remaining)
            }
            Outcome::Waits(why) => {
                self.wait_for_schema(index, Waits::Schema, why, remaining);
                None
            }
        }
    }

    /// What routed events are encoded by, if that is configured; `None` if a schema is not known
    /// yet.
    fn encoders(
        &mut self,
        index: usize,
        remaining: Remaining,
    ) -> Option<(Remaining, Option<Encoders>)> {
        let Some(encodings) = &mut self.encodings else {
            return Some((remaining, None));
        };
        match encodings.encoders() {
            Ok(encoders) => {
                let state = &self.partitions[index].state;
                state.waits_for(Waits::Encoder, None);
                Some((remaining, Some(encoders)))
            }
            Err(why) => {
                self.wait_for_schema(index, Waits::Encoder, why, remaining);
                None
            }
        }
    }

    /// Continues with these records a little later. If the registry was asked in vain, `why` is the
    /// reason.
    fn wait_for_schema(
        &mut self,
        index: usize,
        waits: Waits,
        why: Option<String>,
        remaining: Remaining,
    ) {
        let partition = &mut self.partitions[index];
        if why.is_some() && partition.state.waits_for(waits, why) {
            let pipeline = self.shared.settings.name.clone();
            let labels = [("pipeline", pipeline), ("on", "registry".into())];
            counter!("millstream_waits_total", &labels).increment(1);
        }
        partition.retry_at(Instant::now() + LOOK, remaining);
    }

    /// Lets the breaker judge the results of `seen` records, before anything is sent or
    /// stored. `None` if the records are processed again instead.
    fn judge(&mut self, index: usize, seen: usize, work: Processed) -> Option<Processed> {
        let generation = &self.instances.generation;
        let Processed {
            remaining,
            made,
            failures,
            ..
        } = &work;
        // Records that failed before the plugins say nothing about them.
        let before = { failures.iter() }.filter(|failure| failure.stage == Stage::Ingest);
        let seen = seen.saturating_sub(before.count());
        let judged = self.shared.breaker.judge(generation.number, seen, failures);
        let is_stale = judged == Judged::Stale || !self.shared.is_live(generation.number);
        let again = match judged {
            Judged::Opened { failed, records } => {
                let worst = failures.first().map_or("", |failure| &failure.message);
                let why = format!("{failed} of {records} records failed after the swap ({worst})");
                self.shared.step_back(generation, &why);
                remaining.anew()
            }
            Judged::Open => remaining.anew(),
            // The live plugins decide about records that failed in older ones. A batch
            // without failures keeps the results of the older ones.
            _ if is_stale && !failures.is_empty() => remaining.anew(),
            _ => match remaining.tried(made, judged == Judged::Unsure) {
                Some(again) => again,
                None => return Some(work),
            },
        };
        self.partitions[index].retry(again);
        None
    }

    /// Handles that no instance of a plugin can be made, which is no record's fault.
    pub(in crate::pipeline) fn no_instance(
        &mut self,
        index: usize,
        remaining: &Remaining,
        error: &CallError,
    ) {
        let generation = &self.instances.generation;
        let left = remaining.batch.records.len() - remaining.from;
        let CallError { class, message, .. } = error;
        let why = format!("{message} ({})", class.name());
        match self.shared.breaker.count(generation.number, left, left) {
            Judged::Opened { .. } => self.shared.step_back(generation, &why),
            Judged::Open | Judged::Stale => {}
            Judged::Good | Judged::Unsure => {
                self.stuck = true;
                self.shared.trouble(Trouble::Instances, Some(why));
                self.partitions[index].retry_at(Instant::now() + PAUSE, remaining.anew());
                return;
            }
        }
        self.partitions[index].retry(remaining.anew());
    }
}

/// The road of a batch through the plugins, used by the daemon and by a replay of
/// dead letters.
pub(in crate::pipeline) struct Road<'a> {
    pub settings: &'a PipelineSettings,
    pub transform: &'a mut TransformInstance,
    pub route: &'a mut RouteInstance,
    pub grants: &'a Grants,
    /// Encodes events for some topics.
    pub encoders: Option<&'a Encoders>,
    /// For look-ups.
    pub store: &'a mut dyn Writer,
    /// Values that are not stored yet.
    pub values: &'a UnstoredValues,
    /// Records that can't be decoded, by index; `None` where nothing is decoded.
    pub refused: Option<&'a BTreeMap<usize, Failure>>,
    /// Records that fail whatever the plugins make of them, by offset.
    pub failing: &'a BTreeMap<i64, Failure>,
    /// Called each time the store does not answer. Waits, and returns whether to ask
    /// again.
    pub wait: &'a dyn Fn(&Unavailable) -> bool,
    /// Limits how far each plugin goes.
    pub turn: &'a Turn<'a>,
}

/// The results of the road. Nothing is sent or stored yet.
pub(in crate::pipeline) struct Passed {
    pub made: Made,
    pub routed: Routed,
    /// Whether the client of each event is connected; empty if nothing needed it.
    pub connected: Vec<bool>,
}

impl Road<'_> {
    /// Sends a range of records down the road, as far as the turn goes; `None` if it was
    /// given up meanwhile.
    pub fn pass(&mut self, batch: &Batch, range: Range<usize>) -> Option<Passed> {
        let first = range.start;
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
        if let Some(encoders) = self.encoders {
            encoders.encode(&made.events, route, &mut routed);
        }
        fail(batch, first, &made, &mut routed, self.failing);
        undo(&mut made, &mut routed);
        let asks = |d: &Option<Decision>| {
            d.as_ref()
                .is_some_and(|d| d.stream == plugin::StreamDelivery::WhileConnected)
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

    /// Transforms a range. Records over the size limit, and those that can't be decoded, fail
    /// without a plugin.
    fn transform(&mut self, batch: &Batch, range: Range<usize>) -> Made {
        // Up to the first of them, or only those. The rest is the next batch.
        let Some(first) = range.clone().find(|index| self.refuses(batch, *index)) else {
            return self.run(batch, range);
        };
        if first > range.start {
            return self.run(batch, range.start..first);
        }
        let refused = range.map_while(|index| self.refusal(batch, index));
        let failures: Vec<Failure> = refused.collect();
        Made {
            end: first + failures.len(),
            failures,
            ..Made::default()
        }
    }

    fn refuses(&self, batch: &Batch, index: usize) -> bool {
        match self.refused {
            Some(refused) => refused.contains_key(&index),
            None => batch.view(index).size() > self.settings.record_bytes,
        }
    }

    fn refusal(&self, batch: &Batch, index: usize) -> Option<Failure> {
        if let Some(refused) = self.refused {
            return refused.get(&index).cloned();
        }
        let (size, limit) = (batch.view(index).size(), self.settings.record_bytes);
        let message = || format!("the record has {size} bytes, max-record-bytes is {limit}");
        let failure = || Failure::new(index as u32, Stage::Ingest, Class::TooLarge, message());
        (size > limit).then(failure)
    }

    fn run(&mut self, batch: &Batch, range: Range<usize>) -> Made {
        let ledger = LedgerKey::new(&self.settings.group, batch.origin.clone());
        let mut state = StoredState {
            ledger: &ledger,
            store: &mut *self.store,
            values: self.values,
            wait: self.wait,
        };
        self.transform.run(batch, range, &mut state, self.turn)
    }

    /// Whether the client of each event is connected. Waits for the store; `None` if
    /// that was given up.
    fn connected(&mut self, made: &Made) -> Option<Vec<bool>> {
        // The names were checked to be client IDs, so text, when the events were made.
        let client = |e: &Event| std::str::from_utf8(made.events.bytes(e.name)).unwrap_or("");
        let events = &made.events.list;
        let own = events.iter().filter(|e| e.to == StreamKind::Client);
        let clients: Vec<&str> = own.map(client).collect();
        loop {
            match self.store.connected(&clients) {
                Ok(connected) => {
                    let mut connected = connected.into_iter();
                    // Groups have no presence leases, so any client may follow one.
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

/// Removes the results of records whose events the route did not get to.
fn cut(made: &mut Made, routed: &mut Routed) {
    let decided = routed.decisions.len();
    let Some(next) = made.events.list.get(decided) else {
        return;
    };
    made.end = next.record as usize;
    made.cut(made.end);
    made.ended = std::mem::take(&mut routed.ended);
}
