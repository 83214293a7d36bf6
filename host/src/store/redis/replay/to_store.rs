//! Selects the part of a replay that is to be stored.

use crate::store::redis::answers::Done;
use crate::store::{Replay, Replayed, StreamEvent};
use std::collections::{BTreeSet, HashSet};

/// The part of a replay that is to be stored.
pub(super) struct ToStore<'a> {
    pub sources: Vec<&'a str>,
    pub events: Vec<StreamEvent<'a>>,
    /// The index of each event in the replay.
    pub at: Vec<usize>,
    /// The index of each event's source in the replay.
    pub places: Vec<usize>,
    pub suppressed: Vec<&'a [u8]>,
    pub reports: Vec<StreamEvent<'a>>,
}

impl<'a> ToStore<'a> {
    pub fn of(replay: &Replay<'a>, told: &[Replayed]) -> ToStore<'a> {
        let is = |at: usize| told[at] == Replayed::Stored;
        let sources = replay.sources.iter().enumerate();
        let sources = sources.filter(|(at, _)| is(*at));
        let (mut at, mut events, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (n, (event, place)) in replay.events.iter().zip(replay.places()).enumerate() {
            if let Some(place) = place.filter(|place| is(*place)) {
                at.push(n);
                events.push(*event);
                places.push(place);
            }
        }
        let fresh = |event: &StreamEvent| replay.source_of(event).is_some_and(is);
        let reports = replay.reports.iter().copied();
        let reports = reports.filter(fresh).collect();
        let suppressed = replay.suppressed.iter().filter(|(at, _)| is(*at));
        let mut suppressed: Vec<_> = suppressed.map(|(_, client)| *client).collect();
        suppressed.sort_unstable();
        suppressed.dedup();
        ToStore {
            sources: sources.map(|(_, source)| *source).collect(),
            at,
            events,
            places,
            suppressed,
            reports,
        }
    }

    /// The result of a transaction.
    pub fn outcome(&self, told: &[Replayed], done: &Done) -> Told {
        let missing: HashSet<usize> = done.missing.iter().copied().collect();
        let out: HashSet<usize> = done
            .unstored
            .indices()
            .chain(missing.iter().copied())
            .collect();
        let place = |event: usize| self.places[event];
        let stored = (0..self.places.len()).filter(|event| !out.contains(event));
        let stored: HashSet<usize> = stored.map(place).collect();
        let mut after = told.to_vec();
        for refusal in &done.unstored.refused {
            after[place(refusal.event)] = Replayed::Refused(refusal.message.clone());
        }
        let (mut again, mut in_vain) = (BTreeSet::new(), BTreeSet::new());
        for event in done
            .unstored
            .refused
            .iter()
            .map(|of| of.event)
            .chain(missing.iter().copied())
        {
            if !stored.contains(&place(event)) {
                in_vain.insert(place(event));
            }
        }
        for event in missing {
            match in_vain.contains(&place(event)) && after[place(event)] == Replayed::Stored {
                true => _ = again.insert(place(event)),
                // Some of its events are stored, or will never be stored.
                false => {
                    let said = done.trouble.clone().unwrap_or_default();
                    after[place(event)] = Replayed::Refused(said);
                }
            }
        }
        let marked = |at: &usize| told[*at] == Replayed::Stored && !in_vain.contains(at);
        let unmarked = (0..told.len()).filter(marked).filter(|_| !done.moved);
        Told {
            told: after,
            again: again.into_iter().collect(),
            unmarked: unmarked.collect(),
            in_vain: in_vain.into_iter().collect(),
        }
    }
}

/// The results of records, by their index in the replay.
pub(super) struct Told {
    pub told: Vec<Replayed>,
    /// Nothing of these is stored, but a retry may store it.
    pub again: Vec<usize>,
    /// Nothing of these is stored, but they may be marked.
    pub in_vain: Vec<usize>,
    /// These are stored, but not marked.
    pub unmarked: Vec<usize>,
}
