//! A transform that panics on a record that tells it to. Unlike `hostile` it is
//! made with the SDK, so it names the record. Other records become events for
//! `victim`, unchanged.

use millstream_plugin::{Config, Events, Failure, Record, Transform, transform};

/// The plugin.
pub struct Panicking;

impl Transform for Panicking {
    fn new(config: Config) -> Result<Self, String> {
        config.none().map(|()| Panicking)
    }

    fn transform(&self, record: Record, events: &mut Events) -> Result<(), Failure> {
        let value = record.value().unwrap_or(b"absent");
        assert!(
            !value.starts_with(b"panic"),
            "told to {}",
            String::from_utf8_lossy(value)
        );
        events
            .client("victim")
            .text(&String::from_utf8_lossy(value));
        Ok(())
    }
}

transform!(Panicking);
