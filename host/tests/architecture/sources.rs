//! The daemon's sources: each file, its module's path, and what its code names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A module's path below `crate`, or that of an item in it.
pub type Names = Vec<String>;

/// One file.
pub struct Source {
    /// Below `src`.
    pub name: String,
    /// Its code: comments and the tests at its end are left out.
    pub code: String,
    /// What its `use` declarations name, each with the name it gets here and
    /// whether others may have it from here (`pub use`).
    pub uses: Vec<Use>,
}

/// One name of a `use` declaration.
pub struct Use {
    pub path: Names,
    pub name: String,
    pub is_public: bool,
}

/// All files, by their module's path.
pub struct Sources(pub BTreeMap<Names, Source>);

impl Sources {
    /// Reads `src`.
    pub fn read() -> Sources {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let files = rust_files(&src);
        let modules: Vec<Names> = files.iter().map(|file| module_of(&src, file)).collect();
        let read = |(file, module): (&PathBuf, &Names)| {
            let text = fs::read_to_string(file).expect("a source file can be read");
            let code = code_of(&text);
            let uses = uses_of(&code, module, &modules);
            let name = file.strip_prefix(&src).expect("below src");
            let name = name.display().to_string();
            (module.clone(), Source { name, code, uses })
        };
        let all: BTreeMap<_, _> = files.iter().zip(&modules).map(read).collect();
        assert!(all.len() > 100, "the sources were not found");
        Sources(all)
    }

    /// The file that a path leads to, through `pub use` declarations on the way.
    pub fn target(&self, path: &[String]) -> Option<&Names> {
        self.target_within(path, 16)
    }

    fn target_within(&self, path: &[String], hops: usize) -> Option<&Names> {
        let lengths = (1..=path.len()).rev();
        let (module, source) =
            { lengths }.find_map(|length| self.0.get_key_value(&path[..length]))?;
        let rest = &path[module.len()..];
        let passed_on = rest.first().and_then(|first| {
            let mut uses = source.uses.iter();
            uses.find(|used| used.is_public && used.name == *first)
        });
        match passed_on.filter(|_| hops > 0) {
            Some(used) => {
                let path = [&used.path[..], &rest[1..]].concat();
                self.target_within(&path, hops - 1)
            }
            None => Some(module),
        }
    }

    /// Each file with the files that its code names, itself left out.
    pub fn imports(&self) -> BTreeMap<&Names, Vec<&Names>> {
        let of = |(module, source): (&'_ Names, &'_ Source)| {
            let private = source.uses.iter().filter(|used| !used.is_public);
            let paths = private.map(|used| used.path.clone());
            let inline = paths_in(&source.code);
            let mut files: Vec<&Names> = { paths.chain(inline) }
                .filter_map(|path| self.target(&path))
                .filter(|target| *target != module)
                .collect();
            files.sort();
            files.dedup();
            files
        };
        let pairs = self
            .0
            .iter()
            .map(|(module, source)| (module, of((module, source))));
        pairs.collect()
    }
}

fn module_of(src: &Path, file: &Path) -> Names {
    let name = file
        .strip_prefix(src)
        .expect("below src")
        .with_extension("");
    let mut names: Names = name
        .iter()
        .map(|part| part.to_string_lossy().into())
        .collect();
    if matches!(&*names, [.., last] if last == "mod") || matches!(&*names, [only] if only == "lib")
    {
        names.pop();
    }
    names
}

/// Without comments, and without tests: they stand at the end of a file.
fn code_of(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let lines = text[..end].lines();
    let code = lines.map(|line| line.split("//").next().unwrap_or("").trim_end());
    code.collect::<Vec<_>>().join("\n")
}

fn uses_of(code: &str, module: &Names, modules: &[Names]) -> Vec<Use> {
    let mut uses = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("use ") {
        let before = rest[..at].rsplit('\n').next().unwrap_or("").trim();
        let Some(end) = rest[at..].find(';') else {
            break;
        };
        let tree: String = rest[at + 4..at + end]
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        if before.is_empty() || before.starts_with("pub") {
            for (path, name) in expand(&tree) {
                if let Some(path) = absolute(&path, module, modules) {
                    let is_public = !before.is_empty();
                    uses.push(Use {
                        path,
                        name,
                        is_public,
                    });
                }
            }
        }
        rest = &rest[at + end..];
    }
    uses
}

/// Each path of `a::{b, c::{self, d as e}}`, with the name that it gets.
fn expand(tree: &str) -> Vec<(Names, String)> {
    let Some((prefix, group)) = tree.split_once('{') else {
        let (path, name) = match tree.split_once(" as ") {
            Some((path, name)) => (path.trim(), Some(name.trim().to_string())),
            None => (tree.trim(), None),
        };
        let mut names: Names = path
            .split("::")
            .map(|part| part.trim().to_string())
            .collect();
        if names.len() > 1 && names.last().is_some_and(|last| last == "self") {
            names.pop();
        }
        let name = name.unwrap_or_else(|| names.last().cloned().unwrap_or_default());
        return vec![(names, name)];
    };
    let group = group.trim_end().strip_suffix('}').unwrap_or(group);
    let paths = split(group)
        .into_iter()
        .flat_map(|part| expand(&format!("{prefix}{part}")));
    paths.collect()
}

/// Splits at the commas that are in no braces.
fn split(group: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(group[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(group[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// The path below `crate`; `None` for one of a library.
fn absolute(path: &[String], module: &Names, modules: &[Names]) -> Option<Names> {
    let first = path.first()?.as_str();
    let mut here = module.clone();
    match first {
        "crate" => return Some(path[1..].to_vec()),
        "self" => {}
        "super" => {}
        _ => {
            here.push(first.to_string());
            let is_module = modules.contains(&here);
            here.pop();
            return is_module.then(|| [&here[..], path].concat());
        }
    }
    let mut rest = path;
    while let Some(step) = rest
        .first()
        .filter(|step| matches!(step.as_str(), "self" | "super"))
    {
        if step == "super" {
            here.pop();
        }
        rest = &rest[1..];
    }
    Some([&here[..], rest].concat())
}

/// The paths that begin with `crate::`, outside of `use` declarations too.
pub fn paths_in(code: &str) -> Vec<Names> {
    let ends = |c: char| !(c.is_alphanumeric() || c == '_' || c == ':');
    let found = code
        .match_indices("crate::")
        .filter(|(at, _)| !code[..*at].ends_with("in "));
    let paths = found.map(|(at, crate_)| {
        let path = code[at + crate_.len()..].split(ends).next().unwrap_or("");
        path.split("::")
            .filter(|part| !part.is_empty())
            .map(str::to_string)
            .collect()
    });
    paths.collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a source folder can be read");
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
