//! A transform that does what a record tells it to, for tests of the engine's limits. Its client is
//! `victim`, its payload the record's value.

use millstream_plugin::abi::transform::exports::millstream::plugin::transform as wire;
use millstream_plugin::abi::{Header, KafkaRecord, Origin, Span};
use test_forging::{OUTSIDE, forged, push, spin};

/// The plugin.
pub struct Hostile;

impl wire::Guest for Hostile {
    fn configure(config: String) -> Result<(), String> {
        match config.contains("refuse") {
            true => Err("told to refuse".into()),
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
        let mut forge = false;
        for (index, record) in records.iter().enumerate() {
            let (start, length) = (record.value.start as usize, record.value.length as usize);
            let value = arena.get(start..start + length).unwrap_or(b"absent");
            let value = String::from_utf8_lossy(value).into_owned();
            act(&value, index as u32, &mut answer);
            forge |= value == "forged list";
            assert!(value != "ballast" || records.len() == 1, "one at a time");
        }
        // This must be last: no code here may read a forged list.
        if forge {
            answer.events = forged(16, 1 << 25);
        }
        answer
    }
}

fn act(value: &str, record: u32, answer: &mut wire::Answer) {
    let payload = push(&mut answer.arena, value.as_bytes());
    let client = Span {
        start: 0,
        length: 6,
    };
    let mut event = wire::Event {
        record,
        address_kind: 0,
        address: client,
        event_type: Span {
            start: 0,
            length: 0,
        },
        payload,
    };
    let mut times = 1;
    match value {
        "trap" => panic!("told to trap"),
        "trap quietly" => std::process::abort(),
        "loop" => spin(),
        "say that it panics" => said(record),
        "ask for too much" => _ = asked(1 << 15),
        "grow" => grow(),
        "recurse" => drop(std::hint::black_box(recurse(1))),
        "span outside" => event.payload = OUTSIDE,
        "absent payload" => event.payload = Span::ABSENT,
        "wrong record" => event.record = 1_000_000,
        group @ ("empty group" | "control group" | "long group" | "bytes group"
        | "outside group") => {
            event.address_kind = 1;
            event.address = name(group, client, answer);
        }
        "empty client" => event.address.length = 0,
        "control client" => event.address = push(&mut answer.arena, b"a\r\nb"),
        "long client" => event.address = push(&mut answer.arena, &[b'c'; 257]),
        "empty task" => {
            event.address_kind = 2;
            event.address.length = 0;
        }
        "unknown address" => event.address_kind = 3,
        "reserved type" => event.event_type = push(&mut answer.arena, b"gap"),
        "bad payload" => event.payload = push(&mut answer.arena, b"\xff\xfe"),
        "many" => times = 2_000_000,
        "huge" => {
            event.payload = push(&mut answer.arena, &vec![b'h'; 1 << 20]);
            times = 1000;
        }
        // Much data that no event refers to.
        "ballast" => answer.arena.resize(15 << 20, 0),
        // `make <n> <type>`: this many events of one record.
        make if make.starts_with("make ") => {
            let mut words = make.split(' ').skip(1);
            times = words.next().and_then(|n| n.parse().ok()).unwrap_or(0);
            event.event_type = push(&mut answer.arena, words.next().unwrap_or("").as_bytes());
        }
        leak if leak.starts_with("leak ") => {
            std::mem::forget(std::hint::black_box(vec![1_u8; 1 << 20]));
        }
        _ => {}
    }
    answer.events.extend(std::iter::repeat_n(event, times));
}

/// The name of a group for an instruction such as `empty group` or `control group`.
fn name(group: &str, fine: Span, answer: &mut wire::Answer) -> Span {
    match group {
        "empty group" => Span { length: 0, ..fine },
        "control group" => push(&mut answer.arena, b"a\r\nb"),
        "long group" => push(&mut answer.arena, &[b'g'; 257]),
        "bytes group" => push(&mut answer.arena, b"g\xff"),
        "outside group" => OUTSIDE,
        _ => fine,
    }
}

/// Prints a panic message without panicking.
fn said(record: u32) {
    #[cfg(target_arch = "wasm32")]
    millstream_plugin::abi::transform::millstream::plugin::diagnostics::panicked(
        record,
        "the words of another call",
    );
    #[cfg(not(target_arch = "wasm32"))]
    let _ = record;
}

/// Requests this many pages, and accepts a refusal.
fn asked(pages: usize) -> usize {
    #[cfg(target_arch = "wasm32")]
    return core::arch::wasm32::memory_grow::<0>(pages);
    #[cfg(not(target_arch = "wasm32"))]
    pages
}

fn grow() -> ! {
    let mut all = Vec::new();
    loop {
        all.push(std::hint::black_box(vec![1_u8; 1 << 20]));
    }
}

fn recurse(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    if depth == 0 {
        0
    } else {
        recurse(depth + 1) + frame[0]
    }
}

#[cfg(target_arch = "wasm32")]
millstream_plugin::abi::transform::export_transform!(Hostile with_types_in millstream_plugin::abi::transform);
