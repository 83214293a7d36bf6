//! The plugin's table of the configuration.

use serde::de::DeserializeOwned;

/// What stands under `config` at this plugin in `millstream.toml`, as JSON.
pub struct Config<'a>(pub(crate) &'a str);

impl Config<'_> {
    /// Reads it into a type of your own. Put `#[serde(deny_unknown_fields)]`
    /// on that type, so that a misspelt key keeps the plugin from going live
    /// instead of being silently without effect.
    ///
    /// # Errors
    /// What is wrong with it, for people: return it from `new` as it is.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_str(self.0).map_err(|e| {
            // Where it is in this JSON says nothing: nobody wrote it.
            let error = e.to_string();
            let what = error
                .rsplit_once(" at line ")
                .map_or(error.as_str(), |(what, _)| what);
            format!("config: {what}")
        })
    }

    /// For a plugin that has nothing to configure: an error if there is
    /// anything.
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

    /// The JSON itself, `{}` where there is no table.
    pub fn json(&self) -> &str {
        self.0
    }
}
