//! The different streams of a batch's events.

use crate::record::StreamKind;
use crate::store::StreamEvent;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// A batch with more different streams may have some of them twice.
const SLOTS: usize = 1 << 11;

/// Finds the different streams of each batch. Its table is as old as the writer,
/// so that a batch needs no new one and no sorting.
pub(super) struct Distinct {
    hasher: RandomState,
    /// By a part of the hash: the hash, and the batch that had it last.
    slots: Vec<(u64, u32)>,
    batch: u32,
}

/// A batch's streams, nearly always each once: two may share a slot, and then
/// return. Nobody minds a second ring or expiry.
#[derive(Default)]
pub(super) struct Streams<'a>(Vec<Stream<'a>>);

#[derive(Clone, Copy)]
pub(super) struct Stream<'a> {
    /// Of kind and name, by the hasher that all writers of a store have.
    pub hash: u64,
    pub kind: StreamKind,
    pub name: &'a [u8],
    /// The index of its first event.
    pub first: usize,
}

impl Distinct {
    pub fn new(hasher: RandomState) -> Distinct {
        Distinct {
            hasher,
            slots: vec![(0, 0); SLOTS],
            batch: 0,
        }
    }

    /// The streams of these events.
    pub fn of<'a>(&mut self, events: &[StreamEvent<'a>]) -> Streams<'a> {
        self.batch = self.batch.checked_add(1).unwrap_or_else(|| {
            self.slots.fill((0, 0));
            1
        });
        let mut streams = Vec::with_capacity(events.len());
        for (first, event) in events.iter().enumerate() {
            let (kind, name) = (event.to, event.name);
            let hash = self.hasher.hash_one((kind, name));
            let slot = &mut self.slots[hash as usize % SLOTS];
            if *slot != (hash, self.batch) {
                *slot = (hash, self.batch);
                streams.push(Stream {
                    hash,
                    kind,
                    name,
                    first,
                });
            }
        }
        Streams(streams)
    }
}

impl<'a> Streams<'a> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Stream<'a>> {
        self.0.iter()
    }

    pub fn names(&self) -> impl Iterator<Item = (StreamKind, &'a [u8])> {
        self.0.iter().map(|stream| (stream.kind, stream.name))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An event without content to this stream.
    pub fn event(kind: StreamKind, name: &str) -> StreamEvent<'_> {
        StreamEvent {
            to: kind,
            name: name.as_bytes(),
            kind: b"",
            data: b"",
            offset: 0,
            n: 0,
            replay: None,
            task: None,
        }
    }

    #[test]
    fn each_batch_has_each_of_its_streams() {
        let mut distinct = Distinct::new(RandomState::new());
        let (client, group) = (StreamKind::Client, StreamKind::Group);
        let events = [
            event(client, "a"),
            event(group, "a"),
            event(client, "a"),
            event(client, "b"),
        ];
        for _ in 0..3 {
            let streams = distinct.of(&events);
            let names: Vec<_> = streams.names().collect();
            assert_eq!(names, [(client, &b"a"[..]), (group, b"a"), (client, b"b")]);
        }
        assert!(distinct.of(&[]).is_empty());
    }

    #[test]
    fn an_old_batch_is_never_taken_for_this_one() {
        let mut distinct = Distinct::new(RandomState::new());
        distinct.batch = u32::MAX - 1;
        for _ in 0..3 {
            assert!(!distinct.of(&[event(StreamKind::Client, "a")]).is_empty());
        }
    }
}
