//! The dead-letter kind.

use super::abi::Lowered;
use super::abi::dead_letter::exports::millstream::plugin::dead_letter as wire;
use super::abi::dead_letter::{DeadLetterPlugin, DeadLetterPluginPre};
use super::guest::{CallError, Program};
use super::limits::Guard;
use super::seat::{Kind, Seat};
use crate::record::{Batch, Failure, Headers, Span};
use std::time::Duration;
use wasmtime::Store;

/// A compiled dead-letter policy.
#[derive(Clone)]
pub struct DeadLetter {
    /// Its program.
    pub program: Program,
    pre: DeadLetterPluginPre<Guard>,
}

/// The value of a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LetterValue {
    /// The record's own, byte for byte.
    Same,
    /// The plugin's, which may be absent.
    Own(Option<Vec<u8>>),
}

/// What becomes of a failed record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// To a topic: the pipeline's own, where none is named.
    ToTopic {
        /// The topic.
        topic: Option<String>,
        /// The value.
        value: LetterValue,
        /// Headers to add.
        headers: Headers,
    },
    /// As it is to another topic, where another pipeline or program reads it.
    Reroute {
        /// The topic.
        topic: String,
        /// Headers to add.
        headers: Headers,
    },
    /// Again after a delay.
    Retry(Duration),
    /// Away with it.
    Drop,
    /// The partition stops.
    Halt,
}

impl DeadLetter {
    pub(super) fn new(program: Program) -> wasmtime::Result<DeadLetter> {
        let pre = DeadLetterPluginPre::new(program.pre.clone())?;
        Ok(DeadLetter { program, pre })
    }

    /// An instance of its own, configured.
    ///
    /// # Errors
    /// When it refuses its configuration, or can't be started.
    pub fn instance(&self) -> Result<DeadLetterInstance, CallError> {
        let (seat, ()) = Seat::new(self.clone())?;
        Ok(DeadLetterInstance { seat })
    }
}

impl Kind for DeadLetter {
    type Bindings = DeadLetterPlugin;
    type Told = ();

    fn program(&self) -> &Program {
        &self.program
    }

    fn instantiate(&self, store: &mut Store<Guard>) -> wasmtime::Result<DeadLetterPlugin> {
        self.pre.instantiate(store)
    }

    fn configure(
        plugin: &DeadLetterPlugin,
        store: &mut Store<Guard>,
        config: &str,
    ) -> wasmtime::Result<Result<(), String>> {
        plugin
            .millstream_plugin_dead_letter()
            .call_configure(store, config)
    }
}

/// One worker's instance of a dead-letter policy.
pub struct DeadLetterInstance {
    seat: Seat<DeadLetter>,
}

impl DeadLetterInstance {
    /// Rules on a batch's failures, one ruling each. A failure that breaks the
    /// policy itself gets its error instead; the others are ruled on.
    pub fn run(&mut self, batch: &Batch, failures: &[Failure]) -> Vec<Result<Ruling, CallError>> {
        let error = match self.call(batch, failures) {
            Ok(answer) if answer.decisions.len() == failures.len() => {
                return answer.decisions.iter().map(|d| read(&answer, d)).collect();
            }
            Ok(answer) => CallError::bad_output(format!(
                "it answered {} decisions for {} failures",
                answer.decisions.len(),
                failures.len()
            )),
            Err(error) => error,
        };
        match failures {
            [] | [_] => vec![Err(error)],
            _ => {
                let (left, right) = failures.split_at(failures.len() / 2);
                let mut rulings = self.run(batch, left);
                rulings.extend(self.run(batch, right));
                rulings
            }
        }
    }

    fn call(&mut self, batch: &Batch, failures: &[Failure]) -> Result<wire::Answer, CallError> {
        // Only what failed crosses the boundary.
        let mut failed = batch.subset(failures.iter().map(|f| f.record as usize));
        let lower = |(index, failure): (usize, &Failure)| wire::Failure {
            record: index as u32,
            ..lower(failure, &mut failed.arena)
        };
        let texts: Vec<_> = failures.iter().enumerate().map(lower).collect();
        let lowered = Lowered::new(&failed, 0..failed.records.len());
        let Lowered {
            origin,
            records,
            headers,
        } = &lowered;
        self.seat.call(failures.len(), |plugin, store| {
            let plugin = plugin.millstream_plugin_dead_letter();
            plugin.call_run(store, &failed.arena, *origin, records, headers, &texts)
        })
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

fn read(answer: &wire::Answer, decision: &wire::Decision) -> Result<Ruling, CallError> {
    match decision.action {
        0 => {
            let arena = &answer.arena;
            let range = (decision.first_header, decision.header_count);
            let topic = (!Span::from(decision.topic).is_absent())
                .then(|| super::outgoing::topic(decision.topic, arena))
                .transpose();
            let value = super::outgoing::bytes(decision.value, arena);
            let headers = super::outgoing::headers(&answer.headers, range, arena);
            let value = match decision.value_from {
                0 => LetterValue::Same,
                _ => LetterValue::Own(value.map_err(CallError::bad_output)?),
            };
            Ok(Ruling::ToTopic {
                topic: topic.map_err(CallError::bad_output)?,
                value,
                headers: headers.map_err(CallError::bad_output)?,
            })
        }
        1 => Ok(Ruling::Retry(Duration::from_millis(
            decision.delay_ms.into(),
        ))),
        2 => Ok(Ruling::Drop),
        3 => Ok(Ruling::Halt),
        4 => {
            let range = (decision.first_header, decision.header_count);
            let topic = super::outgoing::topic(decision.topic, &answer.arena);
            let headers = super::outgoing::headers(&answer.headers, range, &answer.arena);
            Ok(Ruling::Reroute {
                topic: topic.map_err(CallError::bad_output)?,
                headers: headers.map_err(CallError::bad_output)?,
            })
        }
        n => Err(CallError::bad_output(format!(
            "action {n} is none that this version knows"
        ))),
    }
}
