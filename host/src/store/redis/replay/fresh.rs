//! Of a replay what is to be stored.

use crate::store::{Refusal, Replay, Replayed, StreamEvent, Unstored};
use std::collections::HashSet;

/// What of a replay is to be stored.
pub(super) struct Fresh<'a> {
    pub sources: Vec<&'a str>,
    pub events: Vec<StreamEvent<'a>>,
    /// For each event its index in the replay.
    pub at: Vec<usize>,
    /// For each event the index of its source there.
    pub places: Vec<usize>,
    pub withheld: Vec<&'a [u8]>,
    pub reports: Vec<StreamEvent<'a>>,
}

impl<'a> Fresh<'a> {
    pub fn of(replay: &Replay<'a>, told: &[Replayed]) -> Fresh<'a> {
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
        let withheld = replay.withheld.iter().filter(|(at, _)| is(*at));
        let mut withheld: Vec<_> = withheld.map(|(_, client)| *client).collect();
        withheld.sort_unstable();
        withheld.dedup();
        Fresh {
            sources: sources.map(|(_, source)| *source).collect(),
            at,
            events,
            places,
            withheld,
            reports,
        }
    }
    /// What became of each record.
    pub fn told(&self, told: &[Replayed], refusals: &[Refusal]) -> Vec<Replayed> {
        let mut told = told.to_vec();
        for refusal in refusals {
            told[self.places[refusal.event]] = Replayed::Refused(refusal.message.clone());
        }
        told
    }

    /// The records of which nothing is stored, since events were refused.
    pub fn in_vain(&self, unstored: &Unstored) -> Vec<usize> {
        let out: HashSet<usize> = unstored.indices().collect();
        let stored = self.places.iter().enumerate();
        let stored = stored.filter(|(event, _)| !out.contains(event));
        let stored: HashSet<usize> = stored.map(|(_, place)| *place).collect();
        let refused = unstored.refused.iter();
        let refused: HashSet<usize> = refused.map(|of| self.places[of.event]).collect();
        refused.difference(&stored).copied().collect()
    }
}
