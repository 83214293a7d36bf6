//! The plugins that ship inside the daemon, and the topics that they write to.

use serde_json::Value;

pub use millstream_bundled::{files, names, wasm};

/// The topics that a bundled plugin's configuration names. `plugin` is its name
/// in the configuration; other plugins have none.
pub fn topics<'a>(plugin: &str, config: &'a Value) -> Vec<&'a str> {
    let own = config.get("topic").into_iter();
    let found: Vec<&Value> = match plugin.strip_prefix("bundled:") {
        Some("by-type") => {
            let types = values(config.get("types"));
            let rules = config.get("default").into_iter().chain(types);
            rules.filter_map(|rule| rule.get("topic")).collect()
        }
        Some("retry-then-topic") => own.chain(values(config.get("reroute"))).collect(),
        Some("json-envelope") => own.collect(),
        _ => Vec::new(),
    };
    found.into_iter().filter_map(Value::as_str).collect()
}

fn values(table: Option<&Value>) -> impl Iterator<Item = &Value> {
    table
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|table| table.values())
}
