//! Runs records through one plugin, without a pipeline: for the tests before a
//! plugin goes live, and for its author's tools.

use super::any::AnyPlugin;
use super::calling::LogLine;
use super::dead_letter::{DeadLetterInstance, Ruling};
use super::guest::CallError;
use super::meter::Usage;
use super::route::{Decision, RouteInstance};
use super::search::{End, Turn};
use super::state::{Read, ReadState};
use super::transform::TransformInstance;
use crate::record::{
    Batch, Class, Event, Events, Failure, NO_TIME, OwnedRecord, Span, Stage, StateValue,
    StateWrite, StreamKind, TopicPartition, check_event_kind, check_name,
};
use bytes::Bytes;
use std::cell::Cell;
use std::collections::HashMap;

/// The most records of one call: as in a pipeline.
pub const BATCH: usize = 512;

/// What a plugin is given for one record.
#[derive(Clone, Debug)]
pub struct Case {
    /// The record.
    pub record: OwnedRecord,
    /// For a route: the event that was made of it.
    pub event: CaseEvent,
    /// For a dead-letter policy: why it failed.
    pub failure: CaseFailure,
}

/// An event to route.
#[derive(Clone, Debug)]
pub struct CaseEvent {
    /// Whether `name` is a client or a group.
    pub to: StreamKind,
    /// The client's id or the group's name.
    pub name: String,
    /// The event's type; may be empty.
    pub kind: String,
    /// The payload.
    pub payload: Vec<u8>,
    /// Whether the client is connected; a group always is.
    pub connected: bool,
}

/// A failure to decide on.
#[derive(Clone, Debug)]
pub struct CaseFailure {
    /// The class.
    pub class: Class,
    /// The stage.
    pub stage: Stage,
    /// The message for people.
    pub message: String,
    /// How many times the record was tried.
    pub attempts: u32,
}

/// One thing that a plugin answered for a case.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A transform made an event.
    Event(AnswerEvent),
    /// The record failed: by the plugin's word, or because it broke.
    Failure {
        /// The class.
        class: Class,
        /// The message.
        message: String,
    },
    /// A route's decision.
    Decision(Decision),
    /// A dead-letter policy's ruling.
    Ruling(Ruling),
}

/// An event that a transform made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerEvent {
    /// Whether `name` is a client or a group.
    pub to: StreamKind,
    /// Whether `name` is a task's id, and the event is for the task's owner.
    pub task: bool,
    /// The client's id, the group's name or the task's id.
    pub name: String,
    /// The type; may be empty.
    pub kind: String,
    /// The payload.
    pub payload: String,
}

/// An instance of a plugin that answers cases.
pub struct Probe {
    instance: Instance,
    /// A call broke the instance since this was last asked.
    broke: Cell<bool>,
    memory: HashMap<TopicPartition, Memory>,
}

/// What a partition remembers: its time, and the values of a stateful transform.
#[derive(Clone, PartialEq)]
struct Memory {
    clock: i64,
    values: HashMap<Bytes, StateValue>,
}

impl Default for Memory {
    fn default() -> Memory {
        Memory {
            clock: NO_TIME,
            values: HashMap::new(),
        }
    }
}

impl Memory {
    fn apply(&mut self, writes: Vec<StateWrite>) {
        for StateWrite { key, value, .. } in writes {
            match value {
                Some(value) => self.values.insert(key, value),
                None => self.values.remove(&key),
            };
        }
    }
}

impl ReadState for Memory {
    fn read(&mut self, keys: &[Bytes]) -> Option<Read> {
        let values = keys.iter().map(|key| self.values.get(key).cloned());
        Some(Read {
            values: values.collect(),
            count: self.values.len(),
        })
    }
}

enum Instance {
    Transform(TransformInstance),
    Route(RouteInstance),
    DeadLetter(DeadLetterInstance),
}

