//! Encodes the events of a transaction: nearly all of its bytes.

use super::keys::Keys;
use super::resp::{Commands, decimal};
use super::task_commands;
use super::trim::nearly;
use crate::record::TopicPartition;
use crate::store::{Append, StreamEvent, TaskReport};
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
        let most = &mut [0; 20];
        let most = decimal(most, max_events);
        Events {
            max_events,
            middle: middle([b"MAXLEN", nearly(max_events).as_bytes(), most]),
            origin: Vec::new(),
            source: Vec::new(),
        }
    }

    /// Adds one command for each event of an append. Those at the indices `by_age`,
    /// which rise, remove entries before `oldest`; the others those beyond the most.
    pub fn add(
        &mut self,
        commands: &mut Commands,
        keys: &Keys,
        append: &Append,
        (by_age, oldest): (impl Iterator<Item = usize>, &[u8]),
    ) {
        let mut by_age = by_age.peekable();
        let middle_by_age = by_age.peek().map(|_| middle([b"MINID", b"=", oldest]));
        let partition = &append.ledger.partition;
        self.origin.clear();
        // Writing into a Vec can't fail.
        let _ = write!(self.origin, "{partition}/");
        for (index, event) in append.events.iter().enumerate() {
            if let Some(task) = &event.task {
                source_into(&mut self.source, partition, event);
                self.add_result(commands, keys, event, task);
                continue;
            }
            let middle = match (by_age.next_if_eq(&index), &middle_by_age) {
                (Some(_), Some(by_age)) => by_age,
                _ => &self.middle,
            };
            begin(commands, keys, event, middle);
            match event.replay {
                None => self.source(commands, event),
                Some(_) => {
                    source_into(&mut self.source, partition, event);
                    commands.word(&self.source);
                }
            }
        }
    }

    /// Adds the source of an event, the last word of its XADD. A replay's is another one.
    fn source(&self, commands: &mut Commands, event: &StreamEvent) {
        let (mut offset, mut n) = ([0; 20], [0; 20]);
        // A record's offset is never negative.
        let offset = decimal(&mut offset, event.offset.unsigned_abs());
        let n = decimal(&mut n, u64::from(event.n));
        commands.parts(&[&self.origin, offset, b"/", n]);
    }

    fn add_result(
        &self,
        commands: &mut Commands,
        keys: &Keys,
        event: &StreamEvent,
        task: &TaskReport,
    ) {
        let stream = Some((nearly(self.max_events), self.max_events, &self.source[..]));
        let mut pipe = redis::pipe();
        task_commands::report(&mut pipe, keys, event, task, stream);
        commands.add(&pipe);
    }
}

/// The words of an XADD from how it trims to the name of the event's type.
fn middle(trim: [&[u8]; 3]) -> Vec<u8> {
    let mut words = Commands::default();
    for word in trim.into_iter().chain([&b"*"[..], b"type"]) {
        words.word(word);
    }
    words.bytes().to_vec()
}

/// All of an XADD but its last word, the source.
fn begin(commands: &mut Commands, keys: &Keys, event: &StreamEvent, middle: &[u8]) {
    commands.begin(12);
    commands.word(b"XADD");
    commands.parts(&keys.stream_parts(event.to, event.name));
    commands.encoded(middle);
    commands.word(event.kind);
    commands.word(b"data");
    commands.word(event.data);
    commands.word(b"source");
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
