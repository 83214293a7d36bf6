use super::input::{Flat, TestRecord, owned};
use crate::{Class, Config, Failure, Transform};

/// An event that a transform made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeEvent {
    /// The client's id.
    pub client: String,
    /// The event's type.
    pub kind: String,
    /// The payload.
    pub payload: String,
}

/// A transform under test.
pub struct TransformTest<T>(T);

impl<T: Transform> TransformTest<T> {
    /// Configures it with `config`, a JSON object.
    ///
    /// # Errors
    /// The plugin's own refusal.
    pub fn new(config: &str) -> Result<Self, String> {
        T::new(Config(config)).map(TransformTest)
    }

    /// The plugin itself.
    pub fn plugin(&self) -> &T {
        &self.0
    }

    /// Runs one batch: for each record its events, or its failure.
    pub fn run(&self, records: &[TestRecord]) -> Vec<Result<Vec<MadeEvent>, Failure>> {
        let flat = Flat::new(records);
        let answer = crate::run_transform(
            &self.0,
            &flat.arena,
            flat.origin,
            &flat.records,
            &flat.headers,
        );
        let mut out: Vec<_> = records.iter().map(|_| Ok(Vec::new())).collect();
        for event in &answer.events {
            let made = MadeEvent {
                client: owned(event.address, &answer.arena),
                kind: owned(event.event_type, &answer.arena),
                payload: owned(event.payload, &answer.arena),
            };
            if let Ok(events) = &mut out[event.record as usize] {
                events.push(made);
            }
        }
        for failure in &answer.failures {
            let class = [
                Class::Rejected,
                Class::Malformed,
                Class::Unaddressable,
                Class::Transient,
            ];
            out[failure.record as usize] = Err(Failure {
                class: class[failure.class as usize],
                message: owned(failure.message, &answer.arena),
            });
        }
        out
    }

    /// Runs one record.
    ///
    /// # Errors
    /// The record's failure.
    pub fn one(&self, record: TestRecord) -> Result<Vec<MadeEvent>, Failure> {
        self.run(&[record]).remove(0)
    }
}
