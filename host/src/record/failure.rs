//! Why a record could not become events.

use std::sync::Arc;

/// The class of a failure. The names are part of the plugin contract
/// (`wit/plugin.wit`) and of the dead letters' headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The plugin understood the record and rejected it.
    Rejected,
    /// The plugin could not read the record.
    Malformed,
    /// No client could be determined for the record.
    Unaddressable,
    /// The record may succeed later.
    Transient,
    /// The record exceeds the pipeline's limit, or made too much output.
    TooLarge,
    /// The plugin trapped on the record.
    Trap,
    /// The plugin exceeded its CPU time on the record.
    Timeout,
    /// The plugin asked for more memory than its limit.
    OutOfMemory,
    /// The plugin's answer breaks the contract.
    BadOutput,
    /// The route plugin refused one of the record's events, or failed on it.
    Unroutable,
    /// The store refused one of the record's events.
    StoreRefused,
}

impl Class {
    /// All classes.
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

/// The stage at which a record failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Before the transform: the record itself.
    Ingest,
    /// In the transform plugin, or in its answer.
    Transform,
    /// While looking up the owner of a task.
    Address,
    /// In the route plugin, or in its answer.
    Route,
    /// In the store.
    Store,
}

impl Stage {
    /// All stages.
    pub const ALL: [Stage; 5] = [
        Stage::Ingest,
        Stage::Transform,
        Stage::Address,
        Stage::Route,
        Stage::Store,
    ];

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
    /// The class.
    pub class: Class,
    /// The stage.
    pub stage: Stage,
    /// The reason, for people.
    pub message: String,
    /// The plugin that failed, as the configuration names it, and its digest.
    pub plugin: Option<(Arc<str>, Arc<str>)>,
    /// How many times the record was tried, including this failure.
    pub attempts: u32,
    /// How many events the record made, if it failed after that.
    pub events: Option<usize>,
}

impl Failure {
    /// The maximum length of a message, in bytes.
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

    /// A message as it is stored: one line, since it goes into a header and into
    /// logs, of at most [`Failure::MESSAGE_MAX`] bytes.
    pub fn words(message: impl Into<String>) -> String {
        let mut message = message.into();
        message.truncate(message.floor_char_boundary(Failure::MESSAGE_MAX));
        message.replace(['\r', '\n'], " ")
    }
}
