//! From TOML to JSON.

use super::expand::expand;

/// Converts a TOML value to JSON, with variables in its strings expanded.
pub(in crate::config) fn to_json(value: toml::Value) -> Result<serde_json::Value, String> {
    use serde_json::Value as Json;
    Ok(match value {
        toml::Value::String(text) => Json::String(expand(&text)?),
        toml::Value::Integer(n) => n.into(),
        toml::Value::Float(n) => n.into(),
        toml::Value::Boolean(b) => b.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(list) => {
            Json::Array(list.into_iter().map(to_json).collect::<Result<_, _>>()?)
        }
        toml::Value::Table(table) => {
            let entry = |(key, value)| Ok((key, to_json(value)?));
            Json::Object(
                table
                    .into_iter()
                    .map(entry)
                    .collect::<Result<_, String>>()?,
            )
        }
    })
}
