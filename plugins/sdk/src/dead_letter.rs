//! The dead-letter kind: decides what happens to failed records.

use crate::abi::dead_letter::exports::millstream::plugin::dead_letter as wire;
use crate::abi::{Header, KafkaRecord, Origin, Span};
use crate::record::text;
use crate::{Config, Record};
use std::time::Duration;

/// A record that failed, and why.
#[derive(Clone, Copy)]
pub struct FailedRecord<'a> {
    arena: &'a [u8],
    failure: &'a wire::Failure,
    record: Record<'a>,
}

impl<'a> FailedRecord<'a> {
    /// The record, with all its bytes.
    pub fn record(&self) -> Record<'a> {
        self.record
    }

    /// How many times it was tried, this failure included: 1 for the first.
    pub fn attempts(&self) -> u32 {
        self.failure.attempts
    }

    /// Where it failed: `ingest`, `transform`, `address`, `route` or `store`.
    pub fn stage(&self) -> &'a str {
        text(self.failure.stage.of(self.arena))
    }

    /// The failure class, such as `malformed`, `transient` or `trap`.
    pub fn class(&self) -> &'a str {
        text(self.failure.class.of(self.arena))
    }

    /// The message for people.
    pub fn message(&self) -> &'a str {
        text(self.failure.message.of(self.arena))
    }

    /// The plugin that failed; empty if no plugin is to blame.
    pub fn plugin(&self) -> &'a str {
        text(self.failure.plugin.of(self.arena))
    }

    /// That plugin's digest, or empty.
    pub fn digest(&self) -> &'a str {
        text(self.failure.digest.of(self.arena))
    }
}

/// The value of a dead letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Value {
    /// The record's value, byte for byte.
    #[default]
    Same,
    /// Another value.
    Bytes(Vec<u8>),
    /// No value: a tombstone.
    Absent,
}

/// A dead letter. It keeps the record's key and headers, and the host adds
/// `millstream.error.*`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letter {
    /// The topic, or `None` for the pipeline's default, `<topic>-dlq`.
    pub topic: Option<String>,
    /// The value.
    pub value: Value,
    /// Headers to add.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// What happens to a failed record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It goes to a Kafka topic.
    ToTopic(Letter),
    /// It goes to another topic, unchanged but for added headers, for another
    /// pipeline or program. The host adds `millstream.source` and no
    /// `millstream.error.*`.
    Reroute {
        /// The topic.
        topic: String,
        /// Headers to add.
        headers: Vec<(String, Option<Vec<u8>>)>,
    },
    /// It is retried after a delay. Its partition waits, so that order is kept.
    /// The pipeline limits the number and the duration.
    Retry(Duration),
    /// It is dropped and counted.
    Drop,
    /// The partition halts.
    Halt,
}

/// A plugin that decides what happens to failed records.
///
/// ```
/// use millstream_plugin::{Config, DeadLetter, Decision, FailedRecord, Letter, dead_letter};
///
/// struct DropRejected;
///
/// impl DeadLetter for DropRejected {
///     fn new(config: Config) -> Result<Self, String> {
///         config.none().map(|()| DropRejected)
///     }
///
///     fn decide(&self, failed: FailedRecord) -> Decision {
///         match failed.class() {
///             "rejected" => Decision::Drop,
///             _ => Decision::ToTopic(Letter::default()),
///         }
///     }
/// }
///
/// dead_letter!(DropRejected);
///
/// use millstream_plugin::testing::{DeadLetterTest, TestFailure, TestRecord};
/// let policy = DeadLetterTest::<DropRejected>::new("{}").unwrap();
/// let failed = TestFailure::new("rejected", "no such order", TestRecord::value("{}"));
/// assert_eq!(policy.run(&[failed]), [Decision::Drop]);
/// ```
pub trait DeadLetter: Sized + 'static {
    /// Makes an instance from the plugin's configuration table.
    ///
    /// # Errors
    /// A message for people: the plugin does not go live.
    fn new(config: Config) -> Result<Self, String>;

    /// Decides what happens to one failed record.
    fn decide(&self, failed: FailedRecord) -> Decision;
}

