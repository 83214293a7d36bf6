//! Holds the one instance of an exported plugin.

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

    /// Sets the instance. The host configures it once; a second call has no
    /// effect.
    pub fn set(&self, plugin: T) {
        let _ = self.0.set(plugin);
    }

    pub fn get(&self) -> &T {
        // The host always configures first; otherwise this trap's message tells
        // it.
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
