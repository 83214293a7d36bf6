//! Names in source text.

use crate::schema::types::Types;
use std::collections::HashSet;

/// The names of types, unique in a file, by index; and a name for a root without one.
pub(super) struct TypeNames {
    pub of: Vec<String>,
    pub root: String,
}

impl TypeNames {
    /// `taken` are names that the file uses for something else.
    pub fn of(types: &Types, taken: &[&str]) -> TypeNames {
        let mut used: HashSet<String> = taken.iter().map(ToString::to_string).collect();
        let of = types.named.iter().map(|named| {
            let (name, place) = named.name.split_once('/').unwrap_or((&named.name, ""));
            let short = name.rsplit('.').next().unwrap_or_default();
            let tries = [pascal(&format!("{short} {place}")), pascal(&named.name)];
            unique(tries, &mut used)
        });
        let of: Vec<String> = of.collect();
        let root = unique(["Value".into(), "Root".into()], &mut used);
        TypeNames { of, root }
    }
}

/// The first name that is not used yet, or the last one with a number.
pub(super) fn unique<const N: usize>(tries: [String; N], used: &mut HashSet<String>) -> String {
    let last = tries.last().cloned().unwrap_or_default();
    let numbered = (2_u32..).map(|number| format!("{last}{number}"));
    let found = tries
        .into_iter()
        .chain(numbered)
        .find(|name| !used.contains(name));
    let found = found.unwrap_or_default();
    used.insert(found.clone());
    found
}

/// `order_item` and `order.item` as `OrderItem`.
pub(super) fn pascal(name: &str) -> String {
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric());
    let part = |part: &str| {
        let mut chars = part.chars();
        let first = chars.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(chars).collect::<String>()
    };
    let name: String = parts.map(part).collect();
    match name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        true => name,
        false => format!("T{name}"),
    }
}

/// `orderItem` and `order-item` as `order_item`.
pub(super) fn snake(name: &str) -> String {
    let mut snake = String::new();
    let mut before = '_';
    for c in name.chars() {
        if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            snake.push('_');
        }
        let legal = c.is_ascii_alphanumeric() || c == '_';
        snake.push(if legal { c.to_ascii_lowercase() } else { '_' });
        before = c;
    }
    match snake.starts_with(|c: char| c.is_ascii_digit()) || snake.is_empty() {
        true => format!("_{snake}"),
        false => snake,
    }
}

/// A string of TypeScript or Python; that of JSON is one in both.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A name for a comment: whoever wrote the schema chose it, and it must not end the comment.
pub(super) fn shown(name: &str) -> String {
    let legal = |c: char| c.is_alphanumeric() || "_.$- ".contains(c);
    let shown = name.chars().map(|c| match c {
        '/' => '.',
        c if legal(c) => c,
        _ => '_',
    });
    shown.take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_anything() {
        for (name, expected) in [
            ("order_item", "OrderItem"),
            ("shop.Order", "ShopOrder"),
            ("HTTPServer", "HTTPServer"),
            ("7up", "T7up"),
            ("", "T"),
        ] {
            assert_eq!(pascal(name), expected);
        }
        for (name, expected) in [
            ("orderItem", "order_item"),
            ("anInt32", "an_int32"),
            ("order-item", "order_item"),
            ("7up", "_7up"),
            ("ID", "id"),
            ("ä", "_"),
        ] {
            assert_eq!(snake(name), expected);
        }
        let mut used = HashSet::new();
        let mut name = || unique(["a".into(), "b".into()], &mut used);
        assert_eq!([name(), name(), name(), name()], ["a", "b", "b2", "b3"]);
    }
}
