use super::check::{self, Parts};
use super::input::{Flat, TestRecord, owned};
use super::stateful::StatefulTest;
use crate::abi::Span;
use crate::abi::transform::exports::millstream::plugin::transform as wire;
use crate::{Address, Class, Config, Failure, StatefulTransform, Transform};
use std::cell::RefCell;

/// An event that a transform made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeEvent {
    /// The client's id; empty if the event is not for a client.
    pub client: String,
    /// The group's name; empty if the event is not for a group.
    pub group: String,
    /// The id of the task whose owner receives it; empty if it is not for a
    /// task.
    pub task: String,
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
    /// The plugin's refusal.
    pub fn new(config: &str) -> Result<Self, String> {
        T::new(Config(config)).map(TransformTest)
    }

    /// The plugin itself.
    pub fn plugin(&self) -> &T {
        &self.0
    }

    /// Runs one batch. Returns for each record its events or its failure. An event
    /// that the host would refuse fails its record as [`Class::BadOutput`] or
    /// [`Class::TooLarge`], as there.
    pub fn run(&self, records: &[TestRecord]) -> Vec<Result<Vec<MadeEvent>, Failure>> {
        let flat = Flat::new(records);
        let answer = crate::run_transform(
            &self.0,
            &flat.arena,
            flat.origin,
            &flat.records,
            &flat.headers,
        );
        results(&answer, records.len())
    }

    /// Runs one record.
    ///
    /// # Errors
    /// The record's failure.
    pub fn one(&self, record: TestRecord) -> Result<Vec<MadeEvent>, Failure> {
        self.run(&[record]).remove(0)
    }
}

/// A transform of another crate, run natively; see `millstream plugin debug`.
#[doc(hidden)]
pub struct NativeTransform(Box<dyn Fn(TestRecord) -> Result<Vec<MadeEvent>, Failure>>);

impl NativeTransform {
    /// Configures it.
    ///
    /// # Errors
    /// The plugin's refusal.
    pub fn new<T: Transform>(config: &str) -> Result<NativeTransform, String> {
        let test = TransformTest::<T>::new(config)?;
        Ok(NativeTransform(Box::new(move |record| test.one(record))))
    }

    /// Configures one that keeps state. Each record meets no values.
    ///
    /// # Errors
    /// The plugin's refusal.
    pub fn stateful<T: StatefulTransform>(config: &str) -> Result<NativeTransform, String> {
        let test = RefCell::new(StatefulTest::<T>::new(config)?);
        let one = move |record| test.borrow_mut().one(record);
        Ok(NativeTransform(Box::new(one)))
    }

    /// Runs one record.
    ///
    /// # Errors
    /// The record's failure.
    pub fn one(&self, record: TestRecord) -> Result<Vec<MadeEvent>, Failure> {
        (self.0)(record)
    }
}

/// For each record its events or its failure.
pub(super) fn results(
    answer: &wire::Answer,
    records: usize,
) -> Vec<Result<Vec<MadeEvent>, Failure>> {
    let mut out: Vec<_> = (0..records).map(|_| Ok(Vec::new())).collect();
    for events in answer.events.chunk_by(|a, b| a.record == b.record) {
        let parts: Vec<_> = events.iter().map(|e| parts(e, &answer.arena)).collect();
        let made = || events.iter().map(|e| made(e, &answer.arena)).collect();
        out[events[0].record as usize] = check::events(&parts).map(|()| made());
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

fn parts<'a>(event: &wire::Event, arena: &'a [u8]) -> Parts<'a> {
    let bytes = |span: Span| span.of(arena).unwrap_or_default();
    Parts {
        to: match event.address_kind {
            0 => "client",
            1 => "group",
            _ => "task",
        },
        address: bytes(event.address),
        kind: bytes(event.event_type),
        payload: bytes(event.payload),
    }
}

fn made(event: &wire::Event, arena: &[u8]) -> MadeEvent {
    let name = owned(event.address, arena);
    let [mut client, mut group, mut task] = [const { String::new() }; 3];
    match (event.address_kind, Address::of(event.address_kind, &name)) {
        (Address::TASK, _) => task = name,
        (_, Address::Client(_)) => client = name,
        (_, Address::Group(_)) => group = name,
    }
    MadeEvent {
        client,
        group,
        task,
        kind: owned(event.event_type, arena),
        payload: owned(event.payload, arena),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Events, Record};

    /// Sends an event to a group and to a client of the same name.
    struct Both;

    impl Transform for Both {
        fn new(config: Config) -> Result<Self, String> {
            config.none().map(|()| Both)
        }

        fn transform(&self, _: Record, events: &mut Events) -> Result<(), Failure> {
            events.client("a").kind("own").text("1");
            events.group("a").text("2");
            events.task("a").text("2");
            events.to(Address::Group("b")).kind("all").json(&3)
        }
    }

    /// Answers as its records say.
    struct Careless;

    impl Transform for Careless {
        fn new(config: Config) -> Result<Self, String> {
            config.none().map(|()| Careless)
        }

        fn transform(&self, record: Record, events: &mut Events) -> Result<(), Failure> {
            match record.value().unwrap_or_default() {
                b"empty" => events.client("").text(""),
                b"long" => events.client(&"x".repeat(257)).text(""),
                b"control" => events.group("a\nb").text(""),
                b"reserved" => events.client("a").kind("gap").text(""),
                b"bytes" => events.client("a").bytes(&[b'x', 0xff]),
                b"many" => (0..1001).for_each(|_| events.client("a").text("")),
                b"huge" => events.client("a").bytes(&vec![b'x'; 16 << 20]),
                _ => events.client("a").text("good"),
            }
            Ok(())
        }
    }

    #[test]
    fn what_the_host_refuses_fails_here_too() {
        let careless = TransformTest::<Careless>::new("{}").unwrap();
        let cases = [
            ("empty", Class::BadOutput, "the client id is empty"),
            (
                "long",
                Class::BadOutput,
                "the client id has 257 bytes; the limit is 256",
            ),
            (
                "control",
                Class::BadOutput,
                "the group name contains a control character at byte 1",
            ),
            (
                "reserved",
                Class::BadOutput,
                "the event type `gap` is reserved",
            ),
            (
                "bytes",
                Class::BadOutput,
                "the payload is not UTF-8 at byte 1",
            ),
            (
                "many",
                Class::TooLarge,
                "the plugin made 1001 events from one record",
            ),
            (
                "huge",
                Class::TooLarge,
                "the plugin made 16777473 bytes of events",
            ),
        ];
        let records = cases.map(|(value, _, _)| TestRecord::value(value));
        let all = [&records[..], &[TestRecord::value("good")]].concat();
        let results = careless.run(&all);
        for ((value, class, message), result) in cases.iter().zip(&results) {
            let failure = result.as_ref().expect_err(value);
            assert_eq!(failure.class, *class, "{value}");
            assert!(failure.message.starts_with(message), "{}", failure.message);
        }
        assert_eq!(results[7].as_ref().unwrap()[0].payload, "good");
    }

    #[test]
    fn events_for_clients_groups_and_tasks_are_distinguished() {
        let made = TransformTest::<Both>::new("{}").unwrap();
        let made = made.one(TestRecord::value("x")).unwrap();
        let shown: Vec<_> = made
            .iter()
            .map(|e| [&*e.client, &*e.group, &*e.task, &*e.kind, &*e.payload])
            .collect();
        let expected = [
            ["a", "", "", "own", "1"],
            ["", "a", "", "", "2"],
            ["", "", "a", "", "2"],
            ["", "b", "", "all", "3"],
        ];
        assert_eq!(shown, expected);
    }
}
