//! Test records that every plugin must pass before it goes live.
//!
//! They have several shapes. None may trap the plugin or make it break the
//! contract, and a transform must answer the same however they are cut into
//! batches. Otherwise a repetition after a crash would differ from the first
//! run.

use super::dead_letter::DeadLetterInstance;
use super::guest::CallError;
use super::made::Made;
use super::route::RouteInstance;
use super::search::{End, Turn};
use super::transform::{Transform, TransformInstance};
use crate::record::{
    Batch, Class, Event, Events, Failure, Span, Stage, StreamKind, TopicPartition,
};
use anyhow::{anyhow, bail};
use std::cell::Cell;
use std::ops::Range;

/// A description and the value of each test record.
fn shapes() -> Vec<(&'static str, Option<Vec<u8>>)> {
    let object = br#"{"id": 1, "clientId": "c", "nested": {"list": [1, 2.5, null, "x"]}}"#;
    let text = |text: &str| Some(text.as_bytes().to_vec());
    vec![
        ("a JSON object", Some(object.to_vec())),
        ("an absent value (a tombstone)", None),
        ("an empty value", text("")),
        ("JSON that is not an object", text("[1, \"two\", null]")),
        ("truncated JSON", text("{\"clientId\": \"c")),
        (
            "text that is not JSON",
            text("plain text\r\nwith two lines"),
        ),
        (
            "bytes that are not UTF-8",
            Some(vec![0xff, 0xfe, 0x00, 0x80]),
        ),
        ("a value of 64 KiB", Some(vec![b'x'; 64 << 10])),
        ("a repeated JSON object", Some(object.to_vec())),
    ]
}

fn batch() -> Batch {
    let mut batch = Batch::new(TopicPartition {
        topic: "conformance".into(),
        partition: 0,
    });
    for (index, (_, value)) in shapes().into_iter().enumerate() {
        let index = index as i64;
        let key = (index % 2 == 0).then_some(&b"key"[..]);
        let headers = [
            (&b"h"[..], Some(&b"1"[..])),
            (b"h", Some(&[0xff])),
            (b"absent", None),
        ];
        let headers = headers.into_iter().take(index as usize % 4);
        batch.push(
            index,
            1_700_000_000_000 + index,
            key,
            value.as_deref(),
            headers,
        );
    }
    batch
}

/// Tests a transform.
pub(super) fn transform(transform: &Transform) -> anyhow::Result<()> {
    let batch = batch();
    let all = 0..batch.records.len();
    let start = || transform.instance().map_err(|e| no_instance(&e));
    let whole = tested(&mut start()?, &batch, all.clone(), &|| true)?;
    let mut singly = start()?;
    for (index, in_batch) in all.zip(&whole) {
        let (what, _) = &shapes()[index];
        let range = index..index + 1;
        // Called only when a call failed.
        let broke = Cell::new(false);
        let note = || {
            broke.set(true);
            true
        };
        let one = tested(&mut singly, &batch, range.clone(), &note)?;
        let fresh = tested(&mut start()?, &batch, range, &|| true)?;
        if broke.get() {
            bail!(
                "it keeps state: a test record ({what}) fails after other records, but not in a \
                 fresh instance"
            );
        }
        if one != fresh {
            bail!(
                "it keeps state: a test record ({what}) gives another result in a fresh instance"
            );
        }
        if one[0] != *in_batch {
            bail!(
                "it keeps state: a test record ({what}) gives another result alone than in a batch"
            );
        }
    }
    Ok(())
}

fn no_instance(error: &CallError) -> anyhow::Error {
    anyhow!("it can't start: {}", error.message)
}

/// The result of each record of a range, in as many turns as needed.
fn tested(
    instance: &mut TransformInstance,
    batch: &Batch,
    range: Range<usize>,
    wanted: &dyn Fn() -> bool,
) -> anyhow::Result<Vec<Vec<Shown>>> {
    let mut all = Vec::new();
    let mut turn = Turn {
        wanted,
        ..Turn::default()
    };
    let mut from = range.start;
    while from < range.end {
        let made = instance.run(batch, from..range.end, &turn);
        bears(&made)?;
        all.extend((from..made.end).map(|index| shown(&made, index)));
        (from, turn.pace) = (made.end, 1);
    }
    Ok(all)
}

