//! A plugin's project: a folder with a `plugin.toml`.

use crate::plugin::PluginKind;
use anyhow::{Context, bail};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// The file that describes a project.
pub const FILE: &str = "plugin.toml";

/// The languages that there are tools for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Rust, by cargo.
    Rust,
    /// JavaScript, by a small engine.
    Js,
    /// Python, by componentize-py.
    Python,
    /// Go, by its own compiler.
    Go,
}

/// A project.
#[derive(Clone, Debug)]
pub struct Project {
    /// Its folder.
    pub folder: PathBuf,
    /// The plugin's name.
    pub name: String,
    /// The plugin's kind.
    pub kind: PluginKind,
    /// The language.
    pub language: Language,
    /// The plugin's configuration in tests.
    pub config: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    name: String,
    kind: String,
    language: Language,
    #[serde(default)]
    config: toml::Table,
}

impl Language {
    /// All languages.
    pub const ALL: [Language; 4] = [Language::Rust, Language::Js, Language::Python, Language::Go];

    /// The name in `plugin.toml` and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Language::Rust => "rust",
            Language::Js => "js",
            Language::Python => "python",
            Language::Go => "go",
        }
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Language::Rust => "Rust",
            Language::Js => "JavaScript",
            Language::Python => "Python",
            Language::Go => "Go",
        }
    }
}

impl Project {
    /// Reads the project of a folder.
    ///
    /// # Errors
    /// If there is none, or its description is wrong.
    pub fn open(folder: &Path) -> anyhow::Result<Project> {
        let path = folder.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
                "found no {FILE} in {}: go to the folder of a plugin, or make one with \
                 `millstream plugin new NAME`",
                folder.display()
            ),
            Err(error) => return Err(error).context(format!("can't read {}", path.display())),
        };
        let description: Description = toml::from_str(&text)
            .map_err(|error| anyhow::anyhow!("{}: {}", path.display(), error.to_string().trim()))?;
        let Some(kind) = PluginKind::of(&description.kind) else {
            let (path, kind) = (path.display(), description.kind);
            bail!("{path}: unknown kind `{kind}`: use transform, route or dead-letter");
        };
        check_name(&description.name).with_context(|| path.display().to_string())?;
        Ok(Project {
            folder: folder.into(),
            name: description.name,
            kind,
            language: description.language,
            config: serde_json::to_value(description.config)?,
        })
    }

    /// The file that a build writes.
    pub fn artefact(&self) -> PathBuf {
        self.inside("dist").join(format!("{}.wasm", self.name))
    }

    /// The folder of its fixtures.
    pub fn fixtures(&self) -> PathBuf {
        self.inside("fixtures")
    }

    /// Without `./` in messages.
    fn inside(&self, name: &str) -> PathBuf {
        match self.folder == Path::new(".") {
            true => name.into(),
            false => self.folder.join(name),
        }
    }
}

/// Checks a project's name: it becomes a package, a file and a folder.
///
/// # Errors
/// What is wrong with it.
pub fn check_name(name: &str) -> anyhow::Result<()> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    if !starts || name.ends_with('-') || name.len() > 64 || !name.chars().all(legal) {
        bail!(
            "invalid name `{}`: use lower-case letters, digits and hyphens, starting with a letter",
            name.escape_debug()
        );
    }
    const RESERVED: [&str; 8] = [
        "test", "core", "std", "alloc", "self", "super", "crate", "sdk",
    ];
    if RESERVED.contains(&name) {
        bail!("invalid name `{name}`: it is reserved; use another one");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(text: &str) -> Result<Project, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), text).unwrap();
        Project::open(folder.path()).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_project_is_read_and_mistakes_are_named() {
        let good = "name = \"a-b\"\nkind = \"route\"\nlanguage = \"rust\"\n[config]\nx = 1\n";
        let project = opened(good).unwrap();
        assert_eq!(
            (project.kind, &project.config["x"]),
            (PluginKind::Route, &1.into())
        );
        assert!(project.artefact().ends_with("dist/a-b.wasm"));
        let wrong = |from: &str, to: &str| opened(&good.replace(from, to)).unwrap_err();
        assert!(wrong("route", "rout").contains("unknown kind `rout`: use transform"));
        assert!(wrong("rust", "cobol").contains("unknown variant `cobol`"));
        assert!(wrong("a-b", "A b").contains("invalid name `A b`: use lower-case"));
        assert!(wrong("name", "nam").contains("unknown field `nam`"));
        let none = Project::open(Path::new("/nonexistent"))
            .unwrap_err()
            .to_string();
        assert!(none.contains("`millstream plugin new NAME`"), "{none}");
    }
}
