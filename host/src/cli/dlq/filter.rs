//! Whether a letter matches the arguments.

use crate::pipeline::replay::Letter;

/// Conditions on a letter; an empty field matches every letter.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub class: Vec<&'static str>,
    pub plugin: Option<String>,
    pub source_topic: Option<String>,
    pub key: Option<String>,
    /// Consumer group; letters without a group name match any group.
    pub group: Option<String>,
    /// Limits on the time when the letter was written, in milliseconds since 1970-01-01 UTC.
    pub since: Option<i64>,
    pub until: Option<i64>,
}

impl Filter {
    pub fn takes(&self, letter: &Letter) -> bool {
        let written = letter.record.timestamp;
        let key = letter.record.key.as_deref();
        (self.class.is_empty() || self.class.contains(&&*letter.class))
            && { self.plugin.as_deref() }.is_none_or(|name| is_named(&letter.plugin, name))
            && { self.source_topic.as_deref() }.is_none_or(|topic| *topic == *letter.source.topic)
            && { self.key.as_deref() }.is_none_or(|wanted| key == Some(wanted.as_bytes()))
            && { self.group.as_deref() }.is_none_or(|group| letter.may_be_of(group))
            && self.since.is_none_or(|since| written >= since)
            && self.until.is_none_or(|until| written < until)
    }
}

/// `orders.wasm` matches `plugins/orders.wasm`, and `by-field` matches `bundled:by-field`.
fn is_named(plugin: &str, name: &str) -> bool {
    let ends = || plugin.strip_suffix(name);
    plugin == name || ends().is_some_and(|rest| !name.is_empty() && rest.ends_with(['/', ':']))
}

#[cfg(test)]
mod tests {
    use super::is_named;

    #[test]
    fn a_plugin_matches_by_its_full_name_or_its_last_part() {
        for (plugin, name, is) in [
            ("plugins/orders.wasm", "plugins/orders.wasm", true),
            ("plugins/orders.wasm", "orders.wasm", true),
            ("plugins/orders.wasm", "rders.wasm", false),
            ("bundled:by-field", "by-field", true),
            ("bundled:by-field", "field", false),
            ("", "", true),
            ("plugins/", "", false),
        ] {
            assert_eq!(is_named(plugin, name), is, "{plugin} {name}");
        }
    }
}
