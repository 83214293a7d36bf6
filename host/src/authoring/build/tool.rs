//! Programs that build plugins: run in the project's folder, and named with what to
//! install where they are missing.

use crate::authoring::project::Project;
use anyhow::{Context, bail};
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program.
pub(super) struct Tool {
    pub program: &'static str,
    /// The message where it is missing.
    pub install: &'static str,
}

impl Tool {
    /// Its command, in the project's folder. What it prints is for people, so it
    /// goes to standard error.
    pub fn command(&self, project: &Project) -> Command {
        let mut command = Command::new(self.program);
        command.current_dir(&project.folder).stdin(Stdio::null());
        command.stdout(io::stderr());
        command
    }

    /// What a command was started as, or why it could not be.
    pub fn started<T>(&self, started: io::Result<T>) -> anyhow::Result<T> {
        match started {
            Err(error) if error.kind() == ErrorKind::NotFound => bail!("{}", self.install),
            started => started.with_context(|| format!("can't run {}", self.program)),
        }
    }
}

/// Runs a command; `failed` is the error if it fails.
pub(super) fn run(command: &mut Command, tool: &Tool, failed: &str) -> anyhow::Result<()> {
    match tool.started(command.status())?.success() {
        true => Ok(()),
        false => bail!("{failed}"),
    }
}

/// What a command prints, without whitespace around it.
pub(super) fn text(command: &mut Command, tool: &Tool) -> anyhow::Result<String> {
    let output = tool.started(command.stdout(Stdio::piped()).output())?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The first two numbers of a version.
pub(super) fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split(['.', '-', 'r', 'b']);
    let mut number = || parts.next()?.parse().ok();
    Some((number()?, number().unwrap_or(0)))
}

/// The folder of a project for what tools write, as a whole path: they run in the
/// project's folder.
pub(super) fn own_folder(project: &Project) -> anyhow::Result<PathBuf> {
    let folder = project.folder.canonicalize();
    let folder = folder.with_context(|| format!("can't open {}", project.folder.display()))?;
    let own = folder.join(".millstream");
    fs::create_dir_all(&own).with_context(|| format!("can't write {}", own.display()))?;
    Ok(own)
}

/// Writes a file; returns its path.
pub(super) fn write(path: &Path, content: &[u8]) -> anyhow::Result<PathBuf> {
    fs::write(path, content).with_context(|| format!("can't write {}", path.display()))?;
    Ok(path.into())
}

/// Prints a line of progress. A closed standard error is not an error.
pub(super) fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

#[test]
fn versions_are_compared_by_number() {
    assert_eq!(version("1.26.8"), Some((1, 26)));
    assert_eq!(version("1.24rc1"), Some((1, 24)));
    assert_eq!(version("20"), Some((20, 0)));
    assert_eq!(version("devel"), None);
}
