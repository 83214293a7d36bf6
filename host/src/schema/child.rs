//! Schemas are parsed in a child process: they come from others, and the libraries that parse them
//! may panic, overflow their stack or take any time.

use super::plan::Plan;
use super::source::Source;
use crate::process::child::Work;
use anyhow::Context;
use std::io::{Write, stdin, stdout};
use std::path::Path;
use std::time::Duration;

const PARSER: Work = Work {
    who: "the schema parser",
    what: "parsing a schema",
    command: "parse-schema",
    // It is niced, and the machine may be busy.
    patience: Duration::from_secs(120),
    cpu_seconds: 10,
    memory: 1 << 30,
    // Two of them fit into the cache.
    output: 15 << 20,
};

/// The child's side: parses the [`Source`] on standard input, and writes the plan to standard
/// output.
///
/// # Errors
/// Why it failed; the parent reports it.
pub fn child() -> anyhow::Result<()> {
    PARSER.limit_this_process()?;
    let source: Source = serde_json::from_reader(stdin().lock())?;
    let plan = Plan::parse(&source)?;
    let plan = serde_json::to_vec(&plan)?;
    stdout().write_all(&plan)?;
    Ok(())
}

/// The plan of a schema, as JSON.
///
/// # Errors
/// Why there is none.
pub(super) fn parse(source: &Source, program: &Path) -> anyhow::Result<Vec<u8>> {
    let source = serde_json::to_vec(source).context("can't pass the schema on")?;
    Ok(PARSER.run(program, &[], source)?)
}
