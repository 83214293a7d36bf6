//! JavaScript: the SDK's own build runs in Node.js. It loads the plugin's modules
//! into a small engine, QuickJS-ng, and writes the engine's memory as a module.

use super::tool::{self, Tool};
use crate::authoring::project::Project;
use crate::plugin::componentize;
use anyhow::{Context, bail};
use std::fs;
use std::path::{Path, PathBuf};

const NODE: Tool = Tool {
    program: "node",
    install: "Node.js is not installed: install version 20 or later, for example with \"apt-get \
              install nodejs npm\" or \"brew install node\"",
};
const NPM: Tool = Tool {
    program: "npm",
    install: "npm is not installed: install it, for example with \"apt-get install npm\"",
};
const OLDEST: u32 = 20;

/// Builds with Node.js; npm installs the engine into the project first.
pub(super) fn build(project: &Project) -> anyhow::Result<PathBuf> {
    let version = tool::text(NODE.command(project).arg("--version"), &NODE)?;
    let version = version.strip_prefix('v').unwrap_or(&version);
    if tool::version(version).is_none_or(|(major, _)| major < OLDEST) {
        bail!("Node.js {version} is too old: install version {OLDEST} or later");
    }
    if !is_installed(&project.folder) {
        tool::say("installing the packages of package.json with npm");
        let mut npm = NPM.command(project);
        npm.args(["install", "--no-audit", "--no-fund"]);
        let failed = "npm could not install the packages; see its messages above";
        tool::run(&mut npm, &NPM, failed)?;
    }
    let own = tool::own_folder(project)?;
    let core = own.join(format!("{}.core.wasm", project.name));
    tool::say("loading the plugin's modules into the JavaScript engine");
    let mut node = NODE.command(project);
    node.args(["sdk/build/main.js", project.kind.name(), "."])
        .arg(&core);
    let failed = "the JavaScript engine could not load the plugin; see the message above";
    tool::run(&mut node, &NODE, failed)?;
    let core = fs::read(&core).with_context(|| format!("can't read {}", core.display()))?;
    let component = componentize(&core, project.kind, &[])
        .context("the SDK in sdk/ does not fit this version of millstream")?;
    tool::write(&own.join(format!("{}.wasm", project.name)), &component)
}

/// Whether npm has finished after `package.json` was changed: it writes this file
/// last.
fn is_installed(folder: &Path) -> bool {
    let changed = |name: &str| fs::metadata(folder.join(name)).and_then(|found| found.modified());
    match (
        changed("node_modules/.package-lock.json"),
        changed("package.json"),
    ) {
        (Ok(installed), Ok(wanted)) => installed >= wanted,
        _ => false,
    }
}
