//! The event's type.

use crate::json::Level;
use crate::source::{Found, Source};
use crate::unfit;
use millstream_plugin::{Failure, Record};
use std::borrow::Cow;

/// The event's type.
pub enum Kind {
    Constant(String),
    From(Source),
}

impl Kind {
    pub fn parse(text: Option<&str>) -> Result<Kind, String> {
        let Some(text) = text else {
            return Ok(Kind::Constant(String::new()));
        };
        match text.strip_prefix('=') {
            None => Source::parse(text).map(Kind::From),
            Some("") => Err("\"=\" is no type; leave the key out for events without one".into()),
            Some(kind) => match unfit(kind).or_else(|| reserved(kind)) {
                None => Ok(Kind::Constant(kind.into())),
                Some(wrong) => Err(format!("{kind:?} is no event type: it {wrong}")),
            },
        }
    }

    pub fn is_pointer(&self) -> bool {
        matches!(self, Kind::From(source) if source.is_pointer())
    }

    pub fn of<'a>(&'a self, record: Record<'a>, top: &Level<'a>) -> Result<Cow<'a, str>, Failure> {
        let source = match self {
            Kind::Constant(kind) => return Ok(kind.into()),
            Kind::From(source) => source,
        };
        let wrong = match source.read(record, top)? {
            Found::Text(kind) => match unfit(&kind).or_else(|| reserved(&kind)) {
                None => return Ok(kind),
                Some(wrong) => format!("no event type: it {wrong}"),
            },
            Found::Nothing(_) => return Ok("".into()),
            Found::Other(found) => format!("{found}, and an event type is a string or a number"),
        };
        Err(Failure::rejected(format!("{source} is {wrong}")))
    }
}

/// Types that the host itself sends.
fn reserved(kind: &str) -> Option<String> {
    let own = matches!(kind, "gap" | "open" | "error") || kind.starts_with("millstream.");
    own.then(|| format!("would be {kind:?}, which is Millstream's own"))
}
