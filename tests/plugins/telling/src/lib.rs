//! A transform that logs its records' values, and tells its client the time. `error ...` and
//! `warn ...` are logged at that level; `many` logs a thousand lines.

use millstream_plugin::{Config, Events, Failure, Record, Transform, clock, log, transform};

struct Telling;

impl Transform for Telling {
    fn new(config: Config) -> Result<Self, String> {
        log::debug!("configured");
        config.none().map(|()| Telling)
    }

    fn transform(&self, record: Record, events: &mut Events) -> Result<(), Failure> {
        let text = String::from_utf8_lossy(record.value().unwrap_or_default());
        match text.split(' ').next() {
            Some("error") => log::error!("{text}"),
            Some("warn") => log::warn!("{text}"),
            Some("many") => (0..1000).for_each(|n| log::info!("line {n}")),
            _ => log::info!("{text}"),
        }
        let now = clock::now().map_or("never".into(), |now| now.to_string());
        events.client("ada").text(&now);
        Ok(())
    }
}

transform!(Telling);
