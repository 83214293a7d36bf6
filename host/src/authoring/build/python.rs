//! Python: a script of the SDK installs componentize-py into the project, and runs
//! it.

use super::tool::Tool;
use crate::authoring::project::Project;
use crate::plugin::bundled;
use anyhow::Context;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

const PYTHON: Tool = Tool {
    program: "python3",
    install: "python3 is not installed: install Python 3.10 or later, for example with \"apt-get \
              install python3 python3-venv\"",
};

/// Builds with Python. Its messages go to standard error.
pub(super) fn build(project: &Project) -> anyhow::Result<PathBuf> {
    let mut scripts = bundled::files("sdk-python").filter(|(path, _)| *path == "build.py");
    let (_, script) = scripts.next().context("this program lacks build.py")?;
    let mut python = PYTHON.command(project);
    python
        .arg("-")
        .args([".", project.kind.name(), &project.name])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = PYTHON.started(python.spawn())?;
    // A script that ends before it is read whole says why itself.
    let mut stdin = child.stdin.take();
    let _ = stdin.as_mut().map(|stdin| stdin.write_all(script));
    drop(stdin);
    let output = child.wait_with_output().context("can't run python3")?;
    if !output.status.success() {
        anyhow::bail!("python3 could not build it; see its messages above");
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let path = text.lines().last().context("build.py named no file")?;
    Ok(project.folder.join(path))
}
