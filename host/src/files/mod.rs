//! Files that are replaced while the daemon runs: keys, certificates.
//!
//! Promises: what was made of them stays in force until what stands there now
//! is whole and good; a broken replacement is said once. This folder knows
//! nothing of what the files hold.

mod watched;

pub use watched::{Content, Watched, read_once};