/// The plugin may refuse a record, but not break on it.
fn bears(made: &Made) -> anyhow::Result<()> {
    if let End::NoInstance(error) = &made.ended {
        return Err(no_instance(error));
    }
    let broken = |f: &&Failure| {
        use Class::{BadOutput, OutOfMemory, Timeout, TooLarge, Trap};
        matches!(f.class, BadOutput | OutOfMemory | Timeout | TooLarge | Trap)
    };
    let Some(failure) = made.failures.iter().find(broken) else {
        return Ok(());
    };
    let (what, _) = &shapes()[failure.record as usize];
    let (class, message) = (failure.class.name(), &failure.message);
    bail!("it failed on a test record, {what} ({class}): {message}")
}

/// The comparable result of one record.
#[derive(PartialEq)]
enum Shown {
    /// The kind of stream, whether it is for a task, and name, type and
    /// payload.
    Event(StreamKind, bool, [Vec<u8>; 3]),
    Failure(&'static str, String),
}

fn shown(made: &Made, index: usize) -> Vec<Shown> {
    let own = |record: u32| record as usize == index;
    let event = |event: &Event| {
        let spans = [event.name, event.kind, event.payload];
        let bytes = spans.map(|span| made.events.bytes(span).to_vec());
        Shown::Event(event.to, event.task.is_some(), bytes)
    };
    let failure = |failure: &Failure| Shown::Failure(failure.class.name(), failure.message.clone());
    let events = made.events.list.iter().filter(|e| own(e.record));
    let failures = made.failures.iter().filter(|f| own(f.record));
    events.map(event).chain(failures.map(failure)).collect()
}

/// Tests a route.
pub(super) fn route(route: &mut RouteInstance) -> anyhow::Result<()> {
    let batch = batch();
    let mut events = Events::default();
    for index in 0..batch.records.len() {
        let kind: &[u8] = if index % 2 == 0 {
            b""
        } else {
            b"order.created"
        };
        let mut push = |bytes: &[u8]| Span::push(&mut events.arena, bytes);
        let (name, kind, payload) = (push(b"name"), push(kind), push(b"{}"));
        // Each kind of address with and without a type.
        let to = match index % 4 {
            0 | 1 => StreamKind::Client,
            _ => StreamKind::Group,
        };
        events.list.push(Event {
            record: index as u32,
            n: 0,
            to,
            name,
            kind,
            payload,
            task: None,
        });
    }
    let connected = vec![true; events.list.len()];
    let routed = route.run(&batch, &events, &connected, &Turn::default());
    match routed
        .failures
        .iter()
        .find(|f| f.class != Class::Unroutable)
    {
        None => whole(&routed.ended),
        Some(f) => bail!(
            "it failed on a test event ({}): {}",
            f.class.name(),
            f.message
        ),
    }
}

/// A route and a policy must decide everything in one turn.
fn whole(ended: &End) -> anyhow::Result<()> {
    match ended {
        End::Whole => Ok(()),
        End::NoInstance(error) => Err(no_instance(error)),
        _ => bail!("it exceeded its CPU time on the test records: raise limits.cpu-per-batch"),
    }
}

/// Tests a dead-letter policy.
pub(super) fn dead_letter(policy: &mut DeadLetterInstance) -> anyhow::Result<()> {
    let batch = batch();
    let classes = [
        Class::Malformed,
        Class::Transient,
        Class::Trap,
        Class::StoreRefused,
    ];
    let failure = |index: usize| {
        let class = classes[index % classes.len()];
        let mut failure = Failure::new(index as u32, Stage::Transform, class, "conformance");
        failure.attempts = index as u32 + 1;
        failure
    };
    let failures: Vec<_> = (0..batch.records.len()).map(failure).collect();
    let rulings = policy.run(&batch, &failures, &Turn::default());
    for ruling in rulings.list {
        if let Err(error) = ruling {
            bail!(
                "it failed on a test failure ({}): {}",
                error.class.name(),
                error.message
            );
        }
    }
    whole(&rulings.ended)
}
