//! Files that are replaced while the daemon runs (keys, certificates), and folders
//! that must be ours alone.
//!
//! Promises: the value parsed from the files stays current until the new content
//! is complete and valid; a broken replacement is logged once. This folder does
//! not know what the files contain.

mod ours;
mod watched;

pub use ours::{is_ours, own_folder};
pub use watched::{Content, Watched, read_once};
