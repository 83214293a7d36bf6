//! Replays letters through the pipeline's current plugins.

use super::batches::{Restored, restore};
use super::triage::Chosen;
use super::{PATIENCE, Plugins, Replayer, given_up, goes_on};
use crate::pipeline::decode::{Decoded, Outcome};
use crate::pipeline::partition::remaining::pace_after;
use crate::pipeline::partition::values::UnstoredValues;
use crate::pipeline::transform::decide::failures;
use crate::pipeline::transform::destinations::destinations;
use crate::pipeline::transform::encode::Encoders;
use crate::pipeline::transform::prepared::{Destinations, stream_event};
use crate::pipeline::transform::road::{Passed, Road};
use crate::plugin::{End, Made, Turn};
use crate::record::{Class, Outgoing, Stage};
use crate::store::{Replay, Replayed, Unavailable};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::time::Instant;

/// A part of a batch after the plugins.
struct Work<'a> {
    of: &'a Restored,
    range: Range<usize>,
    made: Made,
    destinations: Destinations,
    outgoing: Vec<(u32, Outgoing)>,
}

impl Replayer {
    pub(super) fn go_through(&mut self, letters: Vec<Chosen>) -> anyhow::Result<()> {
        for restored in restore(letters) {
            let (mut from, mut pace) = (0, usize::MAX);
            while from < restored.batch.records.len() {
                (from, pace) = self.pass(&restored, from, pace)?;
            }
        }
        Ok(())
    }

    /// Sends a batch's records from `from` on down the road, as far as one turn goes.
    /// Returns where the rest starts, and its pace.
    fn pass(&mut self, of: &Restored, from: usize, pace: usize) -> anyhow::Result<(usize, usize)> {
        let Passed {
            mut made,
            routed,
            connected,
        } = self.send_down(of, from, pace)?;
        let end = made.end;
        if let (true, End::NoInstance(error)) = (end == from, &made.ended) {
            anyhow::bail!("{} ({})", error.message, error.class.name());
        }
        let pace = pace_after(&made.ended, end - from);
        let failed = failures(&mut made, &routed, from, 0);
        let out: HashSet<u32> = failed.iter().map(|failure| failure.record).collect();
        for failure in &failed {
            let place = of.letters[failure.record as usize].place();
            self.report
                .fail(failure.class.name(), &failure.message, place);
        }
        let deliver = self.settings.deliver;
        let (mut gone, mut outgoing) =
            destinations(&of.batch, end, &made, &routed, &connected, deliver);
        let failed = |index: &u32| out.contains(&made.events.list[*index as usize].record);
        gone.retain(|index| !failed(index));
        outgoing.retain(|(index, _)| !failed(index));
        let range = from..end;
        let work = Work {
            of,
            range,
            made,
            destinations: gone,
            outgoing,
        };
        self.make_true(&work, &out)?;
        Ok((end, pace))
    }

    /// Decodes records from this index on, if that is configured. Waits for their schemas.
    fn decode(&self, of: &Restored, from: usize) -> anyhow::Result<Option<Decoded>> {
        let Some(decoder) = &self.decoder else {
            return Ok(None);
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            match decoder.decode(&of.batch, from) {
                Outcome::Decoded(decoded) => return Ok(Some(decoded)),
                Outcome::Waits(_) if goes_on(deadline, &self.stop) => {}
                Outcome::Waits(why) => return Err(no_schema(why)),
            }
        }
    }

    /// What routed events are encoded by, if that is configured. Waits for its schemas.
    fn encoders(&mut self) -> anyhow::Result<Option<Encoders>> {
        let deadline = Instant::now() + PATIENCE;
        let Some(encodings) = &mut self.encodings else {
            return Ok(None);
        };
        loop {
            match encodings.encoders() {
                Ok(encoders) => return Ok(Some(encoders)),
                Err(_) if goes_on(deadline, &self.stop) => {}
                Err(why) => return Err(no_schema(why)),
            }
        }
    }

    fn send_down(&mut self, of: &Restored, from: usize, pace: usize) -> anyhow::Result<Passed> {
        let decoded = self.decode(of, from)?;
        let encoders = self.encoders()?;
        let input = decoded.as_ref().map_or(&of.batch, |decoded| &decoded.batch);
        let Some(Plugins {
            transform,
            route,
            grants,
        }) = &mut self.plugins
        else {
            anyhow::bail!("no plugins are loaded");
        };
        let deadline = Instant::now() + PATIENCE;
        let last: RefCell<Option<Unavailable>> = RefCell::default();
        let mut road = Road {
            settings: &self.settings,
            transform,
            route,
            grants,
            encoders: encoders.as_ref(),
            store: &mut *self.writer,
            values: &UnstoredValues::default(),
            refused: decoded.as_ref().map(|decoded| &decoded.refused),
            failing: &BTreeMap::new(),
            wait: &|error| {
                last.replace(Some(Unavailable(error.0.clone())));
                goes_on(deadline, &self.stop)
            },
            turn: &Turn {
                pace,
                ..Turn::default()
            },
        };
        let passed = road.pass(input, from..input.records.len());
        let error = || last.take().unwrap_or(Unavailable("no answer".into()));
        passed.ok_or_else(|| given_up(&error()))
    }

