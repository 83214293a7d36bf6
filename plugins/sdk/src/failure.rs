//! Why a record can't become events.

/// What kind of failure; the dead-letter policy decides by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Understood, and not acceptable.
    Rejected,
    /// Could not be read.
    Malformed,
    /// No client could be found for it.
    Unaddressable,
    /// The same record may succeed later.
    Transient,
}

/// A record's failure: its class, and a message for whoever looks at the dead
/// letter. Name what was wrong and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind.
    pub class: Class,
    /// For people; the host keeps the first 1,024 bytes.
    pub message: String,
}

impl Failure {
    /// A record that was understood, and is not acceptable.
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

    /// A record that is for nobody who can be named.
    pub fn unaddressable(message: impl Into<String>) -> Failure {
        Failure {
            class: Class::Unaddressable,
            message: message.into(),
        }
    }

    /// A record that may succeed if it is tried again.
    pub fn transient(message: impl Into<String>) -> Failure {
        Failure {
            class: Class::Transient,
            message: message.into(),
        }
    }
}
