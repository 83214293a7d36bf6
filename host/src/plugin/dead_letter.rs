//! The dead-letter kind.

use super::abi::{Exports, Functions, Header, Origin, Slice, call_with, dead_letter as wire};
use super::calling::{Calling, LogLine};
use super::contract::interface;
use super::guest::{CallError, Program};
use super::limits::Guard;
use super::meter::Usage;
use super::outgoing;
use super::room::{Room, Size, Taken};
use super::search::{Calls, End, Turn, search};
use super::slot::{Broken, InstanceSlot, Kind};
use crate::record::{self, Batch, Failure, KafkaRecord, SharedHeaders, Span};
use bytes::Bytes;
use std::ops::Range;
use std::time::Duration;
use wasmtime::Store;

/// A compiled dead-letter policy.
#[derive(Clone)]
pub struct DeadLetter {
    /// The linked plugin.
    pub program: Program,
    exports: Exports<(), Call<'static>, wire::Answer>,
}

/// The arguments of `run`.
type Call<'a> = (
    Slice<'a, u8>,
    Origin,
    Slice<'a, KafkaRecord>,
    Slice<'a, record::Header>,
    Slice<'a, wire::Failure>,
);

/// The value of a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LetterValue {
    /// The record's value, byte for byte.
    Same,
    /// A value of the plugin, which may be absent.
    Own(Option<Bytes>),
}

/// What happens to a failed record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It goes to a topic; without a name, to the pipeline's default topic.
    ToTopic {
        /// The topic.
        topic: Option<String>,
        /// The value.
        value: LetterValue,
        /// Headers to add.
        headers: SharedHeaders,
    },
    /// It goes unchanged to another topic, for another pipeline or program.
    Reroute {
        /// The topic.
        topic: String,
        /// Headers to add.
        headers: SharedHeaders,
    },
    /// It is tried again after a delay.
    Retry(Duration),
    /// It is dropped.
    Drop,
    /// The partition halts.
    Halt,
}

impl DeadLetter {
    pub(super) fn new(program: Program) -> wasmtime::Result<DeadLetter> {
        let exports = Exports::find(&program.pre, &interface("dead-letter"))?;
        Ok(DeadLetter { program, exports })
    }

    /// A new instance that goes live: what it logs is in the daemon's log.
    ///
    /// # Errors
    /// As [`Self::instance`].
    pub fn live(&self) -> Result<DeadLetterInstance, CallError> {
        let mut instance = self.instance()?;
        instance.slot.log_lines();
        Ok(instance)
    }

    /// A new, configured instance. What it logs is kept.
    ///
    /// # Errors
    /// If it refuses its configuration or can't start.
    pub fn instance(&self) -> Result<DeadLetterInstance, CallError> {
        let (slot, ()) = InstanceSlot::new(self.clone())?;
        Ok(DeadLetterInstance { slot })
    }
}

impl Kind for DeadLetter {
    type Bindings = Functions<(), Call<'static>, wire::Answer>;
    type Told = ();

    fn program(&self) -> &Program {
        &self.program
    }

    fn instantiate(&self, store: &mut Store<Guard>) -> wasmtime::Result<Self::Bindings> {
        let instance = self.program.pre.instantiate(&mut *store)?;
        self.exports.of(store, &instance)
    }

    fn configure(
        plugin: &Self::Bindings,
        store: &mut Store<Guard>,
        config: &str,
    ) -> wasmtime::Result<Result<(), String>> {
        plugin.configure.call(store, (config,)).map(|(told,)| told)
    }
}

/// A worker's instance of a dead-letter policy.
pub struct DeadLetterInstance {
    slot: InstanceSlot<DeadLetter>,
}

/// The rulings on a batch's failures.
#[derive(Debug, Default)]
pub struct Rulings {
    /// One for each decided failure; an error if the failure breaks the policy.
    pub list: Vec<Result<Ruling, CallError>>,
    /// Why there may be fewer rulings than failures.
    pub ended: End,
}

impl DeadLetterInstance {
    /// What its calls have used; measured only if the loader measures.
    pub fn usage(&self) -> Usage {
        self.slot.usage()
    }

    /// Keeps what the plugin logs from now on, and returns what was kept.
    pub fn keep_lines(&mut self) -> Vec<LogLine> {
        self.slot.keep_lines()
    }

    /// Rules on a batch's failures in order, as far as the turn goes.
    pub fn run(&mut self, batch: &Batch, failures: &[Failure], turn: &Turn<'_>) -> Rulings {
        let mut judging = Judging {
            room: Room::new(self.slot.program().limits.output),
            slot: &mut self.slot,
            batch,
            failures,
            rulings: Vec::with_capacity(failures.len()),
        };
        let (_, ended) = search(&mut judging, 0..failures.len(), turn);
        Rulings {
            list: judging.rulings,
            ended,
        }
    }
}

/// A batch's failures being ruled on.
struct Judging<'a> {
    slot: &'a mut InstanceSlot<DeadLetter>,
    batch: &'a Batch,
    failures: &'a [Failure],
    room: Room,
    rulings: Vec<Result<Ruling, CallError>>,
}

