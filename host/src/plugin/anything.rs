//! Any answer of a plugin is read or refused with a reason. A panic would end
//! every stream.

use super::abi::{Header, List, Span as WireSpan, transform as wire};
use super::guest::Program;
use super::meter::Meter;
use super::room::Room;
use super::{Limits, Made, check, engine};
use crate::record::{Span, check_event_kind, check_name};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::LazyLock;
use wasmtime::component::Component;

/// The most bytes of one answer, and of all answers kept for a batch.
const OUTPUT: usize = 1 << 12;

/// A program with only a name and limits.
static PROGRAM: LazyLock<Program> = LazyLock::new(|| {
    let engine = engine::running(1, 1 << 20, Meter::Off).expect("the engine starts");
    let empty = Component::new(&engine, b"\0asm\x0d\0\x01\0").expect("it is a component");
    let limits = Limits {
        output: OUTPUT,
        ..Limits::default()
    };
    let about = ("any".into(), "digest".into(), "null".into(), limits);
    let granted = Default::default();
    Program::link(&engine, &empty, about, granted, Meter::Off).expect("it imports nothing")
});

/// A number of the contract: small, or at its limits.
pub(super) fn number() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 0..6_u32, 1 => Just(u32::MAX), 1 => Just(u32::MAX - 1), 1 => any::<u32>()]
}

pub(super) fn span() -> impl Strategy<Value = WireSpan> {
    let edge = prop_oneof![6 => 0..40_u32, 1 => Just(u32::MAX), 1 => any::<u32>()];
    let length = prop_oneof![6 => 0..20_u32, 1 => 0..5000_u32, 1 => any::<u32>()];
    (edge, length).prop_map(|(start, length)| WireSpan { start, length })
}

/// Mostly letters, so that some spans are valid names.
pub(super) fn arena() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![20 => b'a'..b'e', 1 => any::<u8>()];
    let filled = |(mut bytes, length): (Vec<u8>, usize)| {
        bytes.resize(bytes.len().max(length), b'f');
        bytes
    };
    (
        vec(byte, 0..64),
        prop_oneof![3 => Just(0), 1 => 0..2 * OUTPUT],
    )
        .prop_map(filled)
}

pub(super) fn headers() -> impl Strategy<Value = Vec<Header>> {
    let header = (span(), span()).prop_map(|(name, value)| Header { name, value });
    vec(header, 0..4)
}

fn event() -> impl Strategy<Value = wire::Event> {
    (number(), number(), span(), span(), span()).prop_map(
        |(record, address_kind, address, event_type, payload)| wire::Event {
            record,
            address_kind,
            address,
            event_type,
            payload,
        },
    )
}

fn failure() -> impl Strategy<Value = wire::Failure> {
    (number(), number(), span()).prop_map(|(record, class, message)| wire::Failure {
        record,
        class,
        message,
    })
}

prop_compose! {
    fn answer()(
        arena in arena(),
        mut events in vec(event(), 0..8),
        mut failures in vec(failure(), 0..4),
        sorted in prop::bool::weighted(0.9),
    ) -> wire::Answer {
        if sorted {
            events.sort_by_key(|event| event.record);
            failures.sort_by_key(|failure| failure.record);
        }
        wire::Answer { arena: List(arena), events: List(events), failures: List(failures) }
    }
}

/// Everything made of a batch's first `end` records is usable.
fn check_made(made: &Made, end: usize) -> Result<(), TestCaseError> {
    let arena = &made.events.arena;
    prop_assert!(arena.len() <= 2 * OUTPUT, "{} bytes are kept", arena.len());
    let bytes = |span: Span| span.of(arena).expect("it lies in the arena");
    for event in &made.events.list {
        prop_assert!((event.record as usize) < end);
        prop_assert!(check_name(bytes(event.name)).is_ok());
        prop_assert!(check_event_kind(bytes(event.kind)).is_ok());
        prop_assert!(std::str::from_utf8(bytes(event.payload)).is_ok());
        let failed = made.failures.iter().any(|f| f.record == event.record);
        prop_assert!(!failed, "record {} has both", event.record);
    }
    let numbers = made.events.list.iter().map(|event| event.record);
    prop_assert!(numbers.is_sorted());
    let failed: Vec<u32> = made.failures.iter().map(|f| f.record).collect();
    prop_assert!(failed.is_sorted_by(|a, b| a < b), "{failed:?}");
    prop_assert!(failed.iter().all(|record| (*record as usize) < end));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn transform_answers_are_accepted_record_by_record(
        answers in vec((answer(), 1..6_usize), 1..6),
    ) {
        let (mut made, mut room) = (Made::default(), Room::new(OUTPUT));
        let mut end = 0;
        for (answer, records) in answers {
            let range = end..end + records;
            match check::transform(answer, &range, &PROGRAM, &mut room, &mut made) {
                Ok(taken) => {
                    prop_assert!(range.contains(&taken) || taken == range.end);
                    end = taken;
                    if taken < range.end {
                        break;
                    }
                }
                // The records would be sent again.
                Err(error) => prop_assert!(!error.message.is_empty()),
            }
            check_made(&made, end)?;
        }
        check_made(&made, end)?;
    }
}
