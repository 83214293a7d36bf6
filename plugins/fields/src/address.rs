//! The addressee of an event.

use crate::source::{Found, Names, Source};
use crate::unfit;
use crate::view::View;
use millstream_plugin::{Events, Failure, NewEvent};
use std::borrow::Cow;

/// The sources of group and client; at least one is set.
pub struct Address {
    group: Option<Group>,
    client: Option<Source>,
}

enum Group {
    Constant(String),
    From(Source),
}

/// The addressee of one event.
#[derive(PartialEq, Eq)]
pub enum To<'a> {
    /// One client, by ID.
    Client(Cow<'a, str>),
    /// A group, by name.
    Group(Cow<'a, str>),
}

impl Address {
    /// Parses the keys `client` and `group` of the configuration. Without both
    /// it is the client that the record's key names.
    ///
    /// # Errors
    /// The key, and what is wrong with its value.
    pub fn parse(
        client: Option<&str>,
        group: Option<&str>,
        names: &Names,
    ) -> Result<Address, String> {
        let group = group.map(|text| Group::parse(text, names)).transpose();
        let group = group.map_err(|e| format!("group: {e}"))?;
        let client = match (client, &group) {
            (Some(_), Some(Group::Constant(_))) => {
                let why = "has no effect with a constant `group`; remove one of the two";
                return Err(format!("client: {why}"));
            }
            (None, Some(_)) => None,
            // Most topics have the client as the record's key.
            (client, _) => Some(client.unwrap_or("key")),
        };
        let client = client.map(|text| client_source(text, names)).transpose();
        let client = client.map_err(|e| format!("client: {e}"))?;
        Ok(Address { group, client })
    }

    /// Whether it needs the value.
    pub fn is_pointer(&self) -> bool {
        let group = matches!(&self.group, Some(Group::From(source)) if source.is_pointer());
        group || self.client.as_ref().is_some_and(Source::is_pointer)
    }

    /// Whether neither group nor client is there: each is missing or null.
    ///
    /// # Errors
    /// `malformed`, if JSON on the way is not valid.
    pub fn is_missing<'a>(&self, view: &impl View<'a>) -> Result<bool, Failure> {
        let group = match &self.group {
            Some(Group::Constant(_)) => return Ok(false),
            Some(Group::From(source)) => Some(source),
            None => None,
        };
        for source in [group, self.client.as_ref()].into_iter().flatten() {
            if !matches!(source.read(view)?, Found::Nothing(_)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The group if there is one, otherwise the client.
    ///
    /// # Errors
    /// `unaddressable`, if what was found is not a valid ID or name.
    #[inline]
    pub fn of<'a>(&'a self, view: &impl View<'a>) -> Result<To<'a>, Failure> {
        match &self.group {
            Some(Group::Constant(name)) => return Ok(To::Group(name.into())),
            Some(Group::From(source)) => match source.read(view)? {
                Found::Nothing(_) if self.client.is_some() => {}
                found => return name(source, found, "group name").map(To::Group),
            },
            None => {}
        }
        let source = self.client.as_ref().unwrap_or(&Source::Key);
        name(source, source.read(view)?, "client id").map(To::Client)
    }
}

impl To<'_> {
    /// Starts the event.
    pub fn event<'e>(&self, events: &'e mut Events<'_>) -> NewEvent<'e> {
        match self {
            To::Client(id) => events.client(id),
            To::Group(name) => events.group(name),
        }
    }
}

impl Group {
    fn parse(text: &str, names: &Names) -> Result<Group, String> {
        match text.strip_prefix('=') {
            None => Source::parse(text, names).map(Group::From),
            Some("") => Err("a constant needs a name after `=`, for example \"=everyone\"".into()),
            Some(name) => match unfit(name) {
                None => Ok(Group::Constant(name.into())),
                Some(wrong) => Err(format!("invalid group name {name:?}: it {wrong}")),
            },
        }
    }
}

fn client_source(text: &str, names: &Names) -> Result<Source, String> {
    match text.starts_with('=') {
        true => Err(format!(
            "{text:?} is a constant; only `group` and `type` may be constants"
        )),
        false => Source::parse(text, names),
    }
}

/// The found value, if it is a valid id or name.
fn name<'a>(source: &Source, found: Found<'a>, what: &str) -> Result<Cow<'a, str>, Failure> {
    let wrong = match found {
        Found::Text(name) if name.is_empty() => "empty".into(),
        Found::Text(name) => match unfit(&name) {
            None => return Ok(name),
            Some(wrong) => format!("not a valid {what}: it {wrong}"),
        },
        Found::Nothing(found) => found.into(),
        Found::Other(found) => format!("{found}, but a {what} must be a string or a number"),
    };
    Err(Failure::unaddressable(format!("{source} is {wrong}")))
}
