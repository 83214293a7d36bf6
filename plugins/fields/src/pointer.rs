//! JSON pointers (RFC 6901).

use crate::json::Level;
use millstream_plugin::Failure;
use serde_json::value::RawValue;
use std::fmt;

/// A JSON pointer with at least one token.
pub struct Pointer {
    text: String,
    /// At least one.
    tokens: Vec<String>,
}

impl Pointer {
    /// Parses a pointer.
    ///
    /// # Errors
    /// What is wrong with it, and what is probably meant.
    pub fn parse(text: &str) -> Result<Pointer, String> {
        let Some(path) = text.strip_prefix('/') else {
            let meant = suggest(text);
            return Err(format!(
                "invalid JSON pointer {text:?}: did you mean {meant:?}?"
            ));
        };
        let tokens: Option<_> = path.split('/').map(unescape).collect();
        let tokens = tokens.ok_or_else(|| {
            format!("invalid JSON pointer {text:?}: write `~` as `~0` and `/` as `~1`")
        })?;
        Ok(Pointer {
            text: text.into(),
            tokens,
        })
    }

    /// Its tokens, without escapes.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// The value that it points at in a document with the first level `top`.
    ///
    /// # Errors
    /// `malformed`, if a value on the way is not valid JSON.
    pub fn find<'a>(&self, top: &Level<'a>) -> Result<Option<&'a RawValue>, Failure> {
        let mut tokens = self.tokens.iter();
        let mut found = tokens.next().and_then(|token| top.child(token));
        for token in tokens {
            let Some(value) = found else { break };
            found = Level::of(value)?.child(token);
        }
        Ok(found)
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "`{}`", self.text)
    }
}

/// The pointer that `user.id`, `$.user.id` or `user/id` probably means.
pub fn suggest(text: &str) -> String {
    let path = text.trim_start_matches(['$', '.', '/']);
    match path.contains('/') {
        true => format!("/{path}"),
        false => format!("/{}", path.replace('.', "/")),
    }
}

/// `None` if a `~` precedes anything but 0 and 1.
fn unescape(token: &str) -> Option<String> {
    let mut parts = token.split('~');
    let legal = parts.next().is_some() && parts.all(|part| part.starts_with(['0', '1']));
    legal.then(|| token.replace("~1", "/").replace("~0", "~"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(pointer: &str, json: &str) -> Option<String> {
        let pointer = Pointer::parse(pointer).unwrap();
        let top = Level::parse(json.as_bytes()).unwrap();
        pointer
            .find(&top)
            .unwrap()
            .map(|value| value.get().to_owned())
    }

    #[test]
    fn a_pointer_descends_objects_and_arrays() {
        let json = r#" {"a": {"b": [10, {"c": "x"}]}, "": 1, "a/b": 2, "m~n": 3, "~1": 4} "#;
        let expected = [
            ("/a/b/0", Some("10")),
            ("/a/b/1/c", Some("\"x\"")),
            ("/a/b", Some("[10, {\"c\": \"x\"}]")),
            ("/", Some("1")),
            ("/a~1b", Some("2")),
            ("/m~0n", Some("3")),
            ("/~01", Some("4")),
            ("/a/b/2", None),
            ("/a/b/00", None),
            ("/a/b/-", None),
            ("/a/b/+1", None),
            ("/a/b/0/c", None),
            ("/x/y/z", None),
        ];
        for (pointer, value) in expected {
            assert_eq!(find(pointer, json).as_deref(), value, "{pointer}");
        }
    }

    #[test]
    fn names_are_compared_without_their_escapes_and_the_last_one_counts() {
        assert_eq!(find("/é", r#"{"\u00e9": 1}"#).as_deref(), Some("1"));
        assert_eq!(find("/a", r#"{"a": 1, "a": 2}"#).as_deref(), Some("2"));
    }

    #[test]
    fn an_invalid_pointer_is_refused_with_a_suggestion() {
        let refusal = |text| Pointer::parse(text).err().unwrap();
        for meant in ["user.id", "$.user.id", "user/id"] {
            let expected = format!("invalid JSON pointer {meant:?}: did you mean \"/user/id\"?");
            assert_eq!(refusal(meant), expected);
        }
        assert!(refusal("/a~b").contains("`~0`"));
        assert!(refusal("/a~").contains("`~0`"));
    }
}
