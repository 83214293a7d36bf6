use super::input::{Flat, TestRecord, owned};
use crate::abi::transform::exports::millstream::plugin::transform as wire;
use crate::{Address, Class, Config, Failure, Transform};

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

    /// Runs one batch. Returns for each record its events or its failure.
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
            let made = made(event, &answer.arena);
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
