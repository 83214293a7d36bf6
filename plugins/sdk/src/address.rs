//! Whom an event is for.

/// Whom an event is for. A client and a group of the same name are two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address<'a> {
    /// The client of this id: one end user or device.
    Client(&'a str),
    /// The group of this name: what every client that follows it gets.
    Group(&'a str),
}

impl<'a> Address<'a> {
    /// The client's id, or the group's name.
    pub fn name(self) -> &'a str {
        match self {
            Address::Client(name) | Address::Group(name) => name,
        }
    }

    /// As the contract numbers it.
    pub(crate) fn kind(self) -> u32 {
        match self {
            Address::Client(_) => 0,
            Address::Group(_) => 1,
        }
    }

    /// A task's owner: the host looks it up, so a route sees a client.
    pub(crate) const TASK: u32 = 2;

    /// The host sends no kinds but those that this contract has.
    pub(crate) fn of(kind: u32, name: &'a str) -> Address<'a> {
        match kind {
            1 => Address::Group(name),
            _ => Address::Client(name),
        }
    }
}
