//! The addressee of an event.

/// The addressee of an event. A client and a group of the same name are
/// different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address<'a> {
    /// The client with this id: one end user or device.
    Client(&'a str),
    /// The group with this name: every client that follows it receives the
    /// event.
    Group(&'a str),
}

impl<'a> Address<'a> {
    /// The client's id, or the group's name.
    pub fn name(self) -> &'a str {
        match self {
            Address::Client(name) | Address::Group(name) => name,
        }
    }

    /// The contract's number.
    pub(crate) fn kind(self) -> u32 {
        match self {
            Address::Client(_) => 0,
            Address::Group(_) => 1,
        }
    }

    /// The owner of a task. The host looks it up, so a route sees a client.
    pub(crate) const TASK: u32 = 2;

    /// The host sends only the kinds of this contract.
    pub(crate) fn of(kind: u32, name: &'a str) -> Address<'a> {
        match kind {
            1 => Address::Group(name),
            _ => Address::Client(name),
        }
    }
}
