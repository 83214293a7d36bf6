//! Compares the book and the README with the code: what one has and the other
//! lacks fails, with its name.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

type Names = BTreeSet<String>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page(name: &str) -> String {
    let path = root().join("docs/src").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The sources below a folder of the host, without comments and tests.
fn code(folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    collect(&root().join("host/src").join(folder), &mut files);
    assert!(!files.is_empty(), "no sources in {folder}");
    let code = files.iter().map(|file| {
        let text = fs::read_to_string(file).expect("a source can be read");
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or("");
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        lines.collect::<Vec<_>>().join("\n")
    });
    code.collect()
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        return files.push(path.into());
    }
    for entry in fs::read_dir(path).expect("a source folder can be read") {
        let path = entry.expect("an entry").path();
        let is_test = path
            .file_stem()
            .is_some_and(|name| name.to_string_lossy().contains("test"));
        if !is_test && (path.is_dir() || path.extension().is_some_and(|ext| ext == "rs")) {
            collect(&path, files);
        }
    }
}

/// What stands in backticks in the first cells of a page's tables.
fn first_cells(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let cell = line.strip_prefix("| `")?.split(" | ").next()?;
        cell.trim_end()
            .trim_end_matches('|')
            .trim_end()
            .strip_suffix('`')
    })
}

#[track_caller]
fn compare(what: &str, page: &str, documented: &Names, in_code: &Names) {
    let only = |these: &Names, others: &Names| these - others;
    let (missing, gone) = (only(in_code, documented), only(documented, in_code));
    assert!(!in_code.is_empty(), "no {what} were found in the code");
    assert!(
        missing.is_empty() && gone.is_empty(),
        "{what}: {page} lacks {missing:?}, and has {gone:?}, which the code does not"
    );
}

/// The text between a mark and the next one.
fn between<'a>(text: &'a str, begin: &str, end: char) -> impl Iterator<Item = &'a str> + use<'a> {
    let begin = begin.to_owned();
    let found: Vec<&str> = text
        .match_indices(&begin)
        .filter_map(|(at, begin)| text[at + begin.len()..].split(end).next())
        .collect();
    found.into_iter()
}

#[test]
fn every_metric_is_documented() {
    let is_name = |name: &&str| {
        let rest = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        // The default claim of a token that lists a service's clients.
        !name.is_empty() && rest && *name != "clients"
    };
    let code = code("").join("\n");
    let names = between(&code, "\"millstream_", '"').filter(is_name);
    let in_code: Names = names.map(|name| format!("millstream_{name}")).collect();
    let page = page("metrics.md");
    let documented = first_cells(&page).map(str::to_owned).collect();
    compare("metrics", "metrics.md", &documented, &in_code);
}

/// The names that an enum's values have for people: `Class::Trap => "trap"`.
fn names_of(enumeration: &str) -> Names {
    let code = code("record").join("\n");
    let arms = between(&code, &format!("{enumeration}::"), ',');
    let name = |arm: &str| Some(arm.split_once("=> \"")?.1.trim_end_matches('"').to_owned());
    arms.filter_map(name).collect()
}

#[test]
fn every_class_and_stage_of_a_failure_is_documented() {
    let page = page("failures.md");
    let documented = first_cells(&page).map(str::to_owned).collect();
    compare("classes", "failures.md", &documented, &names_of("Class"));
    let items = page
        .lines()
        .filter_map(|line| line.strip_prefix("- `")?.split('`').next());
    let documented = items.map(str::to_owned).collect();
    compare("stages", "failures.md", &documented, &names_of("Stage"));
}

#[test]
fn every_redis_key_is_documented() {
    let files = code_with_comments("store/redis");
    let rows = files
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `<p>:")?.split('`').next());
    let in_code: Names = rows.map(|key| format!("<prefix>:{key}")).collect();
    let page = page("redis-keys.md");
    let documented = first_cells(&page).map(str::to_owned).collect();
    compare("keys", "redis-keys.md", &documented, &in_code);
}

fn code_with_comments(folder: &str) -> String {
    let mut files = Vec::new();
    collect(&root().join("host/src").join(folder), &mut files);
    let read = |file: &PathBuf| fs::read_to_string(file).expect("a source can be read");
    files.iter().map(read).collect()
}

/// A table of the configuration's schema: its struct's fields, with their types.
struct Table {
    name: String,
    fields: Vec<(String, String)>,
}

