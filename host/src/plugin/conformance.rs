//! What every plugin must bear before it goes live.
//!
//! A few records of all shapes: none may trap the plugin or make it answer
//! nonsense, and a transform must answer the same however they are cut into
//! batches, or replays after a crash would differ from the first time.

use super::dead_letter::DeadLetterInstance;
use super::route::RouteInstance;
use super::transform::{Made, Transform, TransformInstance};
use crate::record::{
    Batch, Class, Event, Events, Failure, Span, Stage, StreamKind, TopicPartition,
};
use anyhow::{anyhow, bail};

/// A name for people, and the value.
fn shapes() -> Vec<(&'static str, Option<Vec<u8>>)> {
    let object = br#"{"id": 1, "clientId": "c", "nested": {"list": [1, 2.5, null, "x"]}}"#;
    let text = |text: &str| Some(text.as_bytes().to_vec());
    vec![
        ("a JSON object", Some(object.to_vec())),
        ("an absent value (a tombstone)", None),
        ("an empty value", text("")),
        ("JSON that is no object", text("[1, \"two\", null]")),
        ("JSON that ends too early", text("{\"clientId\": \"c")),
        ("text that is no JSON", text("plain text\r\nwith two lines")),
        (
            "bytes that are no UTF-8",
            Some(vec![0xff, 0xfe, 0x00, 0x80]),
        ),
        ("a value of 64 KiB", Some(vec![b'x'; 64 << 10])),
        ("a JSON object once more", Some(object.to_vec())),
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

/// Puts a transform to the test.
pub(super) fn transform(transform: &Transform) -> anyhow::Result<()> {
    let batch = batch();
    let all = 0..batch.records.len();
    let start = || {
        transform
            .instance()
            .map_err(|e| anyhow!("it can't be started: {}", e.message))
    };
    let whole = tested(&mut start()?, &batch, all.clone())?;
    let mut singly = start()?;
    for index in all {
        let (what, _) = &shapes()[index];
        let one = tested(&mut singly, &batch, index..index + 1)?;
        let fresh = tested(&mut start()?, &batch, index..index + 1)?;
        if shown(&one, index) != shown(&fresh, index) {
            bail!("it keeps state: {what} gives something else in a fresh instance");
        }
        if shown(&one, index) != shown(&whole, index) {
            bail!("it keeps state: {what} gives something else alone than in a batch");
        }
    }
    Ok(())
}

fn tested(
    instance: &mut TransformInstance,
    batch: &Batch,
    range: std::ops::Range<usize>,
) -> anyhow::Result<Made> {
    let made = instance.run(batch, range);
    // What the plugin says of a record is its own affair; what it does is ours.
    let broken = |f: &&Failure| {
        use Class::{BadOutput, OutOfMemory, Timeout, TooLarge, Trap};
        matches!(f.class, BadOutput | OutOfMemory | Timeout | TooLarge | Trap)
    };
    match made.failures.iter().find(broken) {
        None => Ok(made),
        Some(failure) => {
            let (what, _) = &shapes()[failure.record as usize];
            bail!(
                "it does not bear {what} ({}): {}",
                failure.class.name(),
                failure.message
            )
        }
    }
}

/// What one record became, comparable.
#[derive(PartialEq)]
enum Shown {
    /// For whom, whether by a task, the name, the type and the payload.
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

/// Puts a route to the test.
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
        // Either kind of address with and without a type.
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
    let routed = route.run(&batch, &events, &connected);
    match routed
        .failures
        .iter()
        .find(|f| f.class != Class::Unroutable)
    {
        None => Ok(()),
        Some(f) => bail!(
            "it does not bear an event ({}): {}",
            f.class.name(),
            f.message
        ),
    }
}

/// Puts a dead-letter policy to the test.
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
    for ruling in policy.run(&batch, &failures) {
        if let Err(error) = ruling {
            bail!(
                "it does not bear a failure ({}): {}",
                error.class.name(),
                error.message
            );
        }
    }
    Ok(())
}
