//! Encodes the events of a transaction: nearly all of its bytes.

use super::keys::Keys;
use super::resp::{Commands, decimal};
use super::task_commands;
use super::trim::nearly;
use crate::record::TopicPartition;
use crate::store::{Append, StreamEvent};
use std::io::Write;

/// Encodes XADDs. What is the same in each was encoded once.
pub(super) struct Events {
    pub max_events: u64,
    /// The words between a stream's key and the event's type.
    middle: Vec<u8>,
    /// `<topic>/<partition>/`, the beginning of each source.
    origin: Vec<u8>,
    source: Vec<u8>,
}

impl Events {
    pub fn new(max_events: u64) -> Events {
        let mut words = Commands::default();
        words.word(b"MAXLEN");
        words.word(nearly(max_events).as_bytes());
        words.word(decimal(&mut [0; 20], max_events));
        words.word(b"*");
        words.word(b"type");
        Events {
            max_events,
            middle: words.bytes().to_vec(),
            origin: Vec::new(),
            source: Vec::new(),
        }
    }

    /// Adds one command for each event of an append.
    pub fn add(&mut self, commands: &mut Commands, keys: &Keys, append: &Append) {
        let partition = &append.ledger.partition;
        self.origin.clear();
        // Writing into a Vec can't fail.
        let _ = write!(self.origin, "{partition}/");
        for event in append.events {
            match (&event.task, event.replay) {
                (None, None) => self.add_plain(commands, keys, event),
                _ => {
                    source_into(&mut self.source, partition, event);
                    self.add_other(commands, keys, event);
                }
            }
        }
    }

    fn add_plain(&mut self, commands: &mut Commands, keys: &Keys, event: &StreamEvent) {
        self.begin(commands, keys, event);
        let (mut offset, mut n) = ([0; 20], [0; 20]);
        // A record's offset is never negative.
        let offset = decimal(&mut offset, event.offset.unsigned_abs());
        let n = decimal(&mut n, u64::from(event.n));
        commands.parts(&[&self.origin, offset, b"/", n]);
    }

    fn add_other(&mut self, commands: &mut Commands, keys: &Keys, event: &StreamEvent) {
        if let Some(task) = &event.task {
            let stream = Some((nearly(self.max_events), self.max_events, &self.source[..]));
            let mut pipe = redis::pipe();
            task_commands::report(&mut pipe, keys, event, task, stream);
            commands.add(&pipe);
        } else {
            self.begin(commands, keys, event);
            commands.word(&self.source);
        }
    }

    /// All of an XADD but its last word, the source.
    fn begin(&self, commands: &mut Commands, keys: &Keys, event: &StreamEvent) {
        commands.begin(12);
        commands.word(b"XADD");
        commands.parts(&keys.stream_parts(event.to, event.name));
        commands.encoded(&self.middle);
        commands.word(event.kind);
        commands.word(b"data");
        commands.word(event.data);
        commands.word(b"source");
    }
}

/// Writes the `source` field of an event's entry.
pub(super) fn source_into(source: &mut Vec<u8>, partition: &TopicPartition, event: &StreamEvent) {
    source.clear();
    // Writing into a Vec can't fail.
    let _ = match event.replay {
        None => write!(source, "{partition}/{}/{}", event.offset, event.n),
        Some(replay) => write!(source, "{replay}/{}", event.n),
    };
}