/// The structs that may stand in the file: unknown keys of them are errors.
fn tables() -> Vec<Table> {
    let code = code("config").join("\n");
    let of = |text: &str| {
        let (head, body) = text.split_once("struct ")?;
        if !head.contains("deny_unknown_fields") {
            return None;
        }
        let (name, body) = body.split_once(" {\n")?;
        let body = body.split("\n}").next()?;
        let mut renamed = None;
        let mut fields = Vec::new();
        for line in body.lines().map(str::trim) {
            if let Some(name) = between(line, "rename = \"", '"').next() {
                renamed = Some(name.to_owned());
            } else if let Some((field, kind)) = line.rsplit_once(": ") {
                let field = field.rsplit(' ').next().unwrap_or(field);
                let key = renamed.take().unwrap_or_else(|| field.replace('_', "-"));
                fields.push((key, kind.trim_end_matches(',').to_owned()));
            }
        }
        let name = name.to_owned();
        Some(Table { name, fields })
    };
    code.split("#[derive(").filter_map(of).collect()
}

/// Adds a table's keys and those of the tables in it, by the table's path.
fn keys_of(table: &Table, path: &str, tables: &[Table], keys: &mut Names) {
    for (key, kind) in &table.fields {
        let inner = kind
            .rsplit(['<', ':'])
            .next()
            .unwrap_or(kind)
            .trim_end_matches('>');
        let inner = tables.iter().find(|table| table.name == inner);
        let below = format!("{path}{key}");
        match inner {
            // Three plugins have the same keys.
            Some(_) if matches!(key.as_str(), "route" | "dead-letter") => {
                keys.insert(format!("[[pipeline]] {key}"));
            }
            Some(inner) => {
                if !path.is_empty() {
                    keys.insert(format!("{} {key}", heading(path)));
                }
                keys_of(inner, &format!("{below}."), tables, keys);
            }
            None => {
                keys.insert(format!("{} {key}", heading(path)));
            }
        }
    }
}

fn heading(path: &str) -> String {
    let name = path.trim_end_matches('.');
    match name {
        "pipeline" | "auth.key" => format!("[[{name}]]"),
        _ => format!("[{name}]"),
    }
}

#[test]
fn every_key_of_the_configuration_is_documented() {
    let tables = tables();
    let file = tables
        .iter()
        .find(|table| table.name == "File")
        .expect("the top level");
    let mut in_code = Names::new();
    keys_of(file, "", &tables, &mut in_code);
    let page = page("configuration.md");
    let mut documented = Names::new();
    for section in page.split("\n## `").skip(1) {
        let table = section.split('`').next().unwrap_or_default();
        documented.extend(first_cells(section).map(|key| format!("{table} {key}")));
    }
    compare("keys", "configuration.md", &documented, &in_code);
}

#[test]
fn every_bundled_plugin_is_documented() {
    let build = fs::read_to_string(root().join("plugins/bundled/build.rs")).expect("it is there");
    let list = build
        .split("PLUGINS")
        .nth(1)
        .and_then(|rest| rest.split("];").next());
    let in_code = between(list.unwrap_or_default(), "    \"", '"')
        .map(str::to_owned)
        .collect();
    let page = page("plugins/bundled.md");
    let headings = between(&page, "\n## ", '\n').filter(|heading| heading.starts_with('`'));
    let documented = headings
        .map(|heading| heading.trim_matches('`').to_owned())
        .collect();
    compare("plugins", "plugins/bundled.md", &documented, &in_code);
}

#[test]
fn every_parameter_of_the_streams_is_documented() {
    let code = code("sse").join("\n");
    let list = code
        .split("const NAMES")
        .nth(1)
        .and_then(|rest| rest.split("];").next());
    let list = list.expect("sse/request.rs has the names of its parameters");
    let page = page("http.md");
    let parameters = page
        .split("### GET /v1/events")
        .nth(1)
        .expect("it has the section");
    let parameters = parameters.split("\n### ").next().unwrap_or_default();
    for name in list.split('"').skip(1).step_by(2) {
        let is_there = [format!("`{name}="), format!("`{name}`")];
        assert!(
            is_there.iter().any(|text| parameters.contains(text)),
            "http.md lacks {name}"
        );
    }
}

