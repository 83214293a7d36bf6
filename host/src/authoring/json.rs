//! JSON as text: what differs only in whitespace is the same.

/// Removes whitespace outside of strings. `json` must be valid JSON.
pub(super) fn compact(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        if !in_string && c.is_ascii_whitespace() {
            continue;
        }
        in_string = match c {
            '"' if !escaped => !in_string,
            _ => in_string,
        };
        escaped = in_string && c == '\\' && !escaped;
        compact.push(c);
    }
    compact
}

#[test]
fn only_whitespace_outside_of_strings_is_removed() {
    assert_eq!(
        compact(r#"{ "a b" : [ 1 , "\" x" ] }"#),
        r#"{"a b":[1,"\" x"]}"#
    );
}
