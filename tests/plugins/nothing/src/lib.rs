//! A transform that does nothing: its cost is that of the boundary.

use millstream_plugin::{Config, Events, Failure, Record, Transform, transform};

/// The plugin.
pub struct Nothing;

impl Transform for Nothing {
    fn new(config: Config) -> Result<Self, String> {
        config.none().map(|()| Nothing)
    }

    fn transform(&self, _record: Record, _events: &mut Events) -> Result<(), Failure> {
        Ok(())
    }
}

transform!(Nothing);