impl Probe {
    /// A new, configured instance.
    ///
    /// # Errors
    /// If it refuses its configuration or can't start.
    pub fn new(plugin: &AnyPlugin) -> anyhow::Result<Probe> {
        let instance = match plugin {
            AnyPlugin::Transform(plugin) => plugin.instance().map(Instance::Transform),
            AnyPlugin::Route(plugin) => plugin.instance().map(Instance::Route),
            AnyPlugin::DeadLetter(plugin) => plugin.instance().map(Instance::DeadLetter),
        };
        Ok(Probe {
            instance: instance.map_err(|error| no_instance(&error))?,
            broke: Cell::new(false),
            memory: HashMap::new(),
        })
    }

    /// A new instance that remembers what this one does.
    ///
    /// # Errors
    /// As [`Probe::new`].
    pub fn fresh(&self, plugin: &AnyPlugin) -> anyhow::Result<Probe> {
        let mut probe = Probe::new(plugin)?;
        probe.memory = self.memory.clone();
        Ok(probe)
    }

    /// Whether it has the values and times that another one has.
    pub fn remembers_as(&self, other: &Probe) -> bool {
        self.memory == other.memory
    }

    /// Forgets values and times.
    pub fn forget(&mut self) {
        self.memory.clear();
    }

    /// The lines that the plugin logged since this was last asked.
    pub fn lines(&mut self) -> Vec<LogLine> {
        match &mut self.instance {
            Instance::Transform(instance) => instance.keep_lines(),
            Instance::Route(instance) => instance.keep_lines(),
            Instance::DeadLetter(instance) => instance.keep_lines(),
        }
    }

    /// Runs cases in batches of one partition, as a pipeline does. Returns the
    /// answers of each.
    ///
    /// # Errors
    /// If no instance can be made, or a route or policy needs too much time.
    pub fn run(&mut self, cases: &[Case]) -> anyhow::Result<Vec<Vec<Answer>>> {
        let mut answers = Vec::with_capacity(cases.len());
        let one_batch = |a: &Case, b: &Case| a.record.origin == b.record.origin;
        for partition in cases.chunk_by(one_batch) {
            for cases in partition.chunks(BATCH) {
                answers.append(&mut self.batch(cases)?);
            }
        }
        Ok(answers)
    }

    /// Whether a call broke an instance since this was last asked.
    pub fn broke(&self) -> bool {
        self.broke.take()
    }

    /// What the calls so far have used.
    pub fn usage(&self) -> Usage {
        match &self.instance {
            Instance::Transform(instance) => instance.usage(),
            Instance::Route(instance) => instance.usage(),
            Instance::DeadLetter(instance) => instance.usage(),
        }
    }

    fn batch(&mut self, cases: &[Case]) -> anyhow::Result<Vec<Vec<Answer>>> {
        let mut batch = batch_of(cases);
        let memory = self.memory.entry(batch.origin.clone()).or_default();
        batch.clock = memory.clock;
        memory.clock = batch.clock_after(cases.len());
        // Called only when a call failed.
        let wanted = || {
            self.broke.set(true);
            true
        };
        let turn = Turn {
            wanted: &wanted,
            ..Turn::default()
        };
        match &mut self.instance {
            Instance::Transform(instance) => transform(instance, &batch, memory, turn),
            Instance::Route(instance) => route(instance, &batch, cases, &turn),
            Instance::DeadLetter(instance) => dead_letter(instance, &batch, cases, &turn),
        }
    }
}

/// A batch of cases of one partition.
fn batch_of(cases: &[Case]) -> Batch {
    let mut batch = Batch::new(cases[0].record.origin.clone());
    for Case { record, .. } in cases {
        let headers = record.headers.iter();
        batch.push(
            record.offset,
            record.timestamp,
            record.key.as_deref(),
            record.value.as_deref(),
            headers.map(|(name, value)| (&name[..], value.as_deref())),
        );
    }
    batch
}

