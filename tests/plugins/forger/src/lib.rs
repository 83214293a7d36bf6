//! A transform whose answers no correct plugin makes: lists outside its memory, invalid numbers,
//! blame on other records. A record's value selects the answer. Other records become events for
//! `victim`, unchanged.

use millstream_plugin::abi::transform::exports::millstream::plugin::transform as wire;
use millstream_plugin::abi::transform::millstream::plugin::diagnostics;
use millstream_plugin::abi::{Header, KafkaRecord, Origin, Span};
use test_forging::{OUTSIDE, forged, grow, push, spin};

/// The plugin.
pub struct Forger;

impl wire::Guest for Forger {
    fn configure(config: String) -> Result<(), String> {
        let told = |what| config.contains(what);
        if told("loop") {
            spin();
        }
        assert!(!told("trap"), "told to trap");
        if told("grow") {
            grow();
        }
        match told("chatter") {
            true => Err("no\nand no\r\n".repeat(100_000)),
            false => Ok(()),
        }
    }

    fn run(
        arena: Vec<u8>,
        _origin: Origin,
        records: Vec<KafkaRecord>,
        _headers: Vec<Header>,
    ) -> wire::Answer {
        let mut answer = wire::Answer {
            arena: b"victim".to_vec(),
            events: Vec::new(),
            failures: Vec::new(),
        };
        let mut forge = None;
        for (index, record) in records.iter().enumerate() {
            let (start, length) = (record.value.start as usize, record.value.length as usize);
            let value = arena.get(start..start + length).unwrap_or(b"absent");
            let value = String::from_utf8_lossy(value).into_owned();
            act(&value, index as u32, &mut answer);
            forge = forgery(&value).or(forge);
        }
        // This must be last: no code here may read a forged list.
        if let Some(forge) = forge {
            forge(&mut answer);
        }
        answer
    }
}

fn act(value: &str, record: u32, answer: &mut wire::Answer) {
    let mut event = event(value, record, answer);
    match value {
        "span overflow" => event.payload.length = u32::MAX,
        "decreasing" => answer.events.push(wire::Event {
            record: record + 1,
            ..event
        }),
        "failure of nobody" => fail(answer, 7_000_000, 0, SAID),
        "failure outside" => fail(answer, record, 1, OUTSIDE),
        "unknown class" => fail(answer, record, 99, SAID),
        "both" => fail(answer, record, 1, SAID),
        "blame the first" => blame(0, "it was the first"),
        "blame the last" => blame(u32::MAX - 1, "it was the last"),
        "deep" => event.record = deep(u64::from(record) + 1) as u32,
        "long words" => blame(record, &"long\n".repeat(100_000)),
        "endless words" => blame(record, &"endless ".repeat(5 << 20)),
        _ => {}
    }
    answer.events.push(event);
}

fn forgery(value: &str) -> Option<fn(&mut wire::Answer)> {
    match value {
        "gigabyte arena" => Some(|answer| answer.arena = forged(16, 1 << 30)),
        "gigabytes of events" => Some(|answer| answer.events = forged(16, 1 << 26)),
        "unaligned events" => Some(|answer| answer.events = forged(17, 1)),
        "arena outside" => Some(|answer| answer.arena = forged(0xffff_0000, 0xffff)),
        _ => None,
    }
}

/// `victim`.
const SAID: Span = Span {
    start: 0,
    length: 6,
};

fn event(value: &str, record: u32, answer: &mut wire::Answer) -> wire::Event {
    let payload = push(&mut answer.arena, value.as_bytes());
    wire::Event {
        record,
        address_kind: 0,
        address: SAID,
        event_type: Span {
            start: 0,
            length: 0,
        },
        payload,
    }
}

fn fail(answer: &mut wire::Answer, record: u32, class: u32, message: Span) {
    answer.failures.push(wire::Failure {
        record,
        class,
        message,
    });
}

fn blame(record: u32, words: &str) -> ! {
    diagnostics::panicked(record, words);
    std::process::abort()
}

/// Exhausts the call stack without using the plugin's memory.
#[inline(never)]
fn deep(depth: u64) -> u64 {
    match depth {
        0 => 0,
        _ => deep(depth + 1).rotate_left(3) ^ depth,
    }
}

#[cfg(target_arch = "wasm32")]
millstream_plugin::abi::transform::export_transform!(Forger with_types_in millstream_plugin::abi::transform);
