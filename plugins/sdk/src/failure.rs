//! Why a record can't become events.

/// The class of a failure, by which the dead-letter policy decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The record was understood and is not acceptable.
    Rejected,
    /// The record could not be read.
    Malformed,
    /// No client or group could be named for the record.
    Unaddressable,
    /// The same record may succeed later.
    Transient,
    /// In tests: an event breaks the contract, so that the host fails its
    /// record. A plugin does not choose this class itself.
    BadOutput,
    /// In tests: the record makes too many events or too many bytes, likewise.
    TooLarge,
}

/// A record's failure: its class, and a message for the reader of the dead
/// letter. Say what was wrong and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The class.
    pub class: Class,
    /// The message for people; the host keeps the first 1,024 bytes.
    pub message: String,
}

impl Failure {
    /// A record that was understood and is not acceptable.
    pub fn rejected(message: impl Into<String>) -> Failure {
        Failure {
            class: Class::Rejected,
            message: message.into(),
        }
    }

    /// A record that could not be read.
    pub fn malformed(message: impl Into<String>) -> Failure {
        Failure {
            class: Class::Malformed,
            message: message.into(),
        }
    }

    /// A record for which no client or group can be named.
    pub fn unaddressable(message: impl Into<String>) -> Failure {
        Failure {
            class: Class::Unaddressable,
            message: message.into(),
        }
    }

    /// A record that may succeed if it is retried.
    pub fn transient(message: impl Into<String>) -> Failure {
        Failure {
            class: Class::Transient,
            message: message.into(),
        }
    }
}