impl Calls for Judging<'_> {
    fn budget(&self, failures: &Range<usize>) -> Duration {
        self.slot.program().limits.budget(failures.len())
    }

    fn call(&mut self, failures: Range<usize>, cpu: Duration) -> Result<usize, Broken> {
        let answer = self.ask(failures.clone(), cpu)?;
        if answer.decisions.len() != failures.len() {
            return Err(self.slot.reject(CallError::bad_output(format!(
                "the plugin returned {} decisions for {} failures",
                answer.decisions.len(),
                failures.len()
            ))));
        }
        if !self.room.hold(answer.arena.len()) {
            return Ok(failures.start);
        }
        let arena = Bytes::from(answer.arena.0);
        for (failure, decision) in failures.clone().zip(answer.decisions.iter()) {
            let ruling = read(&arena, &answer.headers, decision);
            match self.room.take(size(&ruling)) {
                Taken::Yes => self.rulings.push(ruling),
                Taken::Never(error) => self.rulings.push(Err(error)),
                Taken::Full => return Ok(failure),
            }
        }
        Ok(failures.end)
    }

    fn is_full(&self) -> bool {
        self.room.is_full()
    }

    fn blame(&mut self, _failure: usize, error: CallError) {
        self.rulings.push(Err(error));
    }
}

impl Judging<'_> {
    fn ask(&mut self, failures: Range<usize>, cpu: Duration) -> Result<wire::Answer, Broken> {
        let failures = &self.failures[failures];
        let needed = self.slot.program().needed;
        let called = failures.iter().map(|failure| failure.record as usize);
        let calling = Calling::with(needed, self.batch, called);
        // Only failed records cross the boundary.
        let mut failed = self
            .batch
            .subset(failures.iter().map(|f| f.record as usize));
        let lower = |(index, failure): (usize, &Failure)| wire::Failure {
            record: index as u32,
            ..lower(failure, &mut failed.arena)
        };
        let texts: Vec<_> = failures.iter().enumerate().map(lower).collect();
        let (arena, origin, records, headers) = call_with(&failed, 0..failed.records.len());
        let answered = self.slot.call(calling, cpu, |plugin, store| {
            let params = (arena, origin, records, headers, Slice(&texts[..]));
            plugin.run.call(store, params)
        });
        answered.map(|(answer,)| answer)
    }
}

fn lower(failure: &Failure, arena: &mut Vec<u8>) -> wire::Failure {
    let mut text = |text: Option<&str>| Span::push_option(arena, text.map(str::as_bytes)).into();
    let plugin = failure.plugin.as_ref();
    wire::Failure {
        record: failure.record,
        attempts: failure.attempts,
        stage: text(Some(failure.stage.name())),
        class: text(Some(failure.class.name())),
        message: text(Some(&failure.message)),
        plugin: text(plugin.map(|(name, _)| &**name)),
        digest: text(plugin.map(|(_, digest)| &**digest)),
    }
}

/// The size of a ruling beside its record, written out.
fn size(ruling: &Result<Ruling, CallError>) -> Size {
    let (value, headers) = match ruling {
        Ok(Ruling::ToTopic { value, headers, .. }) => (value, headers),
        Ok(Ruling::Reroute { headers, .. }) => (&LetterValue::Same, headers),
        _ => return Size::default(),
    };
    let own = match value {
        LetterValue::Own(Some(value)) => value.len(),
        LetterValue::Own(None) | LetterValue::Same => 0,
    };
    let mut size = Size::default();
    size.add_event([own, outgoing::size_of(headers)]);
    size
}

fn read(arena: &Bytes, headers: &[Header], decision: &wire::Decision) -> Result<Ruling, CallError> {
    let topic = || outgoing::topic(decision.topic, arena).map_err(CallError::bad_output);
    let range = (decision.first_header, decision.header_count);
    let headers = || outgoing::headers(headers, range, arena).map_err(CallError::bad_output);
    match decision.action {
        0 => Ok(Ruling::ToTopic {
            topic: match Span::from(decision.topic).is_absent() {
                true => None,
                false => Some(topic()?),
            },
            value: match decision.value_from {
                0 => LetterValue::Same,
                _ => {
                    let value = outgoing::bytes(decision.value, arena);
                    LetterValue::Own(value.map_err(CallError::bad_output)?)
                }
            },
            headers: headers()?,
        }),
        1 => Ok(Ruling::Retry(Duration::from_millis(
            decision.delay_ms.into(),
        ))),
        2 => Ok(Ruling::Drop),
        3 => Ok(Ruling::Halt),
        4 => Ok(Ruling::Reroute {
            topic: topic()?,
            headers: headers()?,
        }),
        n => Err(CallError::bad_output(format!(
            "action {n} is unknown to this version"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::anything::{arena, headers, number, span};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_decision_is_read_or_refused_with_a_reason(
            (arena, headers) in (arena(), headers()),
            (action, delay_ms, value_from) in (number(), number(), number()),
            (first_header, header_count) in (number(), number()),
            (topic, value) in (span(), span()),
        ) {
            let decision = wire::Decision {
                action,
                delay_ms,
                topic,
                value_from,
                value,
                first_header,
                header_count,
            };
            let ruling = read(&arena.into(), &headers, &decision);
            prop_assert!(size(&ruling).events <= 1);
            if let Err(error) = ruling {
                prop_assert!(!error.message.is_empty());
            }
        }
    }
}