#[test]
fn every_path_of_the_http_api_is_documented() {
    let page = page("http.md");
    let documented = first_cells(&page).filter_map(|cell| {
        let path = cell.split_once(' ')?.1;
        path.starts_with('/')
            .then(|| path.split('<').next().unwrap_or(path).to_owned())
    });
    let documented: Names = documented
        .map(|path| path.trim_end_matches('/').to_owned())
        .collect();
    let code: String = ["sse", "tasks", "admin"]
        .map(|folder| code(folder).join("\n"))
        .concat();
    for path in &documented {
        assert!(
            code.contains(&format!("\"{path}")),
            "http.md has {path}, and the code does not"
        );
    }
    let v1 = between(&code, "\"/v1/", '"').map(|path| path.split('/').next().unwrap_or(path));
    for path in v1 {
        let path = format!("/v1/{path}");
        assert!(documented.contains(&path), "http.md lacks {path}");
    }
}

#[test]
fn the_readmes_plugin_is_the_one_that_is_built() {
    let file = root().join("plugins/sdk/examples/first.rs");
    let example = fs::read_to_string(file).expect("the example is there");
    let (_, plugin) = example
        .split_once("// ANCHOR: plugin\n")
        .expect("an anchor");
    let plugin = plugin.split("// ANCHOR_END").next().unwrap_or_default();
    let readme = fs::read_to_string(root().join("README.md")).expect("there is a README");
    assert!(
        readme.contains(&format!("```rust\n{plugin}```")),
        "the README has another plugin"
    );
    assert!(
        readme.len() <= 8 << 10,
        "the README has {} bytes, over 8 KiB",
        readme.len()
    );
}

#[test]
fn every_link_of_the_book_and_the_readme_leads_somewhere() {
    let mut pages = Vec::new();
    markdown(&root().join("docs/src"), &mut pages);
    for page in [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "ARCHITECTURE.md",
        "tests/README.md",
    ] {
        pages.push(root().join(page));
    }
    let mut broken = Vec::new();
    for page in &pages {
        let text = fs::read_to_string(page).unwrap_or_else(|e| panic!("{}: {e}", page.display()));
        for link in between(&text, "](", ')').filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let folder = page.parent().expect("a page is in a folder");
            let target = if path.is_empty() {
                page.clone()
            } else {
                folder.join(path)
            };
            let is_there = match fs::read_to_string(&target) {
                Ok(text) => anchor.is_empty() || has_heading(&text, anchor),
                Err(_) => target.is_dir(),
            };
            if !is_there {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

fn markdown(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the book can be read") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => markdown(&path, pages),
            false if path.extension().is_some_and(|ext| ext == "md") => pages.push(path),
            false => {}
        }
    }
}

/// Whether a heading has this anchor, as mdBook and GitHub make it.
fn has_heading(text: &str, anchor: &str) -> bool {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.into_iter().any(|heading| {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let words = words.replace("&lt;", "<").replace("&gt;", ">");
        let kept = words
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let made: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        made == anchor
    })
}

/// The message of a log call, without its fields: its last text, cut at its values.
fn message_of(call: &str) -> Option<String> {
    let texts = call.split('"').skip(1).step_by(2);
    let text = texts.filter(|text| text.contains(' ')).last()?;
    let parts = text.split(['{', '}']).step_by(2);
    let longest = parts.max_by_key(|part| part.len())?;
    let words: Vec<&str> = longest
        .split(['\\', ' ', '\n'])
        .filter(|w| !w.is_empty())
        .collect();
    Some(
        words
            .join(" ")
            .trim_matches(|c: char| !c.is_alphanumeric())
            .to_owned(),
    )
}

/// The arguments of a call, up to the parenthesis that ends it.
fn inside_parentheses(code: &str) -> &str {
    let (mut depth, mut in_text, mut escaped) = (1, false, false);
    for (at, c) in code.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            '(' if !in_text => depth += 1,
            ')' if !in_text => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &code[..at];
        }
    }
    code
}

#[test]
fn every_error_and_warning_of_the_log_is_in_the_runbook() {
    let page: Vec<String> = page("runbook.md")
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let page = page.join(" ");
    let code = code("").join("\n");
    let mut missing = Vec::new();
    let mut found = 0;
    for call in ["tracing::error!(", "tracing::warn!("] {
        for (at, _) in code.match_indices(call) {
            let call = inside_parentheses(&code[at + call.len()..]);
            let Some(message) = message_of(call) else {
                continue;
            };
            found += 1;
            let start: String = message.chars().take(20).collect();
            // Only the demo sends records itself.
            if !page.contains(start.trim_end()) && !message.contains("a demo record") {
                missing.push(message);
            }
        }
    }
    assert!(found > 50, "the log's messages were not found");
    assert!(
        missing.is_empty(),
        "runbook.md lacks:\n{}",
        missing.join("\n")
    );
}
