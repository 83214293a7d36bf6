use super::check;
use super::input::{Flat, TestRecord};
use super::transform::{MadeEvent, results};
use crate::abi::Span;
use crate::abi::stateful::exports::millstream::plugin::stateful_transform as wire;
use crate::abi::transform::exports::millstream::plugin::transform as plain;
use crate::{Config, Failure, StatefulTransform};
use std::collections::HashMap;

/// A transform with state under test. It remembers values and time from one run to
/// the next, as a partition does.
pub struct StatefulTest<T> {
    plugin: T,
    values: HashMap<Vec<u8>, (Vec<u8>, i64)>,
    clock: i64,
}

impl<T: StatefulTransform> StatefulTest<T> {
    /// Configures it with `config`, a JSON object.
    ///
    /// # Errors
    /// The plugin's refusal.
    pub fn new(config: &str) -> Result<Self, String> {
        Ok(StatefulTest {
            plugin: T::new(Config(config))?,
            values: HashMap::new(),
            clock: -1,
        })
    }

    /// The plugin itself.
    pub fn plugin(&self) -> &T {
        &self.plugin
    }

    /// The value that is kept under a key now.
    pub fn value(&self, key: impl AsRef<[u8]>) -> Option<&[u8]> {
        let (value, expires) = self.values.get(key.as_ref())?;
        (*expires > self.clock).then_some(value)
    }

    /// Runs records one after another. Returns for each its events or its failure.
    /// What the host would refuse fails its record, as there.
    pub fn run(&mut self, records: &[TestRecord]) -> Vec<Result<Vec<MadeEvent>, Failure>> {
        // One by one: a record that the host refuses must leave no values.
        { records.iter() }
            .map(|record| self.one(record.clone()))
            .collect()
    }

    /// Runs one record.
    ///
    /// # Errors
    /// The record's failure.
    pub fn one(&mut self, record: TestRecord) -> Result<Vec<MadeEvent>, Failure> {
        let flat = Flat::new(&[record]);
        #[cfg(not(target_arch = "wasm32"))]
        crate::clock::native::begin(self.clock, &flat.records);
        self.clock = flat.records[0].timestamp.max(self.clock);
        let Flat {
            arena,
            origin,
            records,
            headers,
        } = &flat;
        let named = crate::stateful_keys(&self.plugin, arena, *origin, records, headers);
        let named: Vec<&[u8]> = { named.keys.iter() }
            .map(|key| key.key.of(&named.arena).unwrap_or_default())
            .collect();
        check::keys(&named)?;
        let state = self.lower(&named);
        let answer = crate::run_stateful(&self.plugin, arena, *origin, records, headers, &state);
        let plain = plain::Answer {
            arena: answer.arena,
            events: answer.events,
            failures: answer.failures,
        };
        let made = results(&plain, 1).remove(0)?;
        let written = answer.writes.iter();
        let written = written.map(|write| (write, write.value.of(&plain.arena)));
        check::values(written.clone().filter_map(|(_, value)| value))?;
        for (write, value) in written {
            let key = named[write.entry as usize].to_vec();
            match value {
                Some(value) => self.values.insert(key, (value.to_vec(), write.expires)),
                None => self.values.remove(&key),
            };
        }
        Ok(made)
    }

    fn lower(&self, named: &[&[u8]]) -> wire::State {
        let mut arena = Vec::new();
        let entry = |key: &&[u8]| {
            let kept = self.values.get(*key);
            wire::Entry {
                key: Span::push(&mut arena, key),
                value: Span::push_option(&mut arena, kept.map(|(value, _)| &value[..])),
                expires: kept.map_or(i64::MAX, |(_, expires)| *expires),
            }
        };
        let entries = named.iter().map(entry).collect();
        wire::State {
            arena,
            entries,
            named: (0..named.len() as u32).collect(),
            counts: vec![named.len() as u32],
            clocks: vec![self.clock],
        }
    }
}
