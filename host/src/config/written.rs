//! The contents of a configuration file, to find changed keys.

use toml::{Table, Value};

/// The plugin tables of a pipeline, which a running daemon reloads.
const APPLY: [&str; 3] = ["transform", "route", "dead-letter"];

/// The keys and values of a configuration file, as written.
#[derive(Clone, Default)]
pub struct Written(Table);

impl Written {
    /// Reads a text that is valid TOML.
    pub(super) fn of(text: &str) -> Written {
        Written(toml::from_str(text).unwrap_or_default())
    }

    /// The keys that differ from before, except the plugin tables.
    pub(super) fn others_than(&self, before: &Written) -> Vec<String> {
        let (new, old) = (&self.0, &before.0);
        let mut keys = Vec::new();
        for table in changed(new, old) {
            match (part(new, table), part(old, table)) {
                _ if table == "pipeline" => keys.extend(of_pipelines(new, old)),
                (Some(new), Some(old)) => {
                    keys.extend(changed(new, old).map(|key| format!("[{table}] {key}")));
                }
                _ => keys.push(format!("[{table}]")),
            }
        }
        keys
    }
}

/// The keys of either table whose values differ.
fn changed<'a>(new: &'a Table, old: &'a Table) -> impl Iterator<Item = &'a str> {
    let gone = old.keys().filter(|key| !new.contains_key(*key));
    let keys = new.keys().chain(gone).map(String::as_str);
    keys.filter(|key| new.get(*key) != old.get(*key))
}

fn part<'a>(of: &'a Table, table: &str) -> Option<&'a Table> {
    of.get(table).and_then(Value::as_table)
}

fn of_pipelines(new: &Table, old: &Table) -> Vec<String> {
    let mut keys = Vec::new();
    for (name, pipeline) in pipelines(new) {
        let Some((_, before)) = pipelines(old).find(|(known, _)| *known == name) else {
            keys.push(format!("pipeline {name} (new)"));
            continue;
        };
        let others = changed(pipeline, before).filter(|key| !APPLY.contains(key));
        keys.extend(others.map(|key| format!("pipeline {name}: {key}")));
    }
    let is_gone = |name: &str| !pipelines(new).any(|(known, _)| known == name);
    let gone = pipelines(old).filter(|(name, _)| is_gone(name));
    keys.extend(gone.map(|(name, _)| format!("pipeline {name} (removed)")));
    keys
}

fn pipelines(of: &Table) -> impl Iterator<Item = (&str, &Table)> {
    let list = of.get("pipeline").and_then(Value::as_array).into_iter();
    let tables = list.flatten().filter_map(Value::as_table);
    tables.filter_map(|table| Some((table.get("name")?.as_str()?, table)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = r#"
[kafka]
bootstrap-servers = "a:1"
[http]
heartbeat = "1s"
retry = "1s"
[[pipeline]]
name = "a"
topics = ["a"]
[pipeline.transform]
plugin = "bundled:by-field"
[[pipeline]]
name = "b"
topics = ["b"]
"#;

    fn others(edits: &[(&str, &str)]) -> Vec<String> {
        let mut text = BEFORE.to_owned();
        for (from, to) in edits {
            assert!(text.contains(from), "{from}");
            text = text.replacen(from, to, 1);
        }
        Written::of(&text).others_than(&Written::of(BEFORE))
    }

    #[test]
    fn changed_keys_are_named_except_the_plugin_tables() {
        assert!(others(&[]).is_empty());
        assert!(
            others(&[
                ("by-field", "notifications"),
                ("[http]", "# a word\n[http]")
            ])
            .is_empty()
        );
        assert_eq!(others(&[("heartbeat = \"1s\"", "")]), ["[http] heartbeat"]);
        let edits = [("a:1", "b:2"), ("retry = \"1s\"", "retry = \"2s\"")];
        assert_eq!(
            others(&edits),
            ["[http] retry", "[kafka] bootstrap-servers"]
        );
        assert_eq!(
            others(&[("[http]", "[admin]\nlisten = \"x\"\n[http]")]),
            ["[admin]"]
        );
        let edits = [("topics = [\"b\"]", "topics = [\"c\"]\nworkers = 1")];
        assert_eq!(
            others(&edits),
            ["pipeline b: topics", "pipeline b: workers"]
        );
        let edits = [("name = \"b\"", "name = \"c\"")];
        assert_eq!(others(&edits), ["pipeline c (new)", "pipeline b (removed)"]);
    }
}
