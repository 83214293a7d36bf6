//! The data that the stages of the road hand to each other.
//!
//! Plain data, checked where it is created. This folder knows no stage, no server
//! and no plugin. Every stage knows it, and no stage knows another.

mod batch;
mod event;
mod failure;
mod json;
mod mark;
mod name;
mod news;
mod outgoing;
mod partitions;
mod read;
mod span;
mod state;
mod stream;

pub use batch::{Batch, Header, KafkaRecord, NO_TIME, RecordView, TopicPartition};
pub use event::{Event, EventKindError, Events, TaskNews, check_event_kind, check_event_kind_text};
pub use failure::{Class, Failure, Stage};
pub use json::{RecordLine, bytes_to_json, of_json, to_json};
pub use mark::byte_order_mark;
pub use name::{
    ClientId, GroupName, NameError, StreamKind, StreamName, check_name, check_name_text,
};
pub use news::News;
pub use outgoing::{Headers, Outgoing, SharedHeaders, copied};
pub use partitions::partitions;
pub use read::OwnedRecord;
pub use span::Span;
pub use state::{STATE_KEY_MAX, STATE_VALUE_MAX, StateValue, StateWrite};
pub use stream::{AWAY, Entry, Gap, Page, ParseStreamIdError, StreamId, Want};
