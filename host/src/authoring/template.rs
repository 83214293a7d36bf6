//! Writes a new project from the templates in this binary.

use super::project::{Language, check_name};
use crate::plugin::{PluginKind, bundled};
use anyhow::{Context, bail};
use std::fs;
use std::path::Path;

/// Where a language's SDK is among the embedded files, and where it goes in a
/// project.
fn sdk(language: Language) -> &'static [(&'static str, &'static str)] {
    match language {
        Language::Rust => &[("sdk/src", "sdk/src"), ("sdk/wit", "sdk/wit")],
        Language::Js => &[("sdk-js/src", "sdk/src"), ("sdk-js/build", "sdk/build")],
        Language::Python => &[
            ("sdk-python/millstream", "sdk/millstream"),
            ("sdk/wit", "sdk/wit"),
        ],
        Language::Go => &[("sdk-go", "sdk")],
    }
}

/// Writes a new project into `folder`, which must be empty or not exist.
///
/// # Errors
/// If the name is invalid, or the folder is in use or can't be written.
pub fn write(
    folder: &Path,
    name: &str,
    kind: PluginKind,
    language: Language,
) -> anyhow::Result<()> {
    check_name(name)?;
    let entries = fs::read_dir(folder).map(|mut entries| entries.next().is_some());
    if folder.is_file() || entries.unwrap_or(false) {
        bail!("{} already exists and is not empty", folder.display());
    }
    let fill = |text: &str| {
        text.replace("{{name}}", name)
            .replace("{{snake}}", &name.replace('-', "_"))
            .replace("{{kind}}", kind.name())
            .replace("{{version}}", env!("CARGO_PKG_VERSION"))
    };
    let (language_name, kind_name) = (language.name(), kind.name());
    for part in ["common", kind_name] {
        let from = format!("templates/{language_name}/{part}");
        for (path, content) in bundled::files(&from) {
            let path = fill(path);
            let path = match path.strip_suffix("gitignore") {
                Some(folder) => format!("{folder}.gitignore"),
                None => path,
            };
            let text = String::from_utf8_lossy(content);
            put(&folder.join(path), fill(&text).as_bytes())?;
        }
    }
    for (from, to) in sdk(language) {
        for (path, content) in bundled::files(from) {
            put(&folder.join(to).join(path), content)?;
        }
    }
    Ok(())
}

fn put(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let write = || {
        fs::create_dir_all(path.parent().unwrap_or(path))?;
        fs::write(path, content)
    };
    write().with_context(|| format!("can't write {}", path.display()))
}
