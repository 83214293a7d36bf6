//! An event's attributes.

use fields::{Found, Level, View};
use millstream_plugin::{Failure, Record};

/// Where the attributes are.
pub enum Attributes<'a> {
    /// In `ce_` headers, and `datacontenttype` in `content-type`.
    Headers(Record<'a>),
    /// In the fields of a JSON object.
    Fields(Level<'a>),
}

impl<'a> Attributes<'a> {
    pub fn get(&self, name: &str) -> Result<Found<'a>, Failure> {
        match self {
            Attributes::Headers(record) => Ok(Found::of_bytes(match name {
                "datacontenttype" => record.header("content-type"),
                name => last_header(*record, name),
            })),
            Attributes::Fields(level) => match level.child(name) {
                None => Ok(Found::Nothing("missing")),
                // An extension may be a boolean.
                Some(value) if matches!(value.get(), "true" | "false") => {
                    Ok(Found::Text(value.get().into()))
                }
                Some(value) => Found::of_json(value),
            },
        }
    }

    /// Checks what every event must have.
    pub fn check(&self) -> Result<(), Failure> {
        for name in ["specversion", "id", "source", "type"] {
            let wrong = match self.get(name)? {
                Found::Text(version) if name == "specversion" && !version.starts_with("1.") => {
                    format!("{version}, and only 1.x is supported")
                }
                Found::Text(text) if text.is_empty() => "empty".into(),
                Found::Text(_) => continue,
                Found::Nothing(found) | Found::Other(found) => found.into(),
            };
            return Err(Failure::malformed(format!(
                "not a CloudEvent: the attribute `{name}` is {wrong}"
            )));
        }
        Ok(())
    }
}

fn last_header<'a>(record: Record<'a>, attribute: &str) -> Option<&'a [u8]> {
    let named = record
        .headers()
        .filter(|(name, _)| name.strip_prefix("ce_") == Some(attribute));
    named.last()?.1
}

/// An event, as sources see it: pointers lead into its data.
pub struct Event<'a, 'b> {
    pub record: Record<'a>,
    pub attributes: &'b Attributes<'a>,
    pub top: Level<'a>,
}

impl<'a> View<'a> for Event<'a, '_> {
    fn record(&self) -> Record<'a> {
        self.record
    }

    fn top(&self) -> &Level<'a> {
        &self.top
    }

    fn named(&self, name: &str) -> Result<Found<'a>, Failure> {
        self.attributes.get(name)
    }
}
