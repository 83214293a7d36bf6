//! The plugin's configuration table.

use serde::de::DeserializeOwned;

/// The table `config` of this plugin in `millstream.toml`, as JSON.
pub struct Config<'a>(pub(crate) &'a str);

impl Config<'_> {
    /// Parses it into a type of your own. Put `#[serde(deny_unknown_fields)]`
    /// on that type, so that a misspelt key is refused instead of ignored.
    ///
    /// # Errors
    /// What is wrong with it, for people: return it from `new` unchanged.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_str(self.0).map_err(|e| {
            // The position in this generated JSON would not help anyone.
            let error = e.to_string();
            let what = error
                .rsplit_once(" at line ")
                .map_or(error.as_str(), |(what, _)| what);
            format!("config: {what}")
        })
    }

    /// For a plugin without configuration: an error if there is any.
    ///
    /// # Errors
    /// Names the first key.
    pub fn none(&self) -> Result<(), String> {
        let table: serde_json::Map<String, serde_json::Value> = self.parse()?;
        match table.keys().next() {
            Some(key) => Err(format!(
                "config: unknown key `{key}`; this plugin has no configuration"
            )),
            None => Ok(()),
        }
    }

    /// The JSON; `{}` if there is no table.
    pub fn json(&self) -> &str {
        self.0
    }
}
