//! What the plugins' answers for a batch come to: a plan.

use super::front::Front;
use super::grants::hop;
use super::lane::{Lane, Rest, Until, pace_after};
use super::letters::{SOURCE, Verdict, judge};
use super::plan::Plan;
use super::sending::{Kind, Letters};
use crate::config::Deliver;
use crate::plugin::{self, End, Made, Routed, ToTopic, Turn};
use crate::record::{Batch, Event, Failure, Outgoing, copied};
use std::collections::HashMap;
use std::ops::Range;
use std::time::Instant;

/// The longest source that is one: a topic's name and three numbers.
const SOURCE_MAX: usize = 512;

impl Front {
    /// Makes the plan: where events go, what becomes of failures, and where it
    /// is cut if a record must be tried again first.
    pub(super) fn decide(&mut self, lane: usize, work: Processed) -> Option<Plan> {
        let Processed {
            rest,
            made,
            routed,
            connected,
            failures,
        } = work;
        let ruled = self.rule(lane, &rest, &made, &failures)?;
        let Ruled {
            end,
            tried,
            mut letters,
        } = ruled;
        let (batch, from) = (&rest.batch, rest.from);
        let settings = &self.shared.settings;
        let lane = &mut self.lanes[lane];
        // How often a record was tried is kept with the ledger, so that a
        // restart doesn't begin to count anew.
        let next = match batch.records[from..end].last() {
            Some(last) => last.offset + 1,
            None if tried > 0 => lane.next,
            None => return None,
        };
        let gone = Destinations::of(batch, end, &made, &routed, &connected, settings.deliver);
        for (index, outgoing) in gone.outgoing {
            letters.send(&self.shared.outbox, Kind::Event(index), outgoing);
        }
        let plan = Plan {
            lane: lane.state.clone(),
            session: lane.session,
            expected: lane.next,
            next,
            attempts: tried,
            generation: self.instances.generation.clone(),
            batch: batch.clone(),
            records: end - from,
            replays: match settings.replays {
                true => replays(batch, from..end),
                false => HashMap::new(),
            },
            events: made.events,
            streamed: gone.streamed,
            withheld: gone.withheld,
            reported: gone.reported,
            letters,
            stored: false,
        };
        lane.next = next;
        Some(plan)
    }

    /// Has the policy rule on the failures, as far as its turn goes, and sends
    /// the dead letters. What is not decided is the lane's next turn.
    fn rule(
        &mut self,
        lane: usize,
        rest: &Rest,
        made: &Made,
        failures: &[Failure],
    ) -> Option<Ruled> {
        let shared = &self.shared;
        let generation = self.instances.generation.number;
        let turn = Turn {
            pace: rest.pace,
            wanted: &|| shared.wants(generation),
        };
        let policy = &mut self.instances.dead_letter;
        let rules = (&shared.settings, &self.instances.grants);
        let (verdicts, ended) = judge(policy, &rest.batch, failures, rules, &turn);
        let verdicts = match &ended {
            End::Dropped => {
                self.lanes[lane].begin_again(rest.anew());
                return None;
            }
            End::NoInstance(error) if verdicts.len() == 0 => {
                drop(verdicts);
                self.no_instance(lane, rest, error);
                return None;
            }
            _ => verdicts,
        };
        // What the policy did not get to waits, with all that comes after it.
        let (end, ended) = match failures.get(verdicts.len()) {
            Some(failure) => (failure.record as usize, &ended),
            None => (made.end, &made.ended),
        };
        let lane = &mut self.lanes[lane];
        let mut letters = Letters::ringing(&self.back);
        let mut stopped = None;
        for (failure, verdict) in failures.iter().zip(verdicts) {
            match verdict {
                Verdict::Letter(kind, outgoing) => {
                    shared.topics.note(&kind, &outgoing.topic);
                    letters.send(&shared.outbox, kind, outgoing);
                }
                Verdict::Drop => {}
                Verdict::Retry(delay) => {
                    let again = Rest {
                        attempts: failure.attempts,
                        ..rest.after(failure.record as usize).anew()
                    };
                    lane.wait_until(Instant::now() + delay, again);
                    stopped = Some((failure, failure.attempts));
                    break;
                }
                Verdict::Halt => {
                    halt(lane, &rest.batch, failure);
                    stopped = Some((failure, 0));
                    break;
                }
            }
        }
        if let Some((failure, tried)) = stopped {
            let end = failure.record as usize;
            return Some(Ruled {
                end,
                tried,
                letters,
            });
        }
        // The rest of a batch that was cut comes next.
        if end < rest.batch.records.len() {
            let pace = pace_after(ended, end - rest.from);
            lane.begin_again(Rest {
                pace,
                ..rest.after(end)
            });
        }
        let tried = 0;
        Some(Ruled {
            end,
            tried,
            letters,
        })
    }
}

