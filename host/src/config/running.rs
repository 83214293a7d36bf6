//! The configuration that a daemon runs with, beside what its file says later.

use super::error::ConfigError;
use super::settings::{Role, Settings};
use std::path::PathBuf;
use toml::{Table, Value};

/// The plugins' tables of a pipeline: a running daemon takes these.
const APPLY: [&str; 3] = ["transform", "route", "dead-letter"];

/// What was written in a configuration file, as it was written.
#[derive(Clone, Default)]
pub struct Written(Table);

/// A running daemon's configuration.
pub struct Running {
    path: PathBuf,
    role: Role,
    written: Written,
}

impl Running {
    /// What a daemon was started with: these settings, from this file.
    pub fn new(path: PathBuf, role: Role, settings: &Settings) -> Running {
        let written = settings.written.clone();
        Running {
            path,
            role,
            written,
        }
    }

    /// What the file says now, and which keys of it need a restart.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn read_again(&self) -> Result<(Settings, Vec<String>), ConfigError> {
        if std::fs::metadata(&self.path).is_ok_and(|found| !found.is_file()) {
            // A FIFO would hold up every swap.
            return Err(ConfigError::new(
                &self.path,
                None,
                "it is not a regular file",
            ));
        }
        let settings = super::load(&self.path, self.role)?;
        let restart = settings.written.others_than(&self.written);
        Ok((settings, restart))
    }
}

/// What became of a configuration that was read again, for people: the plugins'
/// tables that changed, and what needs a restart.
pub fn reloaded(applied: &[String], restart: &[String]) -> String {
    let applied = match applied {
        [] => String::new(),
        tables => format!("; applying plugin tables: {}", tables.join(", ")),
    };
    let restart = match restart {
        [] if applied.is_empty() => "; nothing in it changed".into(),
        [] => String::new(),
        keys => {
            let keys = keys.join(", ");
            format!("; only plugin tables apply, these need a restart: {keys}")
        }
    };
    format!("configuration reloaded{applied}{restart}")
}

impl Written {
    /// Of a text that is TOML.
    pub(super) fn of(text: &str) -> Written {
        Written(toml::from_str(text).unwrap_or_default())
    }

    /// The keys that are others than before, but for the plugins' tables.
    fn others_than(&self, before: &Written) -> Vec<String> {
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
    fn what_changed_is_named_but_for_the_plugins_tables() {
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

    #[test]
    fn a_reload_is_told_in_a_sentence() {
        let keys = |keys: &[&str]| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (applied, restart, says) in [
            (
                &[][..],
                &[][..],
                "configuration reloaded; nothing in it changed",
            ),
            (
                &["a transform"],
                &[],
                "configuration reloaded; applying plugin tables: a transform",
            ),
            (
                &[],
                &["[http] retry", "[tasks]"],
                "configuration reloaded; only plugin tables apply, these need a restart: \
                 [http] retry, [tasks]",
            ),
        ] {
            assert_eq!(reloaded(&keys(applied), &keys(restart)), says);
        }
    }
}
