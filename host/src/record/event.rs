//! The events that a transform made of records.

use super::name::may_have_control;
use super::{Span, StreamKind};
use thiserror::Error;

/// One event: numbers, and checked spans into its list's arena. The address and
/// the type are valid, the payload is UTF-8.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// The index of its record in the batch.
    pub record: u32,
    /// Its number among its record's events, from 0. Together with the record's
    /// offset it identifies the event permanently.
    pub n: u32,
    /// Whether `name` is a client or a group.
    pub to: StreamKind,
    /// The client's id, or the group's name.
    pub name: Span,
    /// The event's type; may be empty.
    pub kind: Span,
    /// The payload.
    pub payload: Span,
    /// What it reports about a task, if it is for the owner of a task.
    pub task: Option<TaskNews>,
}

/// What an event reports about a task.
#[derive(Clone, Copy, Debug)]
pub struct TaskNews {
    /// The task's id.
    pub id: Span,
    /// The task's status; absent if the event has none.
    pub status: Span,
    /// Whether the task has ended.
    pub ends: bool,
}

impl TaskNews {
    /// A report about the task with this id, without a status yet.
    pub fn of(id: Span) -> TaskNews {
        TaskNews {
            id,
            status: Span::ABSENT,
            ends: false,
        }
    }
}

/// Events and the arena they point into.
#[derive(Debug, Default)]
pub struct Events {
    /// All the bytes.
    pub arena: Vec<u8>,
    /// In the order of their records.
    pub list: Vec<Event>,
}

impl Events {
    /// The bytes of a span that was checked when its event was made.
    pub fn bytes(&self, span: Span) -> &[u8] {
        span.of(&self.arena).unwrap_or_default()
    }
}

/// Why some bytes are not a valid event type.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EventKindError {
    /// Over 256 bytes.
    #[error("the event type has {0} bytes; the limit is 256")]
    TooLong(usize),
    /// Not text.
    #[error("the event type is not UTF-8")]
    NotUtf8,
    /// A control character would end the SSE field.
    #[error("the event type contains a control character")]
    Control,
    /// A type that is reserved for the host.
    #[error("the event type `{0}` is reserved (as are gap, open, error and millstream.*)")]
    Reserved(String),
}

/// Checks an event's type: at most 256 bytes of UTF-8 without control characters,
/// and not reserved for the host. Empty is valid: SSE's default type.
pub fn check_event_kind(bytes: &[u8]) -> Result<(), EventKindError> {
    if bytes.len() > 256 {
        return Err(EventKindError::TooLong(bytes.len()));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| EventKindError::NotUtf8)?;
    check_event_kind_text(text)
}

/// Checks an event's type that is text.
pub fn check_event_kind_text(text: &str) -> Result<(), EventKindError> {
    if text.len() > 256 {
        return Err(EventKindError::TooLong(text.len()));
    }
    if may_have_control(text) && text.chars().any(char::is_control) {
        return Err(EventKindError::Control);
    }
    if matches!(text, "gap" | "open" | "error") || text.starts_with("millstream.") {
        return Err(EventKindError::Reserved(text.into()));
    }
    Ok(())
}
