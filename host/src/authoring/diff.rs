//! Where two JSON values differ, path by path.

use serde_json::Value;

/// The most differences that are named.
const MOST: usize = 20;

/// Lines such as `total: 1 -> 2`; empty if the values are equal.
pub fn differences(before: &Value, after: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk("", before, after, &mut found);
    if found.len() > MOST {
        let more = found.len() - MOST;
        found.truncate(MOST);
        found.push(format!("and {more} more"));
    }
    found
}

fn walk(path: &str, before: &Value, after: &Value, found: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            for (name, old) in a {
                let path = join(path, name);
                match b.get(name) {
                    Some(new) => walk(&path, old, new, found),
                    None => found.push(format!("{path}: {} -> (absent)", cut(old))),
                }
            }
            for (name, new) in b.iter().filter(|(name, _)| !a.contains_key(*name)) {
                found.push(format!("{}: (absent) -> {}", join(path, name), cut(new)));
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for index in 0..a.len().max(b.len()) {
                let path = format!("{path}[{index}]");
                match (a.get(index), b.get(index)) {
                    (Some(old), Some(new)) => walk(&path, old, new, found),
                    (Some(old), None) => found.push(format!("{path}: {} -> (absent)", cut(old))),
                    (None, Some(new)) => found.push(format!("{path}: (absent) -> {}", cut(new))),
                    (None, None) => {}
                }
            }
        }
        _ if before == after => {}
        _ => {
            let path = if path.is_empty() { "(all of it)" } else { path };
            found.push(format!("{path}: {} -> {}", cut(before), cut(after)));
        }
    }
}

fn join(path: &str, name: &str) -> String {
    match path {
        "" => name.into(),
        _ => format!("{path}.{name}"),
    }
}

fn cut(value: &Value) -> String {
    const LONGEST: usize = 100;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        None => text,
        Some((at, _)) => format!("{}...", &text[..at]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_difference_is_named_by_its_path() {
        let before = json!({ "a": 1, "b": { "c": [1, 2] }, "gone": null, "same": "x" });
        let after = json!({ "a": "1", "b": { "c": [1, 3, 4] }, "new": true, "same": "x" });
        let expected = [
            "a: 1 -> \"1\"",
            "b.c[1]: 2 -> 3",
            "b.c[2]: (absent) -> 4",
            "gone: null -> (absent)",
            "new: (absent) -> true",
        ];
        assert_eq!(differences(&before, &after), expected);
        assert!(differences(&before, &before).is_empty());
        assert_eq!(differences(&json!(1), &json!(2)), ["(all of it): 1 -> 2"]);
    }
}
