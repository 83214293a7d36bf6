//! Checks a transform's answer.
//!
//! A violation that belongs to one record fails that record. Any other
//! (impossible record numbers, too much output) fails the call, and the search
//! continues with fewer records.

use super::abi::{Addressee, Event as WireEvent, Span as WireSpan, transform as wire};
use super::guest::{CallError, Program};
use super::made::Made;
use super::room::{Room, Size, Taken};
use crate::record::{
    Class, Event, Failure, NameError, Span, Stage, StreamKind, TaskNews, check_event_kind,
    check_event_kind_text, check_name, check_name_text,
};
use std::ops::Range;

/// How many events memory is reserved for at once.
const EVENTS_AT_ONCE: usize = 10_000;

/// Adds the answer to `made` as far as there is room. Returns the end of the
/// accepted records, or why the whole answer is unusable.
pub(super) fn transform(
    answer: wire::Answer,
    range: &Range<usize>,
    program: &Program,
    room: &mut Room,
    made: &mut Made,
) -> Result<usize, CallError> {
    check_numbers(&answer, range.len())?;
    check_arena(&answer, program.limits.output)?;
    if !room.hold(answer.arena.len()) {
        return Ok(range.start);
    }
    let mut failures = failures(&answer, range, program);
    let base = made.events.arena.len() as u32;
    let arena = Arena::of(&answer.arena);
    // A guest's number, of which the room allows less.
    made.events
        .list
        .reserve(answer.events.len().min(EVENTS_AT_ONCE));
    let mut end = range.end;
    for events in answer.events.chunk_by(|a, b| a.record == b.record) {
        let record = range.start as u32 + events[0].record;
        let failed = failures.binary_search_by_key(&record, |f| f.record);
        let Err(place) = failed else { continue };
        let taken = match room.take(size(events)) {
            Taken::Full => {
                end = record as usize;
                failures.truncate(place);
                break;
            }
            Taken::Never(error) => Err((error.class, error.message)),
            Taken::Yes => push_all(made, events, arena, record, base),
        };
        if let Err((class, message)) = taken {
            let failure = Failure::new(record, Stage::Transform, class, message);
            failures.insert(place, program.blame(failure));
        }
    }
    made.failures.append(&mut failures);
    if made.events.arena.is_empty() {
        made.events.arena = answer.arena.0;
    } else {
        made.events.arena.extend_from_slice(&answer.arena);
    }
    Ok(end)
}

/// A small answer can mean a lot: every event may name the same MiB.
fn size(events: &[WireEvent]) -> Size {
    let mut size = Size::default();
    for event in events {
        let spans = [event.address, event.event_type, event.payload];
        size.add_event(spans.map(|span| span.length as usize));
    }
    size
}

/// Adds a record's events: all or nothing.
fn push_all(
    made: &mut Made,
    events: &[WireEvent],
    arena: Arena<'_>,
    record: u32,
    base: u32,
) -> Result<(), (Class, String)> {
    let before = made.events.list.len();
    for event in events {
        match check_event(event, arena) {
            Ok(to) => push(made, event, to, record, base),
            Err(why) => {
                made.events.list.truncate(before);
                return Err(why);
            }
        }
    }
    Ok(())
}

fn push(made: &mut Made, event: &WireEvent, to: Addressee, record: u32, base: u32) {
    let n = match made.events.list.last() {
        Some(last) if last.record == record => last.n + 1,
        _ => 0,
    };
    let moved = |span: WireSpan| Span {
        start: span.start + base,
        length: span.length,
    };
    let name = moved(event.address);
    let (to, task) = match to {
        Addressee::Stream(to) => (to, None),
        // The owner is looked up once the batch is complete.
        Addressee::Task => (StreamKind::Client, Some(TaskNews::of(name))),
    };
    made.events.list.push(Event {
        record,
        n,
        to,
        name,
        kind: moved(event.event_type),
        payload: moved(event.payload),
        task,
    });
}

