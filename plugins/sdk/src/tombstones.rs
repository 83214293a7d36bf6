//! Records without a value.

use crate::{Failure, Record};
use serde::Deserialize;

/// How a transform handles tombstones, records without a value: for the key
/// `tombstones` of its configuration. They are common in compacted topics, and
/// Debezium sends one for each delete.
///
/// ```
/// use millstream_plugin::{Config, Events, Failure, Record, Tombstones, Transform, transform};
///
/// #[derive(serde::Deserialize)]
/// struct Orders {
///     #[serde(default)]
///     tombstones: Tombstones,
/// }
///
/// impl Transform for Orders {
///     fn new(config: Config) -> Result<Self, String> {
///         config.parse()
///     }
///
///     fn transform(&self, record: Record, events: &mut Events) -> Result<(), Failure> {
///         if record.value().is_none() {
///             return self.tombstones.of(record, |key| Ok(events.client(key).text("null")));
///         }
///         let customer: &str = record.json()?;
///         events.client(customer).json(&"an order")
///     }
/// }
///
/// transform!(Orders);
///
/// use millstream_plugin::testing::{TestRecord, TransformTest};
/// let orders = TransformTest::<Orders>::new(r#"{"tombstones": "skip"}"#).unwrap();
/// assert!(orders.one(TestRecord::tombstone()).unwrap().is_empty());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tombstones {
    /// A tombstone makes no event.
    Skip,
    /// A tombstone fails as `malformed`.
    #[default]
    Fail,
    /// A tombstone makes an event for the client or group that its key names.
    Event,
}

impl Tombstones {
    /// Handles a tombstone; `event` makes the event from the key.
    ///
    /// # Errors
    /// `malformed`; for an event `unaddressable` if the key is not an id, or
    /// the error of `event`.
    pub fn of<'a>(
        self,
        record: Record<'a>,
        event: impl FnOnce(&'a str) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self {
            Tombstones::Skip => Ok(()),
            Tombstones::Fail => Err(Failure::malformed(
                "the record has no value (a tombstone); to accept tombstones set `tombstones` in \
                 the plugin's configuration to \"skip\" or \"event\"",
            )),
            Tombstones::Event => event(id(record.key())?),
        }
    }
}

/// The key, if it can be an id. The host would blame the plugin.
fn id(key: Option<&[u8]>) -> Result<&str, Failure> {
    let text = key.and_then(|key| std::str::from_utf8(key).ok());
    let fit = |text: &&str| (1..=256).contains(&text.len()) && !text.contains(char::is_control);
    text.filter(fit).ok_or_else(|| {
        Failure::unaddressable(
            "the record is a tombstone and its key is not a valid id: expected 1 to 256 bytes of \
             text without control characters",
        )
    })
}
