//! The event's type.

use crate::source::{Found, Names, Source};
use crate::unfit;
use crate::view::View;
use millstream_plugin::Failure;
use std::borrow::Cow;

/// The event's type.
pub enum Kind {
    /// The same for all.
    Constant(String),
    /// Each event's own.
    From(Source),
}

impl Kind {
    /// Parses the key `type` of the configuration. Without it events have no
    /// type.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: Option<&str>, names: &Names) -> Result<Kind, String> {
        let Some(text) = text else {
            return Ok(Kind::Constant(String::new()));
        };
        match text.strip_prefix('=') {
            None => Source::parse(text, names).map(Kind::From),
            Some("") => Err(
                "a constant needs a type after `=`; for events without a type remove the key"
                    .into(),
            ),
            Some(kind) => match unfit(kind).or_else(|| reserved(kind)) {
                None => Ok(Kind::Constant(kind.into())),
                Some(wrong) => Err(format!("invalid event type {kind:?}: it {wrong}")),
            },
        }
    }

    /// Whether it needs the value.
    pub fn is_pointer(&self) -> bool {
        matches!(self, Kind::From(source) if source.is_pointer())
    }

    /// The type of one event; empty if it has none.
    ///
    /// # Errors
    /// `rejected`, if what was found is not a valid type.
    #[inline]
    pub fn of<'a>(&'a self, view: &impl View<'a>) -> Result<Cow<'a, str>, Failure> {
        let source = match self {
            Kind::Constant(kind) => return Ok(kind.into()),
            Kind::From(source) => source,
        };
        let wrong = match source.read(view)? {
            Found::Text(kind) => match unfit(&kind).or_else(|| reserved(&kind)) {
                None => return Ok(kind),
                Some(wrong) => format!("not a valid event type: it {wrong}"),
            },
            Found::Nothing(_) => return Ok("".into()),
            Found::Other(found) => {
                format!("{found}, but an event type must be a string or a number")
            }
        };
        Err(Failure::rejected(format!("{source} is {wrong}")))
    }
}

/// Types that only the host sends.
fn reserved(kind: &str) -> Option<String> {
    let own = matches!(kind, "gap" | "open" | "error") || kind.starts_with("millstream.");
    own.then(|| format!("is {kind:?}, which is reserved for Millstream"))
}
