//! Where an exported plugin's one instance lives.

use crate::Config;
use std::cell::OnceCell;

/// Holds the instance between `configure` and the calls. For the macros.
#[doc(hidden)]
pub struct Slot<T>(OnceCell<T>);

impl<T> Slot<T> {
    pub const fn new() -> Self {
        Slot(OnceCell::new())
    }

    pub fn config(json: &str) -> Config<'_> {
        Config(json)
    }

    /// The host configures an instance once; a second time changes nothing.
    pub fn set(&self, plugin: T) {
        let _ = self.0.set(plugin);
    }

    pub fn get(&self) -> &T {
        // The host never calls before it configured; if one did, this trap's
        // message tells it so.
        self.0
            .get()
            .expect("the plugin was called before it was configured")
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Slot::new()
    }
}