fn transform(
    instance: &mut TransformInstance,
    batch: &Batch,
    memory: &mut Memory,
    mut turn: Turn<'_>,
) -> anyhow::Result<Vec<Vec<Answer>>> {
    let mut answers = vec![Vec::new(); batch.records.len()];
    let mut from = 0;
    while from < answers.len() {
        let made = instance.run(batch, from..answers.len(), memory, &turn);
        if let End::NoInstance(error) = &made.ended {
            return Err(no_instance(error));
        }
        let text = |span| String::from_utf8_lossy(made.events.bytes(span)).into_owned();
        for event in &made.events.list {
            let answer = AnswerEvent {
                to: event.to,
                task: event.task.is_some(),
                name: text(event.name),
                kind: text(event.kind),
                payload: text(event.payload),
            };
            answers[event.record as usize].push(Answer::Event(answer));
        }
        for failure in made.failures {
            answers[failure.record as usize].push(failed(failure.class, failure.message));
        }
        memory.apply(made.writes);
        turn.pace = match made.ended {
            End::Undone => usize::MAX,
            _ => 1,
        };
        from = made.end;
    }
    Ok(answers)
}

fn route(
    instance: &mut RouteInstance,
    batch: &Batch,
    cases: &[Case],
    turn: &Turn<'_>,
) -> anyhow::Result<Vec<Vec<Answer>>> {
    let mut events = Events::default();
    for (index, Case { event, .. }) in cases.iter().enumerate() {
        let mut push = |bytes: &[u8]| Span::push(&mut events.arena, bytes);
        events.list.push(Event {
            record: index as u32,
            n: 0,
            to: event.to,
            name: push(event.name.as_bytes()),
            kind: push(event.kind.as_bytes()),
            payload: push(&event.payload),
            task: None,
        });
    }
    let is_connected = |case: &Case| case.event.connected || case.event.to == StreamKind::Group;
    let connected: Vec<bool> = cases.iter().map(is_connected).collect();
    let connected = if instance.needs.connected {
        &connected[..]
    } else {
        &[]
    };
    let routed = instance.run(batch, &events, connected, turn);
    whole(&routed.ended)?;
    let decided = |decision: Option<Decision>| decision.map(Answer::Decision).into_iter().collect();
    let mut answers: Vec<Vec<Answer>> = routed.decisions.into_iter().map(decided).collect();
    for failure in routed.failures {
        answers[failure.record as usize] = vec![failed(failure.class, failure.message)];
    }
    Ok(answers)
}

fn dead_letter(
    instance: &mut DeadLetterInstance,
    batch: &Batch,
    cases: &[Case],
    turn: &Turn<'_>,
) -> anyhow::Result<Vec<Vec<Answer>>> {
    let failure = |(index, Case { failure, .. }): (usize, &Case)| {
        let CaseFailure { class, stage, .. } = *failure;
        let mut lowered = Failure::new(index as u32, stage, class, failure.message.clone());
        lowered.attempts = failure.attempts;
        lowered
    };
    let failures: Vec<Failure> = cases.iter().enumerate().map(failure).collect();
    let rulings = instance.run(batch, &failures, turn);
    whole(&rulings.ended)?;
    let ruled = |ruling| {
        vec![match ruling {
            Ok(ruling) => Answer::Ruling(ruling),
            Err(CallError { class, message, .. }) => failed(class, message),
        }]
    };
    Ok(rulings.list.into_iter().map(ruled).collect())
}

fn failed(class: Class, message: String) -> Answer {
    Answer::Failure { class, message }
}

/// A route and a policy must decide everything in one turn.
fn whole(ended: &End) -> anyhow::Result<()> {
    match ended {
        End::Whole => Ok(()),
        End::NoInstance(error) => Err(no_instance(error)),
        _ => anyhow::bail!(
            "it exceeded its CPU time on the test records: raise limits.cpu-per-batch"
        ),
    }
}

fn no_instance(error: &CallError) -> anyhow::Error {
    anyhow::anyhow!("it can't start: {}", error.message)
}

impl CaseEvent {
    /// Checks what a transform's events are checked for.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        check_name(self.name.as_bytes()).map_err(|e| format!("the {} {e}", self.to.word()))?;
        check_event_kind(self.kind.as_bytes()).map_err(|e| e.to_string())
    }
}