/// Runs a plugin over a batch's failures. For the macro and for tests.
#[doc(hidden)]
pub fn run<T: DeadLetter>(
    plugin: &T,
    arena: &[u8],
    origin: Origin,
    records: &[KafkaRecord],
    headers: &[Header],
    failures: &[wire::Failure],
) -> wire::Answer {
    let mut answer = wire::Answer {
        arena: Vec::new(),
        headers: Vec::new(),
        decisions: Vec::new(),
    };
    for failure in failures {
        crate::panic::set_record(failure.record);
        let record = &records[failure.record as usize];
        let record = Record {
            arena,
            origin,
            record,
            headers,
        };
        let decided = plugin.decide(FailedRecord {
            arena,
            failure,
            record,
        });
        let decision = write(&mut answer, decided);
        answer.decisions.push(decision);
    }
    answer
}

fn write(answer: &mut wire::Answer, decided: Decision) -> wire::Decision {
    let mut decision = wire::Decision {
        action: 0,
        delay_ms: 0,
        topic: Span::ABSENT,
        value_from: 0,
        value: Span::ABSENT,
        first_header: answer.headers.len() as u32,
        header_count: 0,
    };
    match decided {
        Decision::Retry(delay) => {
            decision.action = 1;
            decision.delay_ms = u32::try_from(delay.as_millis()).unwrap_or(u32::MAX);
        }
        Decision::Drop => decision.action = 2,
        Decision::Halt => decision.action = 3,
        Decision::ToTopic(letter) => write_letter(answer, &mut decision, letter),
        Decision::Reroute { topic, headers } => {
            let letter = Letter {
                topic: Some(topic),
                value: Value::Same,
                headers,
            };
            write_letter(answer, &mut decision, letter);
            decision.action = 4;
        }
    }
    decision
}

fn write_letter(answer: &mut wire::Answer, decision: &mut wire::Decision, letter: Letter) {
    let topic = letter.topic.as_deref().map(str::as_bytes);
    decision.topic = Span::push_option(&mut answer.arena, topic);
    match letter.value {
        Value::Same => {}
        Value::Absent => decision.value_from = 1,
        Value::Bytes(bytes) => {
            decision.value_from = 1;
            decision.value = Span::push(&mut answer.arena, &bytes);
        }
    }
    decision.header_count = letter.headers.len() as u32;
    for (name, value) in letter.headers {
        let name = Span::push(&mut answer.arena, name.as_bytes());
        let value = Span::push_option(&mut answer.arena, value.as_deref());
        answer.headers.push(Header { name, value });
    }
}

/// Exports a type that implements [`DeadLetter`] as the crate's plugin. Use it
/// once per crate.
#[macro_export]
macro_rules! dead_letter {
    ($plugin:ty) => {
        const _: () = {
            use $crate::abi::dead_letter::exports::millstream::plugin::dead_letter as wire;
            #[allow(dead_code, reason = "exported where it is built for wasm only")]
            struct Exported;
            ::std::thread_local! {
                static PLUGIN: $crate::Slot<$plugin> = const { $crate::Slot::new() };
            }
            impl wire::Guest for Exported {
                fn configure(config: String) -> Result<(), String> {
                    #[cfg(target_arch = "wasm32")]
                    $crate::panic::install(|record, message| {
                        $crate::abi::dead_letter::millstream::plugin::diagnostics::panicked(record, message)
                    });
                    let plugin = <$plugin as $crate::DeadLetter>::new($crate::Slot::<$plugin>::config(&config))?;
                    PLUGIN.with(|slot| slot.set(plugin));
                    Ok(())
                }
                fn run(
                    arena: Vec<u8>,
                    origin: $crate::abi::Origin,
                    records: Vec<$crate::abi::KafkaRecord>,
                    headers: Vec<$crate::abi::Header>,
                    failures: Vec<wire::Failure>,
                ) -> wire::Answer {
                    PLUGIN.with(|slot| {
                        $crate::run_dead_letter(slot.get(), &arena, origin, &records, &headers, &failures)
                    })
                }
            }
            // Natively nothing is exported; these avoid warnings about unused
            // code.
            #[cfg(not(target_arch = "wasm32"))]
            const _: fn(String) -> Result<(), String> = <Exported as wire::Guest>::configure;
            #[cfg(target_arch = "wasm32")]
            $crate::abi::dead_letter::export_dead_letter!(Exported with_types_in $crate::abi::dead_letter);
        };
    };
}
