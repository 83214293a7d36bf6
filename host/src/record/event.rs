//! What a transform made of records.

use super::{Span, StreamKind};
use thiserror::Error;

/// One event: numbers, and spans of its list's arena that were checked: the
/// address is a valid one, the type a valid type, the payload UTF-8.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// The index of its record in the batch.
    pub record: u32,
    /// Its number among its record's events, from 0: with the record's offset
    /// it names the event for good.
    pub n: u32,
    /// What `name` names: whom it is for.
    pub to: StreamKind,
    /// The client's id, or the group's name.
    pub name: Span,
    /// The event's type, may be empty.
    pub kind: Span,
    /// The payload.
    pub payload: Span,
    /// What it says of a task, where it is for a task's owner.
    pub task: Option<TaskNews>,
}

/// What an event says of a task.
#[derive(Clone, Copy, Debug)]
pub struct TaskNews {
    /// The task's id.
    pub id: Span,
    /// How the task stands; absent where the event does not say.
    pub status: Span,
    /// Whether that is its end.
    pub ends: bool,
}

impl TaskNews {
    /// Of the task of this id; nothing is known of it yet.
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

/// Why some bytes are no event type.
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
    /// A type that the host itself sends.
    #[error("the event type `{0}` is reserved (as are gap, open, error and millstream.*)")]
    Reserved(String),
}

/// Checks an event's type: at most 256 bytes of UTF-8 without control
/// characters, and none of the host's own. Empty is fine: SSE's default.
pub fn check_event_kind(bytes: &[u8]) -> Result<(), EventKindError> {
    if bytes.len() > 256 {
        return Err(EventKindError::TooLong(bytes.len()));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| EventKindError::NotUtf8)?;
    if text.chars().any(char::is_control) {
        return Err(EventKindError::Control);
    }
    if matches!(text, "gap" | "open" | "error") || text.starts_with("millstream.") {
        return Err(EventKindError::Reserved(text.into()));
    }
    Ok(())
}