/// What came of the policy's rulings.
struct Ruled {
    /// The index after the last record that is decided.
    end: usize,
    /// How often the one there was tried, where it is tried again.
    tried: u32,
    letters: Letters,
}

/// At once: what comes after it must not be taken any more.
fn halt(lane: &Lane, batch: &Batch, failure: &Failure) {
    let offset = batch.records[failure.record as usize].offset;
    let (class, why) = (failure.class.name(), &failure.message);
    let why = format!(
        "its dead-letter policy says so, at offset {offset} ({class}: {why}); \
         saving another plugin tries it again"
    );
    lane.state.halt(why, Until::Swapped);
}

/// A batch after its plugins.
pub(super) struct Processed {
    pub rest: Rest,
    pub made: Made,
    pub routed: Routed,
    pub connected: Vec<bool>,
    pub failures: Vec<Failure>,
}

/// Where the events of a batch go.
#[derive(Default)]
pub(super) struct Destinations {
    /// Indices of those that go to their streams.
    pub streamed: Vec<u32>,
    /// Of those whose clients are away and get nothing.
    pub withheld: Vec<u32>,
    /// Of those that go to no stream, and say something of a task.
    pub reported: Vec<u32>,
    /// Of those that go to Kafka, with what goes there.
    pub outgoing: Vec<(u32, Outgoing)>,
}

impl Destinations {
    /// Of the events of records before `end`.
    pub fn of(
        batch: &Batch,
        end: usize,
        made: &Made,
        routed: &Routed,
        connected: &[bool],
        deliver: Deliver,
    ) -> Destinations {
        let mut gone = Destinations::default();
        gone.streamed.reserve(made.events.list.len());
        for (index, decision) in routed.decisions.iter().enumerate() {
            let event = &made.events.list[index];
            let Some(decision) = decision.as_ref().filter(|_| (event.record as usize) < end) else {
                continue;
            };
            let connected = connected.get(index) == Some(&true);
            let index = index as u32;
            match wanted(decision.stream, deliver) {
                Wanted::Never => {}
                Wanted::WhileConnected if !connected => gone.withheld.push(index),
                Wanted::Always | Wanted::WhileConnected => gone.streamed.push(index),
            }
            if event.task.is_some() && gone.streamed.last() != Some(&index) {
                gone.reported.push(index);
            }
            if let Some(to) = &decision.topic {
                gone.outgoing
                    .push((index, to_topic(to, batch, made, event)));
            }
        }
        gone
    }
}

/// All failures in the order of their records, with their attempts.
pub(super) fn failures(
    made: &mut Made,
    routed: &Routed,
    from: usize,
    attempts: u32,
) -> Vec<Failure> {
    let mut failures = std::mem::take(&mut made.failures);
    failures.extend(routed.failures.iter().cloned());
    failures.sort_by_key(|failure| failure.record);
    if let Some(first) = failures.first_mut().filter(|f| f.record as usize == from) {
        first.attempts = attempts + 1;
    }
    failures
}

/// Where these records were at first, of those that say so.
fn replays(batch: &Batch, records: Range<usize>) -> HashMap<u32, String> {
    let source = |record: usize| {
        let source = source_in(batch.view(record).headers())?;
        Some((record as u32, source.to_string()))
    };
    records.filter_map(source).collect()
}

/// Where a record was at first, if its headers say so.
pub(super) fn source_in<'a>(
    mut headers: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
) -> Option<&'a str> {
    let (_, source) = headers.find(|(name, _)| *name == SOURCE.as_bytes())?;
    let source = std::str::from_utf8(source?).ok()?;
    let fits = (1..=SOURCE_MAX).contains(&source.len()) && !source.contains(char::is_control);
    fits.then_some(source)
}

/// When an event goes to its stream.
enum Wanted {
    Never,
    Always,
    WhileConnected,
}

fn wanted(decided: plugin::Deliver, configured: Deliver) -> Wanted {
    match (decided, configured) {
        (plugin::Deliver::No, _) => Wanted::Never,
        (plugin::Deliver::Always, _) | (plugin::Deliver::AsConfigured, Deliver::Always) => {
            Wanted::Always
        }
        (plugin::Deliver::WhileConnected, _)
        | (plugin::Deliver::AsConfigured, Deliver::WhileConnected) => Wanted::WhileConnected,
    }
}

/// An event on its way to a Kafka topic. At least once: its source tells a copy.
fn to_topic(to: &ToTopic, batch: &Batch, made: &Made, event: &Event) -> Outgoing {
    let offset = batch.records[event.record as usize].offset;
    let source = format!("{}/{offset}/{}", batch.origin, event.n);
    let mut headers = copied(&to.headers);
    headers.push((SOURCE.into(), Some(source.into_bytes())));
    headers.push(hop(&batch.view(event.record as usize)));
    Outgoing {
        topic: to.topic.clone(),
        key: to.key.as_ref().map(|key| key.to_vec()),
        value: Some(made.events.bytes(event.payload).to_vec()),
        headers,
    }
}
