use super::check;
use super::input::{Flat, TestRecord, owned};
use crate::abi::dead_letter::exports::millstream::plugin::dead_letter as wire;
use crate::abi::{Header, Span};
use crate::{Config, DeadLetter, Decision, Letter, Value};
use std::time::Duration;

/// A failed test record. Its stage is `transform`, its plugin `plugin`, its
/// digest `digest`.
#[derive(Clone, Debug)]
pub struct TestFailure {
    class: String,
    message: String,
    attempts: u32,
    record: TestRecord,
}

impl TestFailure {
    /// A first failure.
    pub fn new(class: &str, message: &str, record: TestRecord) -> TestFailure {
        TestFailure {
            class: class.into(),
            message: message.into(),
            attempts: 1,
            record,
        }
    }

    /// Sets how many times the record was tried.
    pub fn attempts(mut self, attempts: u32) -> TestFailure {
        self.attempts = attempts;
        self
    }
}

/// A dead-letter plugin under test.
pub struct DeadLetterTest<T>(T);

impl<T: DeadLetter> DeadLetterTest<T> {
    /// Configures it with `config`, a JSON object.
    ///
    /// # Errors
    /// The plugin's refusal.
    pub fn new(config: &str) -> Result<Self, String> {
        T::new(Config(config)).map(DeadLetterTest)
    }

    /// Runs one batch. Returns the decision on each failed record.
    ///
    /// # Panics
    /// If a topic or a header is invalid: the host does not follow such a decision.
    pub fn run(&self, failures: &[TestFailure]) -> Vec<Decision> {
        let mut flat = Flat::new(failures.iter().map(|f| &f.record));
        let mut push = |text: &str| Span::push(&mut flat.arena, text.as_bytes());
        let lowered: Vec<_> = failures
            .iter()
            .enumerate()
            .map(|(index, failure)| wire::Failure {
                record: index as u32,
                attempts: failure.attempts,
                stage: push("transform"),
                class: push(&failure.class),
                message: push(&failure.message),
                plugin: push("plugin"),
                digest: push("digest"),
            })
            .collect();
        let Flat {
            arena,
            origin,
            records,
            headers,
        } = &flat;
        let answer = crate::run_dead_letter(&self.0, arena, *origin, records, headers, &lowered);
        answer
            .decisions
            .iter()
            .map(|decision| checked(read(&answer, decision)))
            .collect()
    }
}

fn checked(decision: Decision) -> Decision {
    let (topic, headers) = match &decision {
        Decision::ToTopic(letter) => (letter.topic.as_ref(), &letter.headers[..]),
        Decision::Reroute { topic, headers } => (Some(topic), &headers[..]),
        _ => (None, &[][..]),
    };
    let topic = topic.map_or(Ok(()), |topic| check::topic(topic.as_bytes()));
    let names = headers.iter().map(|(name, _)| &**name);
    if let Err(why) = topic.and_then(|()| check::headers(names)) {
        panic!("the host would refuse this decision: {why}: {decision:?}");
    }
    decision
}

fn read(answer: &wire::Answer, decision: &wire::Decision) -> Decision {
    let bytes = |span: Span| span.of(&answer.arena).map(<[u8]>::to_vec);
    match decision.action {
        1 => Decision::Retry(Duration::from_millis(decision.delay_ms.into())),
        2 => Decision::Drop,
        3 => Decision::Halt,
        _ => {
            let first = decision.first_header as usize;
            let headers = &answer.headers[first..first + decision.header_count as usize];
            let header = |h: &Header| (owned(h.name, &answer.arena), bytes(h.value));
            let headers = headers.iter().map(header).collect();
            if decision.action == 4 {
                let topic = owned(decision.topic, &answer.arena);
                return Decision::Reroute { topic, headers };
            }
            Decision::ToTopic(Letter {
                topic: bytes(decision.topic).map(|_| owned(decision.topic, &answer.arena)),
                value: match (decision.value_from, bytes(decision.value)) {
                    (0, _) => Value::Same,
                    (_, Some(value)) => Value::Bytes(value),
                    (_, None) => Value::Absent,
                },
                headers,
            })
        }
    }
}
