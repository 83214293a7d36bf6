//! Finds out, after a lost answer, which of an append's events are stored. The
//! ledger's position is not enough: an event may have been refused, and so may
//! the ledger's move.

use super::RedisWriter;
use super::events;
use crate::store::{Append, Unavailable};
use redis::{FromRedisValue, Value};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Streams per round trip, and the number of entries by others to allow for after
/// ours: an entry may be large.
const STREAMS: usize = 16;
const OTHERS: usize = 64;
/// How far the clocks of a Redis and its successor may be apart, in ms.
const CLOCKS: u64 = 5000;

/// A stream, and the events that may be in it, by index and source.
pub(super) struct UnverifiedStream {
    pub key: Vec<u8>,
    events: Vec<(usize, Vec<u8>)>,
}

impl RedisWriter {
    pub(super) fn unverified_streams(&self, append: &Append) -> Vec<UnverifiedStream> {
        let mut streams: BTreeMap<Vec<u8>, Vec<(usize, Vec<u8>)>> = BTreeMap::new();
        let (_, events) = append.exchange.unverified().unwrap_or_default();
        for index in events {
            let event = &append.events[*index];
            let mut source = Vec::new();
            events::source_into(&mut source, &append.ledger.partition, event);
            let key = self.keys.stream(event.to, event.name);
            streams.entry(key).or_default().push((*index, source));
        }
        let of = |(key, events)| UnverifiedStream { key, events };
        streams.into_iter().map(of).collect()
    }

    /// The events that are stored. `moved`: the ledger has passed them, so an
    /// event that can't be checked counts as stored.
    pub(super) fn find_events(
        &mut self,
        append: &Append,
        streams: &[UnverifiedStream],
        moved: bool,
    ) -> Result<Vec<usize>, Unavailable> {
        let (since, _) = append.exchange.unverified().unwrap_or_default();
        let from = since.saturating_sub(CLOCKS);
        let mut found = Vec::new();
        for some in streams.chunks(STREAMS) {
            let mut pipe = redis::pipe();
            for stream in some {
                let range = pipe.cmd("XREVRANGE").arg(&stream.key);
                range.arg("+").arg(from);
                range.arg("COUNT").arg(stream.events.len() + OTHERS);
            }
            let answers = self.link.send_on(&pipe)?;
            for (stream, answer) in some.iter().zip(&answers) {
                found.extend(stream.found(answer, moved, since, self.events.max_events));
            }
        }
        Ok(found)
    }
}

impl UnverifiedStream {
    fn found(&self, answer: &Value, moved: bool, since: u64, max_events: u64) -> Vec<usize> {
        let all = || self.events.iter().map(|(index, _)| *index).collect();
        match answer {
            // A key that is not a stream stores nothing.
            Value::ServerError(error) if error.code() == "WRONGTYPE" => Vec::new(),
            Value::ServerError(_) => {
                if moved {
                    all()
                } else {
                    Vec::new()
                }
            }
            answer => {
                let Entries {
                    count,
                    oldest,
                    sources,
                } = entries_of(answer);
                let many = (self.events.len() + OTHERS) as u64;
                let ours = |(_, source): &(usize, Vec<u8>)| sources.contains(source);
                let last = self.events.iter().rposition(ours);
                // Our entries may have been trimmed, or be further back than this
                // page. If the ledger has not moved, they are not stored: the
                // transaction did not execute, and others wrote since.
                let unseen = moved && count >= many.min(max_events) && oldest >= since;
                // A stream stores all of a batch's events, in order, but may have
                // trimmed the first ones since.
                match last {
                    Some(last) => self.events[..=last]
                        .iter()
                        .map(|(index, _)| *index)
                        .collect(),
                    None if unseen => all(),
                    None => Vec::new(),
                }
            }
        }
    }
}

/// A range of a stream, from its newest entry back.
struct Entries {
    count: u64,
    /// When the oldest of them was added, in ms.
    oldest: u64,
    sources: HashSet<Vec<u8>>,
}

fn entries_of(answer: &Value) -> Entries {
    type Read = Vec<(String, HashMap<String, Vec<u8>>)>;
    let entries = Read::from_redis_value_ref(answer).unwrap_or_default();
    let millis = |id: &str| id.split('-').next()?.parse().ok();
    Entries {
        count: entries.len() as u64,
        oldest: entries.last().and_then(|(id, _)| millis(id)).unwrap_or(0),
        sources: { entries.into_iter() }
            .filter_map(|(_, mut fields)| fields.remove("source"))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks which of the events 0 and 1, with sources `a` and `b`, are found in
    /// a range of these entries, newest first.
    #[track_caller]
    fn check(entries: &[(u64, &str)], moved: bool, max_events: u64, expected: &[usize]) {
        let text = |text: &str| Value::BulkString(text.into());
        let entry = |(millis, source): &(u64, &str)| {
            let fields = Value::Array(vec![text("source"), text(source)]);
            Value::Array(vec![text(&format!("{millis}-0")), fields])
        };
        let events = vec![(0, b"a".to_vec()), (1, b"b".to_vec())];
        let stream = UnverifiedStream {
            key: Vec::new(),
            events,
        };
        let answer = Value::Array(entries.iter().map(entry).collect());
        assert_eq!(stream.found(&answer, moved, 100, max_events), expected);
    }

    #[test]
    fn events_up_to_the_last_one_found_are_stored() {
        for moved in [false, true] {
            check(&[], moved, 1000, &[]);
            check(&[(120, "x"), (110, "a"), (90, "y")], moved, 1000, &[0]);
            check(&[(120, "b"), (110, "a")], moved, 1000, &[0, 1]);
            check(&[(120, "b")], moved, 1000, &[0, 1]);
        }
    }

    #[test]
    fn a_full_page_shows_no_events_if_it_reaches_back_to_the_look() {
        let old: Vec<_> = (0..66).map(|n| (150 - n, "x")).collect();
        check(&old, true, 1000, &[]);
        let new: Vec<_> = (0..66).map(|n| (250 - n, "x")).collect();
        check(&new, true, 1000, &[0, 1]);
        check(&new[..10], true, 1000, &[]);
        check(&new[..10], true, 10, &[0, 1]);
    }

    #[test]
    fn if_the_ledger_has_not_moved_entries_of_others_are_not_counted_as_ours() {
        let new: Vec<_> = (0..66).map(|n| (250 - n, "x")).collect();
        check(&new, false, 1000, &[]);
        check(&new[..10], false, 10, &[]);
    }
}
