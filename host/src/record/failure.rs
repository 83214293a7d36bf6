//! Why a record could not become events.

use std::sync::Arc;

/// What kind of failure. The names are part of the plugin contract
/// (`wit/plugin.wit`) and of the dead letters' headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The plugin understood it and would not have it.
    Rejected,
    /// The plugin could not read it.
    Malformed,
    /// No client could be found for it.
    Unaddressable,
    /// It may succeed later.
    Transient,
    /// The record is over the pipeline's limit, or made too much.
    TooLarge,
    /// The plugin trapped on it.
    Trap,
    /// The plugin ran past its CPU time on it.
    Timeout,
    /// The plugin asked for more memory than it may have.
    OutOfMemory,
    /// The plugin's answer does not keep the contract.
    BadOutput,
    /// The route plugin refused one of its events, or failed on it.
    Unroutable,
    /// The store refused one of its events.
    StoreRefused,
}

impl Class {
    /// All that there are.
    pub const ALL: [Class; 11] = [
        Class::Rejected,
        Class::Malformed,
        Class::Unaddressable,
        Class::Transient,
        Class::TooLarge,
        Class::Trap,
        Class::Timeout,
        Class::OutOfMemory,
        Class::BadOutput,
        Class::Unroutable,
        Class::StoreRefused,
    ];

    /// The class's name.
    pub fn name(self) -> &'static str {
        match self {
            Class::Rejected => "rejected",
            Class::Malformed => "malformed",
            Class::Unaddressable => "unaddressable",
            Class::Transient => "transient",
            Class::TooLarge => "too-large",
            Class::Trap => "trap",
            Class::Timeout => "timeout",
            Class::OutOfMemory => "out-of-memory",
            Class::BadOutput => "bad-output",
            Class::Unroutable => "unroutable",
            Class::StoreRefused => "store-refused",
        }
    }
}

/// Where on the road a record failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Before the transform: the record itself.
    Ingest,
    /// In the transform plugin, or in what it answered.
    Transform,
    /// Where the owner of a task is looked up.
    Address,
    /// In the route plugin, or in what it answered.
    Route,
    /// In the store.
    Store,
}

impl Stage {
    /// The stage's name.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Ingest => "ingest",
            Stage::Transform => "transform",
            Stage::Address => "address",
            Stage::Route => "route",
            Stage::Store => "store",
        }
    }
}

/// Why and where one record of a batch failed. Topic, partition and offset are
/// the batch's.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The record's index in its batch.
    pub record: u32,
    /// What kind.
    pub class: Class,
    /// Where.
    pub stage: Stage,
    /// For people.
    pub message: String,
    /// The plugin it failed in, as the configuration names it, and its digest.
    pub plugin: Option<(Arc<str>, Arc<str>)>,
    /// How often the record was tried, this failure included.
    pub attempts: u32,
    /// How many events the record made, where it failed after that.
    pub events: Option<usize>,
}

impl Failure {
    /// The longest message that is kept, in bytes.
    pub const MESSAGE_MAX: usize = 1024;

    /// A first failure. The message is cut to [`Failure::MESSAGE_MAX`].
    pub fn new(record: u32, stage: Stage, class: Class, message: impl Into<String>) -> Failure {
        Failure {
            record,
            class,
            stage,
            message: Failure::words(message),
            plugin: None,
            attempts: 1,
            events: None,
        }
    }

    /// A message as it is kept: one line, since it ends in a header and in
    /// logs, and of [`Failure::MESSAGE_MAX`] bytes at most.
    pub fn words(message: impl Into<String>) -> String {
        let mut message = message.into();
        message.truncate(message.floor_char_boundary(Failure::MESSAGE_MAX));
        message.replace(['\r', '\n'], " ")
    }
}
