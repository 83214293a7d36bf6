//! A dead-letter policy that decides as the failed record's value says, or breaks on it. Other
//! records go to the pipeline's dead-letter topic.

use millstream_plugin::abi::dead_letter::exports::millstream::plugin::dead_letter as wire;
use millstream_plugin::abi::{Header, KafkaRecord, Origin, Span};
use test_forging::{OUTSIDE, forged, grow, push, spin, wide};

/// The plugin.
pub struct Ruling;

const PLAIN: wire::Decision = wire::Decision {
    action: 0,
    delay_ms: 0,
    topic: Span::ABSENT,
    value_from: 0,
    value: Span::ABSENT,
    first_header: 0,
    header_count: 0,
};

impl wire::Guest for Ruling {
    fn configure(_config: String) -> Result<(), String> {
        Ok(())
    }

    fn run(
        arena: Vec<u8>,
        _origin: Origin,
        records: Vec<KafkaRecord>,
        headers: Vec<Header>,
        failures: Vec<wire::Failure>,
    ) -> wire::Answer {
        let mut answer = wire::Answer {
            arena: Vec::new(),
            headers: Vec::new(),
            decisions: Vec::new(),
        };
        let mut forge = false;
        for failure in &failures {
            let record = &records[failure.record as usize];
            let value = String::from_utf8_lossy(bytes(&arena, record.value)).into_owned();
            let decision = match value.split_once(' ') {
                Some(("to", topic)) => reshaped(topic, &arena, failure, &mut answer),
                Some(("reroute", topic)) => wire::Decision {
                    topic: push(&mut answer.arena, topic.as_bytes()),
                    ..action(4)
                },
                Some(("again", _)) if failure.attempts < 3 => retry(50),
                _ => ruled(&value, &mut answer),
            };
            if value.starts_with("copy headers") {
                copy_headers(&arena, record, &headers, &mut answer);
            } else if value != "too few" {
                answer.decisions.push(decision);
            }
            forge |= value == "gigabyte answer";
        }
        // This must be last: no code here may read a forged list.
        if forge {
            answer.arena = forged(16, 1 << 30);
        }
        answer
    }
}

/// The instruction, and the answer that breaks the contract.
fn ruled(value: &str, answer: &mut wire::Answer) -> wire::Decision {
    match value {
        "trap" => std::process::abort(),
        "panic" => panic!("told to panic"),
        "loop" => spin(),
        "grow" => grow(),
        "recurse" => recurse(1),
        "forever" => retry(u32::MAX),
        "drop" => action(2),
        "halt" => action(3),
        "unknown action" => action(9),
        "topic empty" => topic(answer, b""),
        "topic slash" => topic(answer, b"a/b"),
        "topic dots" => topic(answer, b".."),
        "topic long" => topic(answer, &[b't'; 300]),
        "topic no text" => topic(answer, b"t\xff"),
        "topic outside" => wire::Decision {
            topic: OUTSIDE,
            ..PLAIN
        },
        "value outside" => wire::Decision {
            value_from: 1,
            value: OUTSIDE,
            ..PLAIN
        },
        "tombstone" => wire::Decision {
            value_from: 1,
            ..PLAIN
        },
        "wide" => {
            let first = answer.headers.len() as u32;
            added(first, wide(&mut answer.arena, &mut answer.headers))
        }
        "headers outside" => added(u32::MAX, 3),
        "many headers" => added(0, u32::MAX),
        "header without a name" => named(answer, b""),
        "header with a NUL" => named(answer, b"a\0b"),
        "header of the host" => named(answer, b"millstream.error.class"),
        "too many" => {
            answer.decisions.push(PLAIN);
            PLAIN
        }
        _ => PLAIN,
    }
}

fn topic(answer: &mut wire::Answer, name: &[u8]) -> wire::Decision {
    wire::Decision {
        topic: push(&mut answer.arena, name),
        ..PLAIN
    }
}

/// To that topic, with the failure described in value and headers.
fn reshaped(
    topic: &str,
    arena: &[u8],
    failure: &wire::Failure,
    answer: &mut wire::Answer,
) -> wire::Decision {
    let text = |span| String::from_utf8_lossy(bytes(arena, span)).into_owned();
    let told = format!("{} in {}", text(failure.class), text(failure.stage));
    let first_header = answer.headers.len() as u32;
    let (name, value) = (
        push(&mut answer.arena, b"told"),
        push(&mut answer.arena, b"\xff\x00"),
    );
    answer.headers.push(Header { name, value });
    answer.headers.push(Header {
        name,
        value: Span::ABSENT,
    });
    wire::Decision {
        topic: push(&mut answer.arena, topic.as_bytes()),
        value_from: 1,
        value: push(&mut answer.arena, told.as_bytes()),
        first_header,
        header_count: 2,
        ..PLAIN
    }
}

/// Adds the record's own headers once more.
fn copy_headers(arena: &[u8], record: &KafkaRecord, headers: &[Header], to: &mut wire::Answer) {
    let first_header = to.headers.len() as u32;
    let first = record.first_header as usize;
    for header in &headers[first..first + record.header_count as usize] {
        let name = push(&mut to.arena, bytes(arena, header.name));
        let value = match header.value.start {
            u32::MAX => Span::ABSENT,
            _ => push(&mut to.arena, bytes(arena, header.value)),
        };
        to.headers.push(Header { name, value });
    }
    to.decisions.push(added(first_header, record.header_count));
}

fn added(first_header: u32, header_count: u32) -> wire::Decision {
    wire::Decision {
        first_header,
        header_count,
        ..PLAIN
    }
}

fn named(answer: &mut wire::Answer, name: &[u8]) -> wire::Decision {
    let name = push(&mut answer.arena, name);
    let first_header = answer.headers.len() as u32;
    answer.headers.push(Header {
        name,
        value: Span::ABSENT,
    });
    added(first_header, 1)
}

fn action(action: u32) -> wire::Decision {
    wire::Decision { action, ..PLAIN }
}

fn retry(delay_ms: u32) -> wire::Decision {
    wire::Decision {
        action: 1,
        delay_ms,
        ..PLAIN
    }
}

fn bytes(arena: &[u8], span: Span) -> &[u8] {
    let start = span.start as usize;
    arena
        .get(start..start.saturating_add(span.length as usize))
        .unwrap_or(b"absent")
}

fn recurse(depth: u64) -> wire::Decision {
    let frame = std::hint::black_box([depth; 64]);
    match depth {
        0 => PLAIN,
        _ => action(recurse(depth + 1).action + frame[0] as u32),
    }
}

#[cfg(target_arch = "wasm32")]
millstream_plugin::abi::dead_letter::export_dead_letter!(Ruling with_types_in millstream_plugin::abi::dead_letter);
