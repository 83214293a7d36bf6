//! A route that does what an event's type tells it to. Other events go to their clients' streams.

use millstream_plugin::abi::route::exports::millstream::plugin::route as wire;
use millstream_plugin::abi::{Header, KafkaRecord, Origin, Span};
use test_forging::{OUTSIDE, forged, grow, push, spin, wide};

/// The plugin.
pub struct Routing;

const STREAM: wire::Decision = wire::Decision {
    stream: 1,
    topic: Span::ABSENT,
    key: Span::ABSENT,
    first_header: 0,
    header_count: 0,
    refused: Span::ABSENT,
};

impl wire::Guest for Routing {
    fn configure(_config: String) -> Result<wire::Needs, String> {
        Ok(wire::Needs::empty())
    }

    fn run(
        arena: Vec<u8>,
        _origin: Origin,
        _records: Vec<KafkaRecord>,
        _headers: Vec<Header>,
        events: Vec<wire::Event>,
    ) -> wire::Answer {
        let mut answer = wire::Answer {
            arena: Vec::new(),
            headers: Vec::new(),
            decisions: Vec::new(),
        };
        let mut forge = false;
        for event in &events {
            let (start, length) = (event.event_type.start, event.event_type.length);
            let told = &arena[start as usize..(start + length) as usize];
            if told == b"too few" {
                continue;
            }
            let decision = routed(told, &mut answer);
            answer.decisions.push(decision);
            forge |= told == b"gigabyte answer";
        }
        // This must be last: no code here may read a forged list.
        if forge {
            answer.decisions = forged(16, 1 << 25);
        }
        answer
    }
}

fn routed(told: &[u8], answer: &mut wire::Answer) -> wire::Decision {
    let mut decision = STREAM;
    if let Some(topic) = told.strip_prefix(b"to ") {
        decision.topic = push(&mut answer.arena, topic);
    }
    match told {
        b"trap" => std::process::abort(),
        b"loop" => spin(),
        b"grow" => grow(),
        b"recurse" => decision.stream = recurse(1) as u32,
        b"too many" => answer.decisions.push(STREAM),
        b"unknown mode" => decision.stream = 9,
        b"refused" => decision.refused = push(&mut answer.arena, b"not\r\nto be routed"),
        b"refused outside" => decision.refused = OUTSIDE,
        b"topic empty" => decision.topic = push(&mut answer.arena, b""),
        b"topic slash" => decision.topic = push(&mut answer.arena, b"a/b"),
        b"topic long" => decision.topic = push(&mut answer.arena, &[b't'; 300]),
        b"topic outside" => decision.topic = OUTSIDE,
        b"key outside" => {
            decision.topic = push(&mut answer.arena, b"fine");
            decision.key = OUTSIDE;
        }
        b"wide" => {
            decision.topic = push(&mut answer.arena, b"fine");
            decision.first_header = answer.headers.len() as u32;
            decision.header_count = wide(&mut answer.arena, &mut answer.headers);
        }
        b"headers outside" => {
            decision.topic = push(&mut answer.arena, b"fine");
            (decision.first_header, decision.header_count) = (u32::MAX, 3);
        }
        _ => {}
    }
    decision
}

fn recurse(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    match depth {
        0 => 0,
        _ => recurse(depth + 1) + frame[0],
    }
}

#[cfg(target_arch = "wasm32")]
millstream_plugin::abi::route::export_route!(Routing with_types_in millstream_plugin::abi::route);
