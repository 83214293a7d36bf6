//! The hot paths as functions: `benches/cases.rs` takes their time, `instructions` counts.
//!
//! A case does the same each time, with inputs that are made beforehand. Nothing here depends on
//! the time, on a hash seed or on another case.

pub mod appends;
mod edge;
mod plugins;
mod records;
mod schemas;
mod store;

use anyhow::Result;
use std::path::PathBuf;

/// A hot path.
pub struct Case {
    /// What is measured, after its group and a slash.
    pub name: String,
    /// How many records, events or frames one run handles.
    pub records: usize,
    /// Runs it once.
    pub run: Box<dyn FnMut()>,
}

impl Case {
    fn new(name: impl Into<String>, records: usize, run: impl FnMut() + 'static) -> Case {
        Case {
            name: name.into(),
            records,
            run: Box::new(run),
        }
    }
}

/// What the cases need from outside.
pub struct Setup {
    /// The wasm of `tests/plugins/nothing`.
    pub nothing: PathBuf,
    /// A program with the commands `compile-plugin` and `parse-schema`.
    pub compiler: PathBuf,
    /// A folder for compiled plugins.
    pub cache: PathBuf,
    /// The address of a Redis that is empty.
    pub redis: String,
}

/// All cases.
///
/// # Errors
/// If one can't be prepared.
pub fn all(setup: &Setup) -> Result<Vec<Case>> {
    let mut cases = vec![records::arena(), edge::frames(), edge::fan_out()?];
    cases.push(store::append(&setup.redis)?);
    cases.extend(schemas::all(&setup.compiler)?);
    cases.extend(plugins::all(setup)?);
    Ok(cases)
}