    /// Sends what goes to Kafka, then stores the rest with the marks. A dry run only
    /// finds out what would be stored.
    fn make_true(&mut self, work: &Work, out: &HashSet<u32>) -> anyhow::Result<()> {
        let records: Vec<usize> = work.range.clone().collect();
        let is_in = |record: &usize| !out.contains(&(*record as u32));
        let records: Vec<usize> = records.into_iter().filter(is_in).collect();
        if records.is_empty() {
            return Ok(());
        }
        if self.rules.write && !work.outgoing.is_empty() {
            let outgoing = work.outgoing.iter();
            let outgoing: Vec<Outgoing> = outgoing.map(|(_, outgoing)| outgoing.clone()).collect();
            if let Some(error) = self.deliver(&outgoing).error {
                return Err(error);
            }
        }
        let group = self.settings.group.clone();
        let write = self.rules.write;
        let letters = || records.iter().map(|record| &work.of.letters[*record]);
        if write {
            self.unmark_forced(letters())?;
        }
        let mut replay = work.replay(&group, &records);
        let forced = letters().filter(|one| self.is_forced(one));
        replay.forced = forced.map(|one| &*one.source).collect();
        replay.ended = std::mem::take(&mut self.ended);
        let told = self.ask(|writer| writer.replay(&mut replay, write))?;
        self.ended = std::mem::take(&mut replay.ended);
        let told: HashMap<u32, Replayed> = { records.iter() }
            .map(|record| *record as u32)
            .zip(told)
            .collect();
        let dropped = std::mem::take(&mut replay.dropped);
        self.count(work, &told, &dropped);
        Ok(())
    }

    fn count(&mut self, work: &Work, told: &HashMap<u32, Replayed>, dropped: &BTreeSet<usize>) {
        let list = &work.made.events.list;
        let with_events: HashSet<u32> = list.iter().map(|event| event.record).collect();
        for (record, told) in told {
            let letter = &work.of.letters[*record as usize];
            match told {
                Replayed::Before => self.report.before += 1,
                Replayed::Refused(message) => {
                    let class = Class::StoreRefused.name();
                    let message = format!("{} in the {}", message, Stage::Store.name());
                    self.report.fail(class, &message, letter.place());
                }
                Replayed::Stored => match with_events.contains(record) {
                    true => self.report.replayed += 1,
                    false => self.report.filtered += 1,
                },
            }
        }
        let stored =
            |index: &u32| told.get(&list[*index as usize].record) == Some(&Replayed::Stored);
        let streamed = work.destinations.streamed.iter().enumerate();
        for (at, index) in streamed.filter(|(_, index)| stored(index)) {
            if dropped.contains(&at) {
                self.report.dropped += 1;
                continue;
            }
            let event = &list[*index as usize];
            self.report
                .event(event.to, work.made.events.bytes(event.kind));
        }
        let suppressed = work
            .destinations
            .suppressed
            .iter()
            .filter(|index| stored(index));
        self.report.suppressed += suppressed.count() as u64;
        for (_, outgoing) in work.outgoing.iter().filter(|(index, _)| stored(index)) {
            self.report.routed(&outgoing.topic);
        }
    }
}

fn no_schema(why: Option<String>) -> anyhow::Error {
    let why = why.unwrap_or_else(|| "the schema registry does not answer".into());
    anyhow::anyhow!("{why}; check [registry]")
}

impl Work<'_> {
    /// Converts these records for the store.
    fn replay<'a>(&'a self, group: &'a str, records: &[usize]) -> Replay<'a> {
        let mut replay = Replay::new(group);
        let mut places = HashMap::new();
        for record in records {
            places.insert(*record as u32, replay.sources.len());
            replay.sources.push(&self.of.letters[*record].source);
        }
        let (events, batch) = (&self.made.events, &self.of.batch);
        let event = |index: &u32| {
            let record = events.list[*index as usize].record;
            let source = &self.of.letters[record as usize].source;
            stream_event(events, batch, *index, Some(source))
        };
        replay.events = self.destinations.streamed.iter().map(event).collect();
        replay.reports = self.destinations.reported.iter().map(event).collect();
        let suppressed = |index: &u32| {
            let event = &events.list[*index as usize];
            Some((*places.get(&event.record)?, events.bytes(event.name)))
        };
        replay.suppressed = self
            .destinations
            .suppressed
            .iter()
            .filter_map(suppressed)
            .collect();
        replay
    }
}
