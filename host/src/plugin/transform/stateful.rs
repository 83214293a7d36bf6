//! Calls of a transform that keeps state: the keys of the records, then the records
//! with the values.

use super::{Bindings, Transforming, other_kind, wire};
use crate::plugin::abi::stateful;
use crate::plugin::guest::CallError;
use crate::plugin::search::Calls;
use crate::plugin::slot::Broken;
use crate::plugin::state::{LoweredValues, Named};
use crate::record::StateWrite;
use std::ops::Range;
use std::time::Duration;

impl Transforming<'_> {
    /// The keys of the records, their values, and the call.
    pub(super) fn call_with_state(
        &mut self,
        records: &Range<usize>,
        cpu: Duration,
    ) -> Result<usize, Broken> {
        let most = self.slot.program().limits.output;
        let keys = self.ask_keys(records.clone(), cpu)?;
        let named =
            Named::of(keys, records.len(), most).map_err(|error| self.slot.reject(error))?;
        match self.values.fetch(&named, self.state) {
            None => return Err(Broken::dropped()),
            Some(known) if known < records.len() => {
                // The values of one record always fit.
                let some = records.start..records.start + known.max(1);
                return self.call_with_state(&some, cpu);
            }
            Some(_) => {}
        }
        let before = self.values.lower(&named);
        let answer = self.ask_with_state(records.clone(), (&named, &before), cpu)?;
        let writes = named.writes(records.start, &answer.writes, &answer.arena, most);
        let writes = writes.map_err(|error| self.slot.reject(error))?;
        let plain = wire::Answer {
            arena: answer.arena,
            events: answer.events,
            failures: answer.failures,
        };
        let before = self.made.failures.len();
        let kept = self.take(plain, records)?;
        Ok(self.keep(writes, before, kept))
    }

    /// Keeps the writes of the records before `kept`, whose failures are those from
    /// `failures` on. If a record failed that had written, those after it saw what
    /// they should not, and are left for the next turn.
    fn keep(&mut self, mut writes: Vec<StateWrite>, failures: usize, kept: usize) -> usize {
        writes.retain(|write| (write.record as usize) < kept);
        let over = self.values.over(&writes);
        if let Some(record) = over {
            self.made.cut(record as usize);
            let most = self.slot.program().limits.state_keys;
            let message =
                format!("the partition keeps {most} keys, as many as it may (limits.state-keys)");
            self.blame(record as usize, CallError::too_large(message));
        }
        let failed = self.made.failures[failures..].iter();
        // In the order of their records.
        let wrote = |record: &u32| writes.binary_search_by_key(record, |w| w.record).is_ok();
        let undone = failed.map(|failure| failure.record).find(wrote);
        let kept = undone.map_or(kept, |record| record as usize + 1);
        self.undone = undone.is_some();
        if let Some(record) = undone {
            self.made.cut(kept);
            writes.retain(|write| write.record < record);
        }
        self.values.apply(&writes);
        self.made.writes.extend(writes);
        kept
    }

    fn ask_keys(
        &mut self,
        records: Range<usize>,
        cpu: Duration,
    ) -> Result<stateful::NamedKeys, Broken> {
        self.ask(records, cpu, |plugin, store, params| match plugin {
            Bindings::Stateful { keys, .. } => keys.call(store, params),
            Bindings::Plain(_) => Err(other_kind()),
        })
    }

    fn ask_with_state(
        &mut self,
        records: Range<usize>,
        (named, before): (&Named, &LoweredValues),
        cpu: Duration,
    ) -> Result<stateful::Answer, Broken> {
        let clocks = self.clocks;
        let state = before.state(named, &clocks[records.clone()]);
        self.ask(records, cpu, |plugin, store, params| match plugin {
            Bindings::Stateful { functions, .. } => {
                let (arena, origin, records, headers) = params;
                functions
                    .run
                    .call(store, (arena, origin, records, headers, state))
            }
            Bindings::Plain(_) => Err(other_kind()),
        })
    }
}