/// Record numbers must exist and never decrease.
fn check_numbers(answer: &wire::Answer, records: usize) -> Result<(), CallError> {
    let events = answer.events.iter().map(|e| e.record);
    let failures = answer.failures.iter().map(|f| f.record);
    if !events.is_sorted() || !failures.is_sorted() {
        return Err(CallError::bad_output(
            "the record numbers in the answer decrease",
        ));
    }
    let last = answer.events.last().map(|e| e.record);
    let last = last.max(answer.failures.last().map(|f| f.record));
    match last.filter(|last| *last as usize >= records) {
        Some(n) => Err(CallError::bad_output(format!(
            "the answer names record {n}, but the call had {records} records"
        ))),
        None => Ok(()),
    }
}

fn check_arena(answer: &wire::Answer, most: usize) -> Result<(), CallError> {
    match answer.arena.len() {
        length if length > most => Err(CallError::too_large(format!(
            "the answer has {length} bytes of events, at most {most} are allowed per call (output)"
        ))),
        _ => Ok(()),
    }
}

/// The bytes of an answer. Most are all text: then no part of them has to be decoded
/// again, however many events share it.
#[derive(Clone, Copy)]
struct Arena<'a> {
    bytes: &'a [u8],
    text: Option<&'a str>,
}

impl<'a> Arena<'a> {
    fn of(bytes: &'a [u8]) -> Arena<'a> {
        let text = std::str::from_utf8(bytes).ok();
        Arena { bytes, text }
    }

    /// A part that is text; `None` if that is not known.
    fn text(self, span: WireSpan) -> Option<&'a str> {
        let start = span.start as usize;
        self.text?.get(start..start + span.length as usize)
    }

    fn bytes(self, what: &str, span: WireSpan) -> Result<&'a [u8], (Class, String)> {
        let outside = || bad(format!("the event's {what} lies outside of the answer"));
        Span::from(span).of(self.bytes).ok_or_else(outside)
    }
}

fn bad(message: String) -> (Class, String) {
    (Class::BadOutput, message)
}

/// The addressee, if the event keeps the contract.
fn check_event(event: &WireEvent, arena: Arena<'_>) -> Result<Addressee, (Class, String)> {
    let unknown = || {
        let kind = event.address_kind;
        let message = format!("address kind {kind} is unknown to this version");
        (Class::Unaddressable, message)
    };
    let to = Addressee::of(event.address_kind).ok_or_else(unknown)?;
    let wrong = |error: NameError| bad(format!("the {} {error}", to.what()));
    match arena.text(event.address) {
        Some(name) => check_name_text(name).map_err(wrong)?,
        None => drop(check_name(arena.bytes("address", event.address)?).map_err(wrong)?),
    }
    match arena.text(event.event_type) {
        Some(kind) => check_event_kind_text(kind),
        None => check_event_kind(arena.bytes("type", event.event_type)?),
    }
    .map_err(|error| bad(error.to_string()))?;
    if arena.text(event.payload).is_some() {
        return Ok(to);
    }
    match std::str::from_utf8(arena.bytes("payload", event.payload)?) {
        Ok(_) => Ok(to),
        Err(e) => Err(bad(format!(
            "the payload is not UTF-8 at byte {}",
            e.valid_up_to()
        ))),
    }
}

/// The failures that the plugin reports, one per record.
fn failures(answer: &wire::Answer, range: &Range<usize>, program: &Program) -> Vec<Failure> {
    let mut failures: Vec<Failure> = Vec::with_capacity(answer.failures.len());
    for failure in answer.failures.iter() {
        let record = range.start as u32 + failure.record;
        if failures.last().is_some_and(|last| last.record == record) {
            continue;
        }
        let class = match failure.class {
            0 => Class::Rejected,
            1 => Class::Malformed,
            2 => Class::Unaddressable,
            3 => Class::Transient,
            _ => Class::BadOutput,
        };
        let message = Span::from(failure.message)
            .of(&answer.arena)
            .unwrap_or_default();
        let message = &message[..message.len().min(Failure::MESSAGE_MAX)];
        let message = String::from_utf8_lossy(message);
        failures.push(program.blame(Failure::new(record, Stage::Transform, class, message)));
    }
    failures
}
