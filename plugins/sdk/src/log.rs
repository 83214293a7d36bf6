//! Lines for the daemon's log. They need the capability `log`:
//! `capabilities = ["log"]` in the plugin's table of the configuration. Without it a
//! plugin that calls one of these macros does not go live.
//!
//! On this target the standard library discards what `println!`, `eprintln!` and
//! `dbg!` write. These macros take the same arguments:
//!
//! ```
//! use millstream_plugin::log;
//!
//! let total = -3;
//! log::warn!("odd total {total}");
//! ```
//!
//! The daemon adds the plugin, the partition and the offset of the record. It keeps
//! the first 1,024 bytes of a line and 100 lines of a call, and then ten lines a
//! second. A record that is processed again is logged again. In `cargo test` lines
//! go to standard error.

pub use crate::{
    __log_debug as debug, __log_error as error, __log_info as info, __log_warn as warn,
};

/// How severe a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something failed.
    Error,
    /// Something is odd.
    Warn,
    /// Something happened.
    Info,
    /// For whoever looks for a fault.
    Debug,
}

/// Writes a line about the current record. The macros format it.
pub fn write(level: Level, message: &str) {
    #[cfg(target_arch = "wasm32")]
    {
        use crate::abi::log as host;
        let level = match level {
            Level::Error => host::Level::Error,
            Level::Warn => host::Level::Warn,
            Level::Info => host::Level::Info,
            Level::Debug => host::Level::Debug,
        };
        host::write(crate::panic::record(), level, message);
    }
    #[cfg(not(target_arch = "wasm32"))]
    #[allow(clippy::print_stderr, reason = "this is where the lines of a test go")]
    {
        let level = format!("{level:?}").to_lowercase();
        eprintln!("{level}: {message}");
    }
}

/// Logs an error; see [`mod@crate::log`].
#[doc(hidden)]
#[macro_export]
macro_rules! __log_error {
    ($($words:tt)*) => {
        $crate::log::write($crate::log::Level::Error, &::std::format!($($words)*))
    };
}

/// Logs a warning; see [`mod@crate::log`].
#[doc(hidden)]
#[macro_export]
macro_rules! __log_warn {
    ($($words:tt)*) => {
        $crate::log::write($crate::log::Level::Warn, &::std::format!($($words)*))
    };
}

/// Logs a line; see [`mod@crate::log`].
#[doc(hidden)]
#[macro_export]
macro_rules! __log_info {
    ($($words:tt)*) => {
        $crate::log::write($crate::log::Level::Info, &::std::format!($($words)*))
    };
}

/// Logs a line for whoever looks for a fault; see [`mod@crate::log`].
#[doc(hidden)]
#[macro_export]
macro_rules! __log_debug {
    ($($words:tt)*) => {
        $crate::log::write($crate::log::Level::Debug, &::std::format!($($words)*))
    };
}
