//! Query strings.

use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// A parameter's raw value.
///
/// # Errors
/// If the parameter is given twice: a gateway that checks access may look at
/// the other value.
pub fn parameter<'a>(query: &'a str, name: &str) -> Result<Option<&'a str>, String> {
    parameter_of(query, &[name])
}

/// The value of a parameter that has several names; errors show the first.
///
/// # Errors
/// If the parameter is given twice, under any of its names.
pub fn parameter_of<'a>(query: &'a str, names: &[&str]) -> Result<Option<&'a str>, String> {
    let is_it = |key: &str| names.iter().any(|name| *decoded(key) == *name.as_bytes());
    let mut found = pairs(query).filter(|(key, _)| is_it(key));
    let first = found.next().map(|(_, value)| value);
    match found.next() {
        Some(_) => Err(format!("parameter `{}` is given twice", names[0])),
        None => Ok(first),
    }
}

/// Refuses a misspelt parameter, which would silently do nothing. Names that
/// resemble none of `known` are ignored: caches and page scripts add their own.
///
/// # Errors
/// Names the parameter that was probably meant.
pub fn check_names(query: &str, known: &[&str]) -> Result<(), String> {
    for (key, _) in pairs(query) {
        let key = decoded(key);
        let Ok(key) = std::str::from_utf8(&key) else {
            continue;
        };
        if known.contains(&key) {
            continue;
        }
        if let Some(meant) = near(key, known) {
            return Err(format!(
                "unknown parameter `{key}`: did you mean `{meant}`?"
            ));
        }
    }
    Ok(())
}

/// The known name that `key` resembles: up to a third of its letters may
/// differ; case, hyphens and underscores do not count.
fn near<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    let longest = known.iter().map(|name| name.len()).max().unwrap_or(0);
    if key.len() > 2 * longest {
        return None;
    }
    let key = folded(key);
    let scored = known.iter().filter_map(|name| {
        let distance = strsim::osa_distance(&key, &folded(name));
        (distance <= (name.len() / 3).max(1)).then_some((distance, *name))
    });
    let (_, name) = scored.min_by_key(|(distance, _)| *distance)?;
    Some(name)
}

fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace(['-', '_'], "")
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = query.split('&');
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Decodes form encoding: `+` is a space, `%` starts an escape. The result need
/// not be UTF-8.
pub fn decoded(text: &str) -> Cow<'_, [u8]> {
    if !text.contains('+') {
        return percent_decode_str(text).into();
    }
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).collect::<Vec<u8>>().into()
}
